/* Stop: waits for the callback, with every outcome; of two that stop a timer one does; not from the
 * callback; afterwards the handle is stale and the argument is not touched. */
#include "timer.h"

static void deadlock(co_timer_t timer, uint64_t expiries, void *arg) {
  CHECK_ERR(co_timer_stop(timer, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_timer_stop(timer, CO_NOW), EDEADLK);
  tick(timer, expiries, arg);
}

static void *stopper(void *arg) {
  int r = co_timer_stop(*(co_timer_t *)arg, CO_FOREVER);
  CHECK(r == 0 || r == -ESRCH || r == -ECANCELED);
  return (void *)(intptr_t)r;
}

static void stale(co_timer_t timer) {
  CHECK_ERR(co_timer_stop(timer, CO_FOREVER), ESRCH);
  CHECK_ERR(co_timer_cancel(timer), ESRCH);
  CHECK_ERR(co_timer_reset(timer, 0), ESRCH);
}

static void waits(void) {
  ticks_t t = {.gate = 1};
  co_timer_t timer = timer_start(0, 1 * MS, tick, &t);
  while (!atomic_load(&t.inside))
    CHECK_OK(co_sleep(50 * US));
  CHECK_ERR(co_timer_stop(timer, CO_NOW), EAGAIN);
  int64_t start = co_now();
  CHECK_ERR(co_timer_stop(timer, 500 * US), ETIMEDOUT);
  CHECK_GE(co_now() - start, 500 * US);
  co_t cancelled = conf_spawn(stopper, &timer), interrupted = conf_spawn(stopper, &timer);
  conf_until_state(cancelled, CO_STATE_PARKED);
  conf_until_state(interrupted, CO_STATE_PARKED);
  CHECK_OK(co_cancel(cancelled));
  CHECK_EQ((intptr_t)conf_join(cancelled), -ECANCELED);
  CHECK_OK(co_interrupt(interrupted, ECANCELED));
  CHECK_EQ((intptr_t)conf_join(interrupted), -ECANCELED);
  CHECK_EQ(t.calls, 1);
  CHECK_EQ(t.inside, 1);
  atomic_store(&t.gate, 0);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  CHECK_EQ(t.inside, 0);
  CHECK_EQ(t.calls, 1);
  stale(timer);
}

static void *stop_on_thread(void *arg) {
  return stopper(arg);
}

static void several(void) {
  ticks_t t = {.hold = 2 * MS};
  co_timer_t timer = timer_start(0, 0, deadlock, &t);
  while (!atomic_load(&t.inside))
    CHECK_OK(co_sleep(50 * US));
  co_t all[4];
  int done = 0;
  for (size_t i = 0; i < COUNT_OF(all); i++)
    all[i] = conf_spawn(stopper, &timer);
  done += conf_on_thread(stop_on_thread, &timer) == NULL;
  for (size_t i = 0; i < COUNT_OF(all); i++)
    done += conf_join(all[i]) == NULL;
  CHECK_EQ(done, 1);
  stale(timer);
}

/* Stopped while it expires, with an argument that is gone afterwards. */
static void *races(void *arg) {
  uint64_t seed = (uint64_t)(uintptr_t)arg;
  for (int i = 0; i < 300; i++) {
    ticks_t *t = calloc(1, sizeof *t);
    CHECK(t);
    int64_t period = i % 2 ? (int64_t)(conf_rand(&seed) % 30000) : 0;
    co_timer_t timer = timer_start((int64_t)(conf_rand(&seed) % 50000), period, tick, t);
    if (i % 3)
      CHECK_OK(co_sleep((int64_t)(conf_rand(&seed) % 60000)));
    CHECK_OK(co_timer_stop(timer, CO_FOREVER));
    CHECK_EQ(t->inside, 0);
    CHECK_EQ(t->overlaps, 0);
    memset(t, 0xff, sizeof *t);
    free(t);
  }
  return NULL;
}

static void body(void) {
  waits();
  several();
  co_t all[3];
  for (uint32_t i = 0; i < COUNT_OF(all); i++)
    all[i] = conf_spawn_on(i + 1, races, (void *)(uintptr_t)(i + 1));
  conf_on_thread(races, (void *)(uintptr_t)9);
  for (size_t i = 0; i < COUNT_OF(all); i++)
    conf_join(all[i]);
}

CASE(body)
