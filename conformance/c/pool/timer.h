/* What the timer cases share: a callback that counts. */
#ifndef CONFORMANCE_TIMER_H
#define CONFORMANCE_TIMER_H

#include "../check.h"

typedef struct {
  _Atomic uint64_t calls, expiries;
  _Atomic int64_t first, last, before; /* when it was called, and the time before */
  int64_t hold;                /* how long a call takes */
  atomic_int gate;             /* 1: a call stays until it is 0 */
  atomic_int inside, overlaps;
} ticks_t;

HELPER void tick(co_timer_t timer, uint64_t expiries, void *arg) {
  ticks_t *t = arg;
  int64_t now = co_now();
  CHECK(timer != 0 && co_self() != 0);
  CHECK_GE(expiries, 1);
  if (atomic_fetch_add(&t->inside, 1))
    atomic_fetch_add(&t->overlaps, 1);
  if (atomic_fetch_add(&t->calls, 1) == 0)
    atomic_store(&t->first, now);
  atomic_store(&t->before, t->last);
  atomic_store(&t->last, now);
  atomic_fetch_add(&t->expiries, expiries);
  if (t->hold)
    co_sleep(t->hold);
  while (atomic_load(&t->gate))
    CHECK_OK(co_sleep(50 * US));
  atomic_fetch_sub(&t->inside, 1);
}

HELPER co_timer_t timer_start(int64_t delay, int64_t period, co_timer_fn_t fn, void *arg) {
  co_timer_attr_t attr = {.size = sizeof attr, .delay_ns = delay, .period_ns = period};
  co_timer_t timer = 0;
  CHECK_OK(co_timer_start(&timer, &attr, fn, arg));
  CHECK(timer != 0);
  return timer;
}

HELPER void until_calls(ticks_t *t, uint64_t calls) {
  while (atomic_load(&t->calls) < calls)
    CHECK_OK(co_sleep(50 * US));
}

#endif
