#include "check.h"

static atomic_int ran;

static void *count(void *arg) {
  co_yield_now();
  atomic_fetch_add(&ran, 1);
  return arg;
}

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void body(void) {
  enum { N = 10000 };
  for (int i = 0; i < N; i++) {
    CHECK_OK(co_spawn(NULL, NULL, count, NULL));
    if (i % 100 == 0)
      co_yield_now();
  }
  conf_until_live(1);
  CHECK_EQ(atomic_load(&ran), N);

  co_attr_t attr = conf_attr();
  co_t co = 0;
  attr.flags = CO_DETACHED;
  CHECK_OK(co_spawn(&co, &attr, parked, NULL));
  CHECK(co != 0);
  CHECK_ERR(co_join(co, NULL, CO_FOREVER), ESRCH);
  CHECK_ERR(co_join(co, NULL, CO_NOW), ESRCH);
  CHECK_ERR(co_detach(co), ESRCH);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_unpark(co)); /* the handle is good for the rest */
  conf_until_live(1);
  CHECK_ERR(co_unpark(co), ESRCH);
}

CASE(body)
