#include "check.h"

/* Two coroutines do nothing but yield on vCPU 1; others there are woken by a timer, by a plain
 * thread, and by the spinners' own vCPU. Each must come through. */
static atomic_int stop;
static co_t parked_co;

static void *spinner(void *arg) {
  while (!atomic_load_explicit(&stop, memory_order_relaxed))
    co_yield_now();
  return arg;
}

static void *sleeper(void *arg) {
  for (int i = 0; i < 100; i++)
    CHECK_OK(co_sleep(MS / 2));
  return arg;
}

static void *parked(void *arg) {
  for (int i = 0; i < 100; i++) {
    CHECK_OK(co_park(CO_FOREVER));
    atomic_fetch_add((atomic_int *)arg, 1);
  }
  return arg;
}

static void *unparker(void *arg) {
  for (int i = 0; i < 100; i++) {
    CHECK_OK(co_unpark(parked_co));
    while (atomic_load((atomic_int *)arg) == i)
      sched_yield();
  }
  return arg;
}

static void body(void) {
  atomic_int woken = 0;
  co_t spinners[2], sleeping;
  for (int i = 0; i < 2; i++)
    spinners[i] = conf_spawn_on(1, spinner, NULL);
  sleeping = conf_spawn_on(1, sleeper, NULL);
  parked_co = conf_spawn_on(1, parked, &woken);
  conf_on_thread(unparker, &woken);
  conf_join(parked_co);
  conf_join(sleeping);
  atomic_store(&stop, 1);
  for (int i = 0; i < 2; i++)
    conf_join(spinners[i]);
}

CASE(body)
