/* What the cases about stalls share: a coroutine that keeps its vCPU until that has been found. */
#ifndef CONFORMANCE_STALL_H
#define CONFORMANCE_STALL_H

#include "check.h"

HELPER int64_t cpu_time(void) {
  struct timespec t;
  CHECK_SYS(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t));
  return t.tv_sec * SEC + t.tv_nsec;
}

HELPER void burn(int64_t ns) {
  int64_t until = cpu_time() + ns;
  while (cpu_time() < until) {
  }
}

/* Computes, without a call that would give the vCPU to others, until `n` stalls have been found. */
__attribute__((noinline, unused)) static void *spin(void *arg) {
  volatile uint64_t turns = 0;
  uint64_t n = *(uint64_t *)arg;
  while (conf_stats().stalls < n)
    for (int i = 0; i < 1000; i++)
      turns++;
  return arg;
}

HELPER void *spin_twice(void *arg) {
  uint64_t *n = arg;
  spin(n);
  burn(40 * MS);
  CHECK_EQ(conf_stats().stalls, *n); /* once for each */
  CHECK_OK(co_sleep(MS));
  ++*n;
  spin(n);
  CHECK_EQ(conf_stats().stalls, *n); /* not in place of this call: it is to be seen in the addresses */
  return arg;
}

#endif
