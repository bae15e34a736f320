#include "check.h"

static void *never(void *arg) {
  FAIL("runs without a runtime");
  return arg;
}

static int none(const co_info_t *info, void *arg) {
  (void)arg;
  FAIL("coroutine %#llx without a runtime", (unsigned long long)info->co);
}

static void checks(void) {
  static const co_t handles[] = {0, 1, UINT64_C(0x100000001), UINT64_MAX};
  co_t co = 77;
  co_group_t group = 77;
  co_info_t info = {.size = sizeof info};
  co_stats_t stats = {.size = sizeof stats};
  char byte = 0;

  CHECK_ERR(co_spawn(&co, NULL, never, NULL), ESRCH);
  CHECK_ERR(co_spawn(NULL, NULL, never, NULL), ESRCH);
  CHECK_ERR(co_spawn_copy(&co, NULL, never, &byte, 1, 1), ESRCH);
  CHECK_EQ(co, 77);
  CHECK_ERR(co_stats(&stats), ESRCH);
  CHECK_ERR(co_group_create(&group, NULL), ESRCH);
  CHECK_EQ(group, 77);
  CHECK_ERR(co_group_vcpu_count(0), ESRCH);
  for (size_t i = 0; i < COUNT_OF(handles); i++) {
    co_t h = handles[i];
    CHECK_ERR(co_join(h, NULL, CO_NOW), ESRCH);
    CHECK_ERR(co_wait(h, CO_NOW), ESRCH);
    CHECK_ERR(co_detach(h), ESRCH);
    CHECK_ERR(co_unpark(h), ESRCH);
    CHECK_ERR(co_interrupt(h, EINTR), ESRCH);
    CHECK_ERR(co_cancel(h), ESRCH);
    CHECK_ERR(co_set_name(h, "x"), ESRCH);
    CHECK_ERR(co_info(h, &info), ESRCH);
    CHECK_ERR(co_migrate(h, 0, 0), ESRCH);
    CHECK(co_env(h) == NULL);
  }
  CHECK_EQ(co_foreach(none, NULL), 0);
  CHECK_EQ(co_self(), 0);
  CHECK_EQ(co_group_self(), 0);
  CHECK_EQ(co_vcpu_self(), 0);
  CHECK_ERR(co_park(CO_NOW), EPERM);
  CHECK_ERR(co_cancel_shield(1), EPERM);
  CHECK_ERR(co_cancel_clear(), EPERM);
  CHECK_EQ(co_cancel_pending(), 0);
  co_yield_now();
  co_yield();
  int64_t before = co_now();
  CHECK_OK(co_sleep(2 * MS));
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_OK(co_sleep_until(co_now() + MS));
  CHECK_ERR(co_sleep(-2), EINVAL);
}

static void *entry(void *arg) {
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  checks();
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
  checks(); /* and again after one has been */
}

PLAIN_CASE(body)
