#include "check.h"

/* More calls than threads, while others want their turns: all are run, never more than the cap at
 * once. */
enum { CALLS = 200, CAP = 64, TURNS = 10 };
static atomic_int inside, most, done, turns;

static void *work(void *arg) {
  int now = atomic_fetch_add(&inside, 1) + 1, seen = atomic_load(&most);
  while (seen < now && !atomic_compare_exchange_weak(&most, &seen, now)) {
  }
  do
    usleep(5 * 1000); /* the system's sleep: it blocks the thread */
  while (atomic_load(&turns) < TURNS);
  atomic_fetch_sub(&inside, 1);
  return arg;
}

static void *caller(void *arg) {
  void *result = NULL;
  CHECK_OK(co_blocking(work, arg, &result, CO_FOREVER));
  CHECK(result == arg);
  atomic_fetch_add(&done, 1);
  return arg;
}

static void body(void) {
  static co_t cos[CALLS];
  for (intptr_t i = 0; i < CALLS; i++)
    cos[i] = conf_spawn(caller, (void *)i);
  for (; atomic_load(&done) < CALLS; atomic_fetch_add(&turns, 1))
    CHECK_OK(co_sleep(MS));
  for (intptr_t i = 0; i < CALLS; i++)
    CHECK(conf_join(cos[i]) == (void *)i);
  CHECK_GE(atomic_load(&most), 2);
  CHECK_GE(atomic_load(&turns), TURNS); /* or none of them had ended */
  CHECK_GE(CAP, atomic_load(&most));
}

CASE(body)
