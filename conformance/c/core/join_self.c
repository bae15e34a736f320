#include "check.h"

static void *child(void *arg) {
  CHECK_ERR(co_join(co_self(), NULL, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_join(co_self(), NULL, CO_NOW), EDEADLK);
  CHECK_ERR(co_join(co_self(), NULL, MS), EDEADLK);
  CHECK_ERR(co_wait(co_self(), CO_FOREVER), EDEADLK);
  CHECK_ERR(co_join_copy(co_self(), NULL, 0, NULL, 0, CO_FOREVER), EDEADLK);
  return arg;
}

static void body(void) {
  child(NULL);
  conf_join(conf_spawn(child, NULL));
}

CASE(body)
