#include "check.h"

static atomic_int ended;

static void *grandchild(void *arg) {
  CHECK_OK(co_sleep(5 * MS));
  atomic_fetch_add(&ended, 1);
  return arg;
}

static void *child(void *arg) {
  CHECK_OK(co_sleep(20 * MS));
  for (int i = 0; i < 4; i++)
    CHECK_OK(co_spawn(NULL, NULL, grandchild, NULL));
  atomic_fetch_add(&ended, 1);
  return arg;
}

static void *entry(void *arg) {
  co_t kept;
  for (int i = 0; i < 10; i++)
    CHECK_OK(co_spawn(NULL, NULL, child, NULL));
  CHECK_OK(co_spawn(&kept, NULL, child, NULL)); /* joinable, and never joined */
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
  CHECK_EQ(atomic_load(&ended), 11 + 44);
}

PLAIN_CASE(body)
