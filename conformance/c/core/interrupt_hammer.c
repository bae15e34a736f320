#include "check.h"

/* A plain thread interrupts a coroutine that is about to block in one way or another: each
 * interrupt ends exactly one call, and none is lost between the look and the sleep. */
enum { ROUNDS = 30000 };
static atomic_int taken;
static co_t target;

static void *interrupter(void *arg) {
  for (int i = 1; i <= ROUNDS; i++) {
    CHECK_OK(co_interrupt(target, i % 100 + 1));
    while (atomic_load(&taken) != i)
      sched_yield();
  }
  return arg;
}

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *blocked(void *arg) {
  co_t never_ends = *(co_t *)arg;
  for (int i = 1; i <= ROUNDS; i++) {
    int r = i % 4 == 0   ? co_park(CO_FOREVER)
            : i % 4 == 1 ? co_sleep(CO_FOREVER)
            : i % 4 == 2 ? co_park(3600 * SEC)
                         : co_wait(never_ends, CO_FOREVER);
    CHECK_ERR(r, i % 100 + 1);
    atomic_store(&taken, i);
  }
  CHECK_OK(co_sleep(0));
  return arg;
}

static void body(void) {
  co_t never_ends = conf_spawn(parked, NULL);
  target = conf_spawn_on(2, blocked, &never_ends);
  pthread_t thread = conf_thread(interrupter, NULL);
  conf_join(target);
  conf_thread_join(thread);
  CHECK_OK(co_unpark(never_ends)); /* now it does */
  conf_join(never_ends);
}

CASE(body)
