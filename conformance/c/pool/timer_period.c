/* Repeating timers: each period counts, none is early, nothing drifts, callbacks never overlap: one
 * that is slower than the period is told how many expiries it stands for. */
#include "timer.h"

static void regular(void) {
  ticks_t t = {0};
  const int64_t period = 1 * MS;
  int64_t start = co_now();
  co_timer_t timer = timer_start(3 * MS, period, tick, &t);
  until_calls(&t, 20);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  int64_t took = t.last - start;
  CHECK_GE(t.first - start, 3 * MS);
  /* As many expiries as there were periods by the last call, or by the one before (what came in between
   * may be for the next): none early, none lost, none twice. */
  CHECK_GE((took - 3 * MS) / period + 1, t.expiries);
  CHECK_GE(t.expiries, (t.before - start - 3 * MS) / period);
  CHECK_GE(t.expiries, t.calls);
  CHECK_EQ(t.overlaps, 0);
  uint64_t calls = t.calls;
  CHECK_OK(co_sleep(3 * MS));
  CHECK_EQ(t.calls, calls);
}

static void slow(void) {
  ticks_t t = {.hold = 5 * MS};
  int64_t start = co_now();
  co_timer_t timer = timer_start(0, 1 * MS, tick, &t);
  until_calls(&t, 4);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER)); /* waits for the callback */
  CHECK_EQ(t.inside, 0);
  CHECK_EQ(t.overlaps, 0);
  CHECK_EQ(t.calls, 4);
  CHECK_GE(t.expiries, 1 + 3 * 5); /* each call but the first stands for what came during the last */
  CHECK_GE((co_now() - start) / MS + 1, t.expiries);
}

static void tiny(void) {
  ticks_t t = {0};
  int64_t start = co_now();
  co_timer_t timer = timer_start(0, 1, tick, &t); /* a nanosecond: merged, and nobody starves */
  until_calls(&t, 50);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  CHECK_GE(t.last - start + 1, t.expiries);
  CHECK_GE(t.expiries, t.calls);
}

static void reset(void) {
  ticks_t t = {0};
  co_timer_t timer = timer_start(3600 * SEC, 2 * MS, tick, &t);
  for (int i = 0; i < 20; i++) { /* a timeout that is put off again and again */
    CHECK_EQ(co_timer_reset(timer, 50 * MS), 1);
    CHECK_OK(co_sleep(200 * US));
  }
  CHECK_EQ(t.calls, 0);
  int64_t start = co_now();
  CHECK_EQ(co_timer_reset(timer, 1 * MS), 1);
  until_calls(&t, 3); /* and the period holds */
  CHECK_GE(t.last - start, 1 * MS + 2 * (int64_t)(t.expiries - 1) * MS);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
}

static void body(void) {
  regular();
  slow();
  tiny();
  reset();
}

CASE(body)
