#include "check.h"

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *joiner(void *arg) {
  void *result = NULL;
  CHECK_OK(co_join(*(co_t *)arg, &result, CO_FOREVER));
  CHECK(result == arg);
  return NULL;
}

static void *joiner_that_gives_up(void *arg) {
  CHECK_ERR(co_join(*(co_t *)arg, NULL, CO_FOREVER), ECANCELED);
  return NULL;
}

static void body(void) {
  co_t co;
  CHECK_OK(co_spawn(&co, NULL, parked, &co));
  co_t first = conf_spawn(joiner, &co);
  conf_until_state(first, CO_STATE_PARKED);
  CHECK_ERR(co_join(co, NULL, CO_FOREVER), ESRCH); /* another is at it */
  CHECK_ERR(co_join(co, NULL, CO_NOW), ESRCH);
  CHECK_ERR(co_detach(co), ESRCH);
  CHECK_OK(co_unpark(co));
  conf_join(first);
  CHECK_ERR(co_join(co, NULL, CO_FOREVER), ESRCH);
  CHECK_ERR(co_detach(co), ESRCH);

  /* One that gives up makes room for the next. */
  CHECK_OK(co_spawn(&co, NULL, parked, &co));
  first = conf_spawn(joiner_that_gives_up, &co);
  conf_until_state(first, CO_STATE_PARKED);
  CHECK_ERR(co_join(co, NULL, CO_NOW), ESRCH);
  CHECK_OK(co_cancel(first));
  conf_join(first);
  CHECK_ERR(co_join(co, NULL, MS), ETIMEDOUT);
  CHECK_OK(co_unpark(co));
  CHECK(conf_join(co) == &co);
}

CASE(body)
