/* One-shot timers: never early, once, at once with a delay of 0; reset arms them again; from plain
 * threads too; one without a handle goes by itself. */
#include "timer.h"

static void once(void) {
  ticks_t t = {0};
  int64_t start = co_now();
  co_timer_t timer = timer_start(2 * MS, 0, tick, &t);
  until_calls(&t, 1);
  CHECK_GE(t.first - start, 2 * MS);
  CHECK_OK(co_sleep(4 * MS));
  CHECK_EQ(t.calls, 1);
  CHECK_EQ(t.expiries, 1);

  for (int i = 2; i <= 4; i++) {
    start = co_now();
    CHECK_EQ(co_timer_reset(timer, 500 * US), 0); /* it was not armed */
    until_calls(&t, (uint64_t)i);
    CHECK_GE(t.last - start, 500 * US);
  }
  CHECK_EQ(co_timer_reset(timer, 3600 * SEC), 0);
  start = co_now();
  CHECK_EQ(co_timer_reset(timer, 1 * MS), 1); /* it was: brought forward */
  until_calls(&t, 5);
  CHECK_GE(t.last - start, 1 * MS);
  CHECK_EQ(co_timer_reset(timer, 1 * MS), 0);
  start = co_now();
  CHECK_EQ(co_timer_reset(timer, 5 * MS), 1); /* put off */
  until_calls(&t, 6);
  CHECK_GE(t.last - start, 5 * MS);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  CHECK_EQ(t.overlaps, 0);
}

static void defaults(void) {
  ticks_t t = {0};
  co_timer_t timer = 0;
  CHECK_OK(co_timer_start(&timer, NULL, tick, &t));
  until_calls(&t, 1);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  timer = timer_start(CO_FOREVER, 0, tick, &t); /* not armed */
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(t.calls, 1);
  CHECK_EQ(co_timer_reset(timer, 0), 0);
  until_calls(&t, 2);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  timer = timer_start(INT64_MAX, 0, tick, &t); /* for ever, nearly */
  CHECK_EQ(co_timer_reset(timer, INT64_MAX), 1);
  CHECK_OK(co_timer_stop(timer, CO_NOW));
  CHECK_EQ(t.calls, 2);
}

static co_timer_t seen;

static void by_itself(co_timer_t timer, uint64_t expiries, void *arg) {
  seen = timer;
  tick(timer, expiries, arg);
  if (((ticks_t *)arg)->calls == 3)
    CHECK_EQ(co_timer_cancel(timer), 1); /* the last one */
}

static void without_handle(void) {
  ticks_t t = {0}, u = {0};
  co_timer_attr_t attr = {.size = sizeof attr, .delay_ns = 100 * US};
  CHECK_OK(co_timer_start(NULL, &attr, by_itself, &t));
  until_calls(&t, 1);
  while (co_timer_cancel(seen) != -ESRCH)
    CHECK_OK(co_sleep(50 * US));
  CHECK_EQ(t.calls, 1);
  attr.period_ns = 100 * US;
  CHECK_OK(co_timer_start(NULL, &attr, by_itself, &u));
  until_calls(&u, 3);
  while (co_timer_reset(seen, 3600 * SEC) != -ESRCH)
    CHECK_OK(co_sleep(50 * US));
  CHECK_EQ(u.calls, 3);
}

static void *on_thread(void *arg) {
  once();
  defaults();
  return arg;
}

static void body(void) {
  once();
  defaults();
  without_handle();
  conf_on_thread(on_thread, NULL);
}

CASE(body)
