// Boost.Context (or, with -DCOROUTINE2, Boost.Coroutine2 upon it): bare switches, without a scheduler. bench NAME [N]
//
// A loop in main resumes each coroutine in turn, so that a yield is a suspend and a resume. Stacks of 16 KiB without
// guards; where coroutines are made over and over, from the library's own pool.
#include "../c/common.h"
#include <string>
#include <vector>

static constexpr size_t STACK = 16 * 1024;

#ifndef COROUTINE2
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
namespace bc = boost::context;
typedef bc::pooled_fixedsize_stack Pool;
typedef bc::fixedsize_stack Plain;

struct Co {
  bc::fiber f;
  bc::fiber *back = nullptr;
  template <class S, class F> void start(S &stacks, F fn) {
    f = bc::fiber(std::allocator_arg, stacks, [this, fn](bc::fiber &&resumer) {
      back = &resumer;
      fn(*this);
      return std::move(resumer);
    });
  }
  void resume() { f = std::move(f).resume(); }
  void yield() { *back = std::move(*back).resume(); }
  bool live() const { return static_cast<bool>(f); }
};
#else
#include <boost/coroutine2/coroutine.hpp>
#include <boost/coroutine2/fixedsize_stack.hpp>
#include <boost/coroutine2/pooled_fixedsize_stack.hpp>
#include <optional>
namespace bc = boost::coroutines2;
typedef bc::pooled_fixedsize_stack Pool;
typedef bc::fixedsize_stack Plain;

struct Co {
  typedef bc::coroutine<void> C;
  std::optional<C::push_type> f; // of the two kinds the one that runs nothing until it is called first
  C::pull_type *back = nullptr;
  template <class S, class F> void start(S &stacks, F fn) {
    f.emplace(stacks, [this, fn](C::pull_type &source) {
      back = &source;
      fn(*this);
    });
  }
  void resume() { (*f)(); }
  void yield() { (*back)(); }
  bool live() const { return static_cast<bool>(*f); }
};
#endif

static const char *name;
static uint64_t N;

// The first round, in which each gets as far as its first yield, and the last, in which it ends, are not timed.
static void yields(size_t tasks) {
  Plain stacks(STACK);
  std::vector<Co> co(tasks);
  uint64_t first = N / 20 / tasks + 1, each = N / tasks + 1, t0 = 0;
  for (auto &c : co) {
    c.start(stacks, [=](Co &me) {
      for (uint64_t i = 0; i < first + each; i++) me.yield();
    });
  }
  for (uint64_t i = 0; i < first + each; i++) {
    if (i == first) t0 = now_ns();
    for (auto &c : co) c.resume();
  }
  out(name, (double)(now_ns() - t0) / (double)(each * tasks), "ns");
  for (auto &c : co) {
    c.resume();
    if (c.live()) fail(name, "a coroutine has not ended");
  }
}

static void spawn_join() {
  Pool stacks(STACK);
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    Co c;
    c.start(stacks, [](Co &) {});
    c.resume();
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
}

static void spawn_batch() {
  Pool stacks(STACK);
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    uint64_t t0 = now_ns();
    {
      std::vector<Co> co(N);
      for (auto &c : co) c.start(stacks, [](Co &) {});
      for (auto &c : co) c.resume();
    }
    double each = (double)(now_ns() - t0) / (double)N;
    if (each < best) best = each;
  }
  out(name, best, "ns");
}

static void parked() {
  Plain stacks(STACK);
  uint64_t rss = status_bytes("VmRSS"), pte = status_bytes("VmPTE");
  std::vector<Co> co(N);
  for (auto &c : co) {
    c.start(stacks, [](Co &me) {
      for (;;) me.yield();
    });
    c.resume();
  }
  rss = status_bytes("VmRSS") - rss;
  pte = status_bytes("VmPTE") - pte;
  out(name, (double)rss / (double)N, "B/task");
  out((std::string(name) + "_pte").c_str(), (double)pte / (double)N, "B/task");
  _exit(0); // taking them down is not the question
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  name = argv[1];
  auto is = [&](const char *what, uint64_t n) {
    N = arg_n(argc, argv, 2, n);
    return !strcmp(name, what);
  };
  if (is("yield2", 20000000)) yields(2);
  else if (is("yield1k", 20000000)) yields(1000);
  else if (is("yield100k", 20000000)) yields(100000);
  else if (is("spawn_join", 2000000)) spawn_join();
  else if (is("spawn_batch", 100000)) spawn_batch();
  else if (is("parked", 1000000) || is("parked30k", 30000)) parked();
  else skip(name, "no scheduler, channels, timers or I/O in this library");
}
