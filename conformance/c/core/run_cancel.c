#include "check.h"

enum { EACH = 10, ALL = 4 * EACH };
static atomic_int cancelled;

static void *parked(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *sleeper(void *arg) {
  CHECK_ERR(co_sleep(3600 * SEC), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *outlives_the_cancel(void *arg) {
  CHECK_EQ(co_cancel_shield(1), 0);
  while (atomic_load(&cancelled) < ALL)
    CHECK_OK(co_sleep(MS));
  return arg;
}

static void *joiner(void *arg) {
  co_t other = conf_spawn(outlives_the_cancel, NULL);
  CHECK_ERR(co_join(other, NULL, CO_FOREVER), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *fresh(void *arg) {
  CHECK_ERR(co_sleep(3600 * SEC), ECANCELED);
  CHECK_EQ(co_cancel_pending(), 1);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *entry(void *arg) {
  for (int i = 0; i < EACH; i++) {
    conf_spawn(parked, NULL);
    conf_spawn(sleeper, NULL);
    conf_spawn(joiner, NULL);
  }
  CHECK_OK(co_sleep(20 * MS));
  for (int i = 0; i < EACH; i++)
    conf_spawn(fresh, NULL);
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  cfg.flags = CO_RUN_CANCEL;
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
  CHECK_EQ(atomic_load(&cancelled), ALL);
}

PLAIN_CASE(body)
