#include "check.h"

static void *nested(void *arg) {
  FAIL("a second runtime runs");
  return arg;
}

static void *on_thread(void *arg) {
  co_config_t cfg = conf_config();
  CHECK_ERR(co_run(&cfg, nested, NULL, NULL), EBUSY);
  CHECK_ERR(co_init(&cfg), EBUSY);
  CHECK_ERR(co_shutdown(CO_NOW), EINVAL); /* co_run's is not its to shut down */
  return arg;
}

static void *entry(void *arg) {
  co_config_t cfg = conf_config();
  CHECK_ERR(co_run(&cfg, nested, NULL, NULL), EBUSY);
  CHECK_ERR(co_init(&cfg), EBUSY);
  int refused = co_shutdown(CO_NOW);
  CHECK(refused == -EDEADLK || refused == -EINVAL);
  conf_on_thread(on_thread, NULL);
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  CHECK_ERR(co_shutdown(CO_NOW), ESRCH);
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
  CHECK_ERR(co_shutdown(CO_NOW), ESRCH);
}

PLAIN_CASE(body)
