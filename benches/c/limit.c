// Raw costs of the machine: what no runtime can beat. bench NAME [N]; the best of five runs each, as the
// limit is meant, save for the round trips between sleepers, which are the median of N.
#include "common.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static double best(double (*f)(uint64_t), uint64_t n) {
  double b = 1e300;
  f(n / 20 + 1);
  for (int i = 0; i < 5; i++) {
    double v = f(n);
    if (v < b) b = v;
  }
  return b;
}
#define TIMED(body)                             \
  do {                                          \
    uint64_t t0 = now_ns();                     \
    for (uint64_t i = 0; i < n; i++) { body; }  \
    return (double)(now_ns() - t0) / (double)n; \
  } while (0)

// ---- single instructions and calls
static _Alignas(128) _Atomic uint64_t word;
static _Alignas(128) uint64_t plain;
__attribute__((noinline)) static void callee(void) { __asm__ volatile("" ::: "memory"); }
static void (*volatile fp)(void) = callee;
static double atomic_rmw(uint64_t n) { TIMED(atomic_fetch_add(&word, 1)); }
static double call_ptr(uint64_t n) { TIMED(fp()); }
static double clock_read(uint64_t n) { TIMED(plain += now_ns()); }
static double sys_call(uint64_t n) { TIMED(syscall(SYS_getppid)); }

// ---- stack switches: the thread's stack and one more, in turn. The switch keeps what the platform ABI
// says a callee keeps (the floating-point control words left out, as the runtime's does).
#if defined __x86_64__
#define SAVE_AND_LOAD                                                                        \
  "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"            \
  "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"                                                    \
  "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
// Ended by pop and jmp: the return predictor would miss on a `ret` to the other stack's caller.
__attribute__((naked, noinline)) static void sw_jmp(void **from __attribute__((unused)),
                                                    void *to __attribute__((unused))) {
  __asm__ volatile(SAVE_AND_LOAD "popq %rcx\n jmpq *%rcx\n");
}
__attribute__((naked, noinline)) static void sw_ret(void **from __attribute__((unused)),
                                                    void *to __attribute__((unused))) {
  __asm__ volatile(SAVE_AND_LOAD "ret\n");
}
// The two stacks and the words between them never share a page offset: a load that matches an earlier
// store's low 12 bits waits for it, which made this 3.5 ns instead of 2.3 in one layout. The other
// stack's top is at page offset 0 (its frames just below), the words at 64, the thread's own stack is
// moved to 2048.
static _Alignas(4096) struct {
  char stack[65536];
  char gap[64];
  void *sp_main, *sp_other;
} lane;
static void *first_frame(void (*f)(void)) {
  uint64_t *sp = (uint64_t *)(lane.stack + sizeof lane.stack);
  *--sp = 0; // where a return address would be: keeps the entry's alignment
  *--sp = (uint64_t)f;
  sp -= 6;
  memset(sp, 0, 6 * sizeof *sp);
  return sp;
}
#define MOVE_TO_PAGE_MIDDLE()                                                                \
  do {                                                                                       \
    char *here = __builtin_alloca(((uintptr_t)__builtin_frame_address(0) - 2048) & 4095);    \
    __asm__ volatile("" ::"r"(here) : "memory");                                             \
  } while (0)
__attribute__((noinline)) static void turn_jmp(void) { for (;;) sw_jmp(&lane.sp_other, lane.sp_main); }
__attribute__((noinline)) static void turn_ret(void) { for (;;) sw_ret(&lane.sp_other, lane.sp_main); }
// Two switches a round: halved by the caller.
static double switch_jmp(uint64_t n) {
  MOVE_TO_PAGE_MIDDLE();
  lane.sp_other = first_frame(turn_jmp);
  TIMED(sw_jmp(&lane.sp_main, lane.sp_other));
}
static double switch_ret(uint64_t n) {
  MOVE_TO_PAGE_MIDDLE();
  lane.sp_other = first_frame(turn_ret);
  TIMED(sw_ret(&lane.sp_main, lane.sp_other));
}
#define HAVE_SWITCH 1
#endif

// ---- stacks
static double stack_mmap(uint64_t n) { // map, guard, touch, unmap 64 KiB
  const size_t g = 4096, s = 65536;
  TIMED(char *p = mmap(0, s + g, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED || mprotect(p, g, PROT_NONE)) abort();
        p[s + g - 1] = 1; munmap(p, s + g));
}

// ---- round trips between two threads: the measuring one on CPU 0, its peer on CPU 1 (rt_futex_free:
// where the system puts them)
static _Alignas(128) _Atomic uint32_t to_peer;
static _Alignas(128) _Atomic uint32_t to_main;
static uint64_t trips;
static int anywhere;
static int event_to_peer, event_to_main;
static void futex_await(_Atomic uint32_t *p, uint32_t v) {
  while (atomic_load_explicit(p, memory_order_acquire) != v)
    syscall(SYS_futex, p, FUTEX_WAIT_PRIVATE, v - 1, NULL, NULL, 0);
}
static void futex_tell(_Atomic uint32_t *p, uint32_t v) {
  atomic_store_explicit(p, v, memory_order_release);
  syscall(SYS_futex, p, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
static pthread_t start_peer(void *(*peer)(void *), uint64_t n) {
  pthread_t t;
  atomic_store(&to_peer, 0);
  atomic_store(&to_main, 0);
  trips = n;
  if (!anywhere) pin_cpu(0);
  if (pthread_create(&t, NULL, peer, NULL)) fail("limit", "no thread");
  return t;
}
static double round_trips(void *(*peer)(void *), void (*step)(uint32_t), uint64_t n) {
  pthread_t t = start_peer(peer, n);
  uint64_t t0 = now_ns();
  for (uint64_t i = 1; i <= n; i++) step((uint32_t)i);
  double v = (double)(now_ns() - t0) / (double)n;
  pthread_join(t, NULL);
  return v;
}
static void *spin_peer(void *a) {
  pin_cpu(1);
  for (uint32_t i = 1; i <= trips; i++) {
    while (atomic_load_explicit(&to_peer, memory_order_acquire) != i) {}
    atomic_store_explicit(&to_main, i, memory_order_release);
  }
  return a;
}
static void spin_step(uint32_t i) {
  atomic_store_explicit(&to_peer, i, memory_order_release);
  while (atomic_load_explicit(&to_main, memory_order_acquire) != i) {}
}
static void *futex_peer(void *a) {
  if (!anywhere) pin_cpu(1);
  for (uint32_t i = 1; i <= trips; i++) { futex_await(&to_peer, i); futex_tell(&to_main, i); }
  return a;
}
static void futex_step(uint32_t i) { futex_tell(&to_peer, i); futex_await(&to_main, i); }
static void *event_peer(void *a) {
  uint64_t v = 1;
  pin_cpu(1);
  for (uint32_t i = 1; i <= trips; i++)
    if (read(event_to_peer, &v, 8) != 8 || (v = 1, write(event_to_main, &v, 8)) != 8) abort();
  return a;
}
static void event_step(uint32_t i) {
  uint64_t v = 1;
  (void)i;
  if (write(event_to_peer, &v, 8) != 8 || read(event_to_main, &v, 8) != 8) abort();
}
static double rt_spin(uint64_t n) { return round_trips(spin_peer, spin_step, n); }
static double rt_futex(uint64_t n) { return round_trips(futex_peer, futex_step, n); }
static double rt_futex_free(uint64_t n) {
  anywhere = 1;
  return round_trips(futex_peer, futex_step, n);
}
static double rt_eventfd(uint64_t n) { return round_trips(event_peer, event_step, n); }

// Both asleep: each side lets ASLEEP_NS pass before it answers; a way is timed from before the wake to
// after the sleeper is running, and a round trip is the two ways. The same as pingpong_x_sleep of
// photonrt.c.
static uint64_t told_at;
static int64_t *way_there;
static void *sleep_peer(void *a) {
  pin_cpu(1);
  for (uint32_t i = 1; i <= trips; i++) {
    futex_await(&to_peer, i);
    uint64_t woken = now_ns();
    way_there[i - 1] = (int64_t)(woken - told_at);
    spin_until(woken + ASLEEP_NS);
    told_at = now_ns();
    futex_tell(&to_main, i);
  }
  return a;
}
static double rt_futex_sleep(uint64_t n) {
  way_there = calloc(n, sizeof *way_there);
  int64_t *trip = calloc(n, sizeof *trip);
  if (!way_there || !trip) abort();
  pthread_t t = start_peer(sleep_peer, n);
  uint64_t woken = now_ns();
  for (uint32_t i = 1; i <= n; i++) {
    spin_until(woken + ASLEEP_NS);
    told_at = now_ns();
    futex_tell(&to_peer, i);
    futex_await(&to_main, i);
    woken = now_ns();
    trip[i - 1] = (int64_t)(woken - told_at);
  }
  pthread_join(t, NULL);
  for (uint64_t i = 0; i < n; i++) trip[i] += way_there[i];
  return quantile(trip, n, 0.5);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const char *b = argv[1];
  event_to_peer = eventfd(0, 0);
  event_to_main = eventfd(0, 0);
#define ONE(name, n, per) \
  if (!strcmp(b, #name)) return out(b, best(name, arg_n(argc, argv, 2, n)) / (per), "ns"), 0
#ifdef HAVE_SWITCH
  ONE(switch_jmp, 20000000, 2);
  ONE(switch_ret, 5000000, 2);
#endif
  ONE(atomic_rmw, 20000000, 1);
  ONE(call_ptr, 20000000, 1);
  ONE(clock_read, 5000000, 1);
  ONE(sys_call, 2000000, 1);
  ONE(stack_mmap, 50000, 1);
  ONE(rt_spin, 300000, 1);
  ONE(rt_futex, 5000, 1);
  ONE(rt_futex_free, 5000, 1);
  ONE(rt_eventfd, 5000, 1);
  if (!strcmp(b, "rt_futex_sleep")) return out(b, rt_futex_sleep(arg_n(argc, argv, 2, 3000)), "ns"), 0;
  skip(b, "not one of this machine's raw costs here");
}
