// Boost.Fiber. bench NAME [N]. Fibers of 16 KiB; round-robin schedulers, one an OS thread, so a fiber stays
// where it was made.
#include "../c/common.h"
#include <atomic>
#include <boost/fiber/all.hpp>
#include <string>
#include <thread>
#include <vector>

namespace bf = boost::fibers;
using Pool = bf::pooled_fixedsize_stack;
using Plain = bf::fixedsize_stack;
static constexpr size_t STACK = 16 * 1024;

static const char *name;
static uint64_t N;

static void yields(size_t tasks) {
  uint64_t k = 0, t0 = 0, t1 = 0;
  for (int warm = 1; warm >= 0; warm--) {
    k = (warm ? N / 20 : N) / tasks + 1;
    size_t arrived = 0, done = 0;
    Plain sa(STACK);
    std::vector<bf::fiber> v;
    v.reserve(tasks);
    for (size_t i = 0; i < tasks; i++)
      v.emplace_back(std::allocator_arg, sa, [&] {
        if (++arrived == tasks) t0 = now_ns();
        while (arrived < tasks) boost::this_fiber::yield();
        for (uint64_t j = 0; j < k; j++) boost::this_fiber::yield();
        if (++done == tasks) t1 = now_ns();
      });
    for (auto &f : v) f.join();
  }
  out(name, (double)(t1 - t0) / (double)(k * tasks), "ns");
}

static void spawn_join() {
  uint64_t t0 = 0;
  Pool sa(STACK);
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    bf::fiber(std::allocator_arg, sa, [] {}).join();
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
}

static void spawn_batch() {
  double best = 1e300;
  Pool sa(STACK);
  for (int r = 0; r < 5; r++) {
    uint64_t t0 = now_ns();
    std::vector<bf::fiber> v;
    v.reserve(N);
    for (uint64_t i = 0; i < N; i++) v.emplace_back(std::allocator_arg, sa, [] {});
    for (auto &f : v) f.join();
    best = std::min(best, (double)(now_ns() - t0) / (double)N);
  }
  out(name, best, "ns");
}

// Runs f(0) and f(1) on two OS threads and gives the wall time, ns.
template <class F> static uint64_t on_two(F f) {
  uint64_t t0 = now_ns();
  std::thread a([&] { f(0); }), b([&] { f(1); });
  a.join();
  b.join();
  return now_ns() - t0;
}

// Joined in blocks, which bounds what is alive; a thread's fibers stay there.
static void spawn_mt() {
  for (int round = 0; round < 2; round++) {
    uint64_t n = round ? N : N / 10, half = n / 2;
    std::atomic<uint64_t> left{2 * half};
    uint64_t wall = on_two([&](int) {
      Pool sa(STACK);
      std::vector<bf::fiber> v;
      v.reserve(1000);
      for (uint64_t i = 0; i < half; i++) {
        v.emplace_back(std::allocator_arg, sa, [&] { left--; });
        if (v.size() < 1000 && i + 1 < half) continue;
        for (auto &f : v) f.join();
        v.clear();
      }
    });
    if (left) fail(name, "a fiber did not run");
    if (round) out(name, (double)wall / (double)n, "ns");
  }
}

// A child runs at once (dispatch), so few fibers live at a time; each thread takes five of the root's ten.
template <class S> static uint64_t sky(S &sa, uint64_t num, uint64_t size) {
  if (size == 1) return num;
  uint64_t r[10], sum = 0;
  bf::fiber f[10];
  for (uint64_t i = 0; i < 10; i++)
    f[i] = bf::fiber(bf::launch::dispatch, std::allocator_arg, sa,
                     [&r, &sa, i, num, size] { r[i] = sky(sa, num + i * (size / 10), size / 10); });
  for (int i = 0; i < 10; i++) {
    f[i].join();
    sum += r[i];
  }
  return sum;
}
static void skynet() {
  for (int round = 0; round < 2; round++) {
    uint64_t part[2] = {0, 0};
    uint64_t wall = on_two([&](int th) {
      Pool sa(STACK);
      uint64_t r[5];
      bf::fiber f[5];
      for (uint64_t i = 0; i < 5; i++)
        f[i] = bf::fiber(std::allocator_arg, sa,
                         [&, i] { r[i] = sky(sa, ((uint64_t)th * 5 + i) * (N / 10), N / 10); });
      for (int i = 0; i < 5; i++) {
        f[i].join();
        part[th] += r[i];
      }
    });
    if (part[0] + part[1] != N * (N - 1) / 2) fail(name, "wrong sum");
    if (round) out(name, (double)wall / 1e6, "ms");
  }
}

// A round trip over two channels, ns.
template <class C> static double round_trips(C &there, C &back, uint64_t n, bool across) {
  uint64_t t0 = 0, t1 = 0;
  auto pong = [&] {
    uint64_t v;
    for (uint64_t i = 0; i < n + n / 20; i++) {
      there.pop(v);
      back.push(v);
    }
  };
  auto ping = [&] {
    uint64_t v;
    for (uint64_t i = 0; i < n + n / 20; i++) {
      if (i == n / 20) t0 = now_ns();
      there.push(i);
      back.pop(v);
    }
    t1 = now_ns();
  };
  if (across) {
    on_two([&](int th) {
      if (th) bf::fiber(pong).join();
      else bf::fiber(ping).join();
    });
  } else {
    bf::fiber a(pong), b(ping);
    a.join();
    b.join();
  }
  return (double)(t1 - t0) / (double)n;
}
static void chan_pingpong(bool across) {
  bf::unbuffered_channel<uint64_t> a, b;
  bf::buffered_channel<uint64_t> c(2), d(2); // of which one slot is never used
  double hand_over = round_trips(a, b, N / 2, across), one_slot = round_trips(c, d, N / 2, across);
  out_best(name, hand_over, one_slot);
}

// There is nothing cheaper to wake another fiber with (a mutex and a condition variable are dearer).
static void pingpong(bool across) {
  bf::unbuffered_channel<uint64_t> a, b;
  out(name, round_trips(a, b, N, across), "ns");
}

// Senders on one OS thread, receivers on the other; the channel uses 63 of its 64 slots.
static void chan_shared(size_t senders, size_t receivers) {
  bf::buffered_channel<uint64_t> c(64);
  uint64_t each = N / 64 * 64 / senders, n = each * senders, got = 0, sum = 0;
  std::atomic<size_t> sending{senders};
  uint64_t wall = on_two([&](int receive) {
    std::vector<bf::fiber> v;
    for (size_t i = 0; i < (receive ? receivers : senders); i++)
      v.emplace_back(std::allocator_arg, Plain(STACK), [&, i] {
        uint64_t k = 0, s = 0, value;
        if (receive) {
          for (; c.pop(value) == bf::channel_op_status::success; k++) s += value;
          got += k;
          sum += s;
        } else {
          for (value = i * each; value < (i + 1) * each; value++) c.push(value);
          if (!--sending) c.close();
        }
      });
    for (auto &f : v) f.join();
  });
  if (got != n || sum != n * (n - 1) / 2) fail(name, "an element was lost, or came twice");
  std::string apart = std::string(name) + "_apart";
  out(name, (double)wall / (double)n, "ns");
  out(apart.c_str(), (double)wall / (double)n, "ns");
}

static void mutex_free() {
  bf::mutex m;
  uint64_t count = 0, t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    m.lock();
    count++;
    m.unlock();
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  if (count != N + N / 20) fail(name, "wrong count");
}

static void mutex64() {
  bf::mutex m;
  uint64_t count = 0;
  uint64_t wall = on_two([&](int) {
    std::vector<bf::fiber> v;
    for (int i = 0; i < 32; i++)
      v.emplace_back(std::allocator_arg, Plain(STACK), [&] {
        for (uint64_t j = 0; j < N / 64; j++) {
          m.lock();
          count++;
          m.unlock();
        }
      });
    for (auto &f : v) f.join();
  });
  if (count != N / 64 * 64) fail(name, "wrong count");
  out(name, (double)wall / (double)count, "ns");
}

static void mutex64_fair() {
  bf::mutex m;
  std::atomic<int> begun{0};
  std::atomic<bool> begin{false}, stop{false};
  uint64_t turns[64] = {}, t0 = 0;
  std::thread clock([&] {
    while (begun < 64) usleep(1000);
    t0 = now_ns();
    begin = true;
    usleep((useconds_t)N * 1000);
    stop = true;
  });
  on_two([&](int th) {
    std::vector<bf::fiber> v;
    for (int i = 0; i < 32; i++)
      v.emplace_back(std::allocator_arg, Plain(STACK), [&, i] {
        begun++;
        while (!begin) boost::this_fiber::sleep_for(std::chrono::milliseconds(1));
        uint64_t mine = 0;
        for (; !stop.load(std::memory_order_relaxed); mine++) {
          m.lock();
          m.unlock();
        }
        turns[th * 32 + i] = mine;
      });
    for (auto &f : v) f.join();
  });
  uint64_t took = now_ns() - t0;
  clock.join();
  out_fair(name, turns, 64, took);
}

static void timers() {
  uint64_t x = 42;
  std::vector<uint32_t> d(N);
  std::vector<int64_t> late(N);
  for (auto &v : d) v = next_delay_ms(&x);
  Plain sa(STACK);
  double c0 = cpu_ms();
  uint64_t t0 = now_ns();
  std::vector<bf::fiber> v;
  v.reserve(N);
  for (uint64_t i = 0; i < N; i++)
    v.emplace_back(std::allocator_arg, sa, [&, i] {
      uint64_t s = now_ns();
      boost::this_fiber::sleep_for(std::chrono::milliseconds(d[i]));
      late[i] = (int64_t)(now_ns() - s) - (int64_t)d[i] * 1000000;
    });
  for (auto &f : v) f.join();
  uint64_t wall = now_ns() - t0;
  out_timers(late.data(), N, wall, cpu_ms() - c0);
}

static void parked() {
  uint64_t up = 0;
  bf::mutex m;
  bf::condition_variable never;
  Plain sa(STACK);
  uint64_t rss = status_bytes("VmRSS"), pte = status_bytes("VmPTE");
  for (uint64_t i = 0; i < N; i++)
    bf::fiber(bf::launch::dispatch, std::allocator_arg, sa, [&] {
      std::unique_lock<bf::mutex> l(m);
      up++;
      never.wait(l);
    }).detach();
  while (up < N) boost::this_fiber::yield();
  std::string row = std::string(name) + "_pte";
  out(name, (double)(status_bytes("VmRSS") - rss) / (double)N, "B/task");
  out(row.c_str(), (double)(status_bytes("VmPTE") - pte) / (double)N, "B/task");
  _exit(0); // taking them down is not the question
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  name = argv[1];
  auto is = [](const char *w) { return !strcmp(name, w); };
  auto n = [&](uint64_t dflt) { N = arg_n(argc, argv, 2, dflt); };
  if (is("yield2")) n(20000000), yields(2);
  else if (is("yield1k")) n(20000000), yields(1000);
  else if (is("yield100k")) n(20000000), yields(100000);
  else if (is("spawn_join")) n(2000000), spawn_join();
  else if (is("spawn_batch")) n(100000), spawn_batch();
  else if (is("spawn_mt")) n(1000000), spawn_mt();
  else if (is("skynet")) n(1000000), skynet();
  else if (is("pingpong")) n(5000000), pingpong(false);
  else if (is("pingpong_x")) n(100000), pingpong(true);
  else if (is("chan_1_1")) n(5000000), chan_shared(1, 1);
  else if (is("chan_n_1")) n(5000000), chan_shared(8, 1);
  else if (is("chan_n_m")) n(5000000), chan_shared(8, 8);
  else if (is("chan_pingpong")) n(5000000), chan_pingpong(false);
  else if (is("chan_pingpong_x")) n(100000), chan_pingpong(true);
  else if (is("mutex_free")) n(50000000), mutex_free();
  else if (is("mutex64")) n(6400000), mutex64();
  else if (is("mutex64_fair")) n(1000), mutex64_fair();
  else if (is("timers")) n(100000), timers();
  else if (is("parked")) n(1000000), parked();
  else if (is("parked30k")) n(30000), parked();
  else if (is("cancel_storm")) skip(name, "a fiber can't be made to give up a wait");
  else if (is("offload")) skip(name, "there is no pool for what blocks");
  else if (is("http")) skip(name, "there are no sockets in it");
  else skip(name, "not in this peer");
}
