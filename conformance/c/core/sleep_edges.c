#include "check.h"

static int flag;
static atomic_int woken;

static void *set_flag(void *arg) {
  flag = 1;
  return arg;
}

static void *for_ever(void *arg) {
  int64_t ns = *(int64_t *)arg;
  CHECK_ERR(co_sleep(ns), ETIME);
  atomic_store(&woken, 1);
  CHECK_ERR(co_sleep_until(INT64_MAX), ETIME);
  return arg;
}

static void body(void) {
  CHECK_ERR(co_sleep(-2), EINVAL);
  CHECK_ERR(co_sleep(INT64_MIN), EINVAL);
  co_t co = conf_spawn_on(co_vcpu_self(), set_flag, NULL);
  CHECK_EQ(flag, 0);
  CHECK_OK(co_sleep(0)); /* a yield */
  CHECK_EQ(flag, 1);
  conf_join(co);
  CHECK_OK(co_sleep_until(0));
  CHECK_OK(co_sleep_until(INT64_MIN));
  CHECK_OK(co_sleep_until(co_now() - SEC));
  CHECK_OK(co_sleep(1));

  /* So long that the deadline has no number: it sleeps nevertheless. */
  int64_t lengths[] = {CO_FOREVER, INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, 3600 * SEC};
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    co = conf_spawn(for_ever, &lengths[i]);
    for (int k = 0; k < 2; k++) {
      while (atomic_load(&woken) != k)
        co_yield_now();
      conf_until_state(co, CO_STATE_PARKED);
      CHECK_ERR(co_join(co, NULL, 2 * MS), ETIMEDOUT);
      CHECK_EQ(conf_info(co).state, CO_STATE_PARKED);
      CHECK_OK(co_interrupt(co, ETIME));
    }
    conf_join(co);
    atomic_store(&woken, 0);
  }

  /* A period kept by deadlines does not drift: none is early, and the sum is not late by a period each. */
  int64_t at = co_now();
  for (int i = 0; i < 50; i++) {
    at += MS;
    CHECK_OK(co_sleep_until(at));
    CHECK_GE(co_now(), at);
  }
}

CASE(body)
