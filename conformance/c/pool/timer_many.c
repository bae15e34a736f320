/* 100,000 armed timers: a small block each and no stack; each fires once, none early, none is lost,
 * and stopping them all leaves nothing. */
#include "timer.h"

enum { MANY = 100000 };

typedef struct {
  int64_t due;
  co_timer_t timer;
  uint32_t calls;
} one_t;

static one_t all[MANY];
static _Atomic uint32_t called;

static void fired(co_timer_t timer, uint64_t expiries, void *arg) {
  one_t *one = arg;
  CHECK_EQ(timer, one->timer);
  CHECK_EQ(expiries, 1);
  CHECK_EQ(one->calls++, 0);
  CHECK_GE(co_now(), one->due);
  atomic_fetch_add(&called, 1);
}

static void body(void) {
  uint64_t seed = 5;
  uint64_t stacks = conf_stats().stacks_used;
  int64_t span = 200 * MS;
  /* All exist before the first of them is due. */
  for (uint32_t i = 0; i < MANY; i++)
    all[i].timer = timer_start(CO_FOREVER, 0, fired, &all[i]);
  for (uint32_t i = 0; i < MANY; i++) {
    int64_t delay = 3600 * SEC;
    if (i % 2) /* half of them will not fire */
      delay = (int64_t)(conf_rand(&seed) % (uint64_t)span);
    all[i].due = co_now() + delay;
    CHECK_EQ(co_timer_reset(all[i].timer, delay), 0);
  }
  CHECK_GE(stacks + 1000, conf_stats().stacks_used);
  while (atomic_load(&called) < MANY / 2)
    CHECK_OK(co_sleep(1 * MS));
  for (uint32_t i = 0; i < MANY; i++) {
    CHECK_OK(co_timer_stop(all[i].timer, CO_FOREVER));
    CHECK_EQ(all[i].calls, i % 2);
  }
  conf_until_live(1);
}

CASE(body)
