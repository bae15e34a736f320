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
  uint64_t k = N / tasks, t0 = 0, t1 = 0;
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
  else if (is("skynet")) n(1000000), skynet();
  else if (is("chan_pingpong")) n(5000000), chan_pingpong(false);
  else if (is("chan_pingpong_x")) n(100000), chan_pingpong(true);
  else if (is("mutex_free")) n(50000000), mutex_free();
  else if (is("mutex64")) n(6400000), mutex64();
  else if (is("mutex64_fair")) n(1000), mutex64_fair();
  else if (is("timers")) n(100000), timers();
  else skip(name, "not in this peer");
}
