/* Cancel: what has not been called for does not happen; the timer can be armed again; from the
 * callback itself; and against an expiry that is just happening, from coroutines and threads. */
#include "timer.h"

static void plain(void) {
  ticks_t t = {0};
  co_timer_t timer = timer_start(1 * MS, 1 * MS, tick, &t);
  CHECK_EQ(co_timer_cancel(timer), 0);
  CHECK_EQ(co_timer_cancel(timer), 0);
  CHECK_OK(co_sleep(3 * MS));
  CHECK_EQ(t.calls, 0);
  CHECK_EQ(co_timer_reset(timer, 0), 0);
  until_calls(&t, 3);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
}

static void while_running(void) {
  ticks_t t = {.gate = 1};
  co_timer_t timer = timer_start(0, 1 * MS, tick, &t);
  while (!atomic_load(&t.inside))
    CHECK_OK(co_sleep(50 * US));
  CHECK_EQ(co_timer_cancel(timer), 1);
  atomic_store(&t.gate, 0);
  while (atomic_load(&t.inside))
    CHECK_OK(co_sleep(50 * US));
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(t.calls, 1);
  CHECK_EQ(co_timer_cancel(timer), 0);
  CHECK_OK(co_timer_stop(timer, CO_NOW));
}

static void itself(co_timer_t timer, uint64_t expiries, void *arg) {
  tick(timer, expiries, arg);
  ticks_t *t = arg;
  if (t->calls % 3 == 0)
    CHECK_EQ(co_timer_cancel(timer), 1);
  else if (t->calls % 3 == 1)
    CHECK_GE(co_timer_reset(timer, 200 * US), 0);
}

static void from_the_callback(void) {
  ticks_t t = {0};
  co_timer_t timer = timer_start(0, 100 * US, itself, &t);
  for (uint64_t i = 3; i <= 9; i += 3) {
    until_calls(&t, i);
    CHECK_OK(co_sleep(1 * MS));
    CHECK_EQ(t.calls, i);
    CHECK_EQ(co_timer_reset(timer, 0), 0);
  }
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
}

/* After a cancel that says that the callback is not running, it is not called. */
static void *races(void *arg) {
  uint64_t seed = (uint64_t)(uintptr_t)arg;
  ticks_t t = {0};
  co_timer_t timer = timer_start(CO_FOREVER, 0, tick, &t);
  for (int i = 0; i < 300; i++) {
    CHECK_GE(co_timer_reset(timer, (int64_t)(conf_rand(&seed) % 60000)), 0);
    CHECK_OK(co_sleep((int64_t)(conf_rand(&seed) % 60000)));
    int active = co_timer_cancel(timer);
    CHECK(active == 0 || active == 1);
    uint64_t calls = atomic_load(&t.calls);
    if (!active) {
      CHECK_OK(co_sleep((int64_t)(conf_rand(&seed) % 30000)));
      CHECK_EQ(atomic_load(&t.calls), calls);
    }
  }
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  return NULL;
}

static void body(void) {
  plain();
  while_running();
  from_the_callback();
  co_t all[3];
  for (uint32_t i = 0; i < COUNT_OF(all); i++)
    all[i] = conf_spawn_on(i + 1, races, (void *)(uintptr_t)(i + 1));
  conf_on_thread(races, (void *)(uintptr_t)9);
  for (size_t i = 0; i < COUNT_OF(all); i++)
    conf_join(all[i]);
}

CASE(body)
