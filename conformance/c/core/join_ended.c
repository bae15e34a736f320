#include "check.h"

static void *end(void *arg) {
  return arg;
}

static void *wait_for(void *arg) {
  CHECK_OK(co_wait(*(co_t *)arg, CO_FOREVER));
  return arg;
}

static void *late(void *arg) {
  CHECK_OK(co_sleep(5 * MS));
  return arg;
}

static void body(void) {
  char arg;
  void *result = NULL;
  co_t co = conf_spawn(end, &arg);
  conf_until_state(co, CO_STATE_ENDED);
  CHECK_OK(co_wait(co, CO_NOW));
  CHECK_OK(co_wait(co, CO_FOREVER)); /* as often as one likes */
  CHECK_OK(co_join(co, &result, CO_NOW));
  CHECK(result == &arg);
  CHECK_ERR(co_wait(co, CO_NOW), ESRCH);
  CHECK_ERR(co_join(co, NULL, CO_NOW), ESRCH);

  co = conf_spawn(late, &arg);
  co_t waiter = conf_spawn(wait_for, &co);
  conf_join(waiter);
  CHECK_OK(co_join(co, &result, CO_NOW));
  CHECK(result == &arg);
}

CASE(body)
