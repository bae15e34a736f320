#include "check.h"

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *end(void *arg) {
  return arg;
}

static void *detach_self(void *arg) {
  CHECK_OK(co_detach(co_self()));
  CHECK_ERR(co_detach(co_self()), ESRCH);
  return arg;
}

static void body(void) {
  co_t co = conf_spawn(parked, NULL);
  CHECK_OK(co_detach(co));
  CHECK_ERR(co_detach(co), ESRCH);
  CHECK_ERR(co_join(co, NULL, CO_FOREVER), ESRCH);
  CHECK_OK(co_unpark(co));
  conf_until_live(1);
  CHECK_ERR(co_detach(co), ESRCH);

  for (int i = 0; i < 1000; i++) { /* before its first run, and after its end */
    CHECK_OK(co_detach(conf_spawn(end, NULL)));
    co = conf_spawn(end, NULL);
    conf_until_state(co, CO_STATE_ENDED);
    CHECK_OK(co_detach(co));
    CHECK_ERR(co_detach(co), ESRCH);
    CHECK_ERR(co_join(co, NULL, CO_NOW), ESRCH);
  }
  conf_spawn(detach_self, NULL);
  conf_until_live(1);
}

CASE(body)
