#include "check.h"

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void body(void) {
  char arg;
  void *result = &result;
  co_t co = conf_spawn(parked, &arg);
  CHECK_ERR(co_join(co, &result, CO_NOW), EAGAIN);
  CHECK_ERR(co_wait(co, CO_NOW), EAGAIN);
  for (int i = 1; i <= 20; i++) {
    int64_t before = co_now();
    CHECK_ERR(co_join(co, &result, i * 100 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 100 * US);
    before = co_now();
    CHECK_ERR(co_wait(co, i * 100 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 100 * US);
  }
  CHECK_ERR(co_join(co, &result, -2), EINVAL);
  CHECK_ERR(co_wait(co, -2), EINVAL);
  CHECK_ERR(co_join(co, &result, INT64_MIN), EINVAL);
  CHECK(result == &result); /* a failure gives no result */
  CHECK_OK(co_unpark(co));
  CHECK_OK(co_join(co, &result, INT64_MAX));
  CHECK(result == &arg);
}

CASE(body)
