#include "check.h"

static co_group_t home, away;

static void *expect_away(void *arg) {
  CHECK_EQ(co_group_self(), away);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_group_self(), away);
  CHECK_EQ(conf_info(co_self()).group, away);
  return arg;
}

static void *expect_vcpu(void *arg) {
  CHECK_EQ(co_vcpu_self(), (intptr_t)arg);
  co_yield_now();
  CHECK_EQ(co_vcpu_self(), (intptr_t)arg);
  return arg;
}

static void *traveller(void *arg) {
  for (int i = 0; i < 100; i++) {
    CHECK_OK(co_migrate(co_self(), away, CO_VCPU_ANY));
    CHECK_EQ(co_group_self(), away); /* has moved when the call returns */
    if (i % 3 == 0)
      CHECK_OK(co_sleep(50 * US));
    CHECK_EQ(co_group_self(), away);
    CHECK_OK(co_migrate(co_self(), home, i % 2 ? conf_vcpus() : CO_VCPU_ANY));
    CHECK_EQ(co_group_self(), home);
    if (i % 2)
      CHECK_EQ(co_vcpu_self(), conf_vcpus());
  }
  return arg;
}

static void *pinned(void *arg) {
  CHECK_ERR(co_migrate(co_self(), away, CO_VCPU_ANY), EPERM);
  CHECK_ERR(co_migrate(co_self(), 0, 1), EPERM);
  CHECK_OK(co_park(CO_FOREVER));
  CHECK_EQ(co_group_self(), home);
  return arg;
}

static void *parked_traveller(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return expect_away(arg);
}

static void body(void) {
  co_attr_t attr = conf_attr();
  co_t co;
  home = co_group_self();
  CHECK_OK(co_group_create(&away, NULL));
  uint64_t migrated = conf_stats().migrated;

  for (int i = 0; i < 100; i++) { /* a fresh one */
    attr.vcpu = co_vcpu_self();
    CHECK_OK(co_spawn(&co, &attr, expect_away, NULL));
    CHECK_OK(co_migrate(co, away, i % 2));
    conf_join(co);
    CHECK_OK(co_spawn(&co, &attr, expect_vcpu, (void *)(intptr_t)conf_vcpus()));
    CHECK_OK(co_migrate(co, 0, conf_vcpus()));
    conf_join(co);
  }
  CHECK_GE(conf_stats().migrated, migrated + 100);

  attr = conf_attr();
  attr.flags = CO_MIGRATABLE;
  CHECK_OK(co_spawn(&co, &attr, traveller, NULL));
  conf_join(co);
  CHECK_OK(co_spawn(&co, &attr, parked_traveller, NULL)); /* another, while it is parked */
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_migrate(co, away, 1));
  CHECK_OK(co_unpark(co));
  conf_join(co);

  co = conf_spawn(pinned, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_ERR(co_migrate(co, away, CO_VCPU_ANY), EPERM);
  CHECK_OK(co_unpark(co));
  conf_join(co);
  CHECK_ERR(co_migrate(co, away, CO_VCPU_ANY), ESRCH);

  CHECK_OK(co_spawn(&co, &attr, parked_traveller, NULL));
  CHECK_ERR(co_migrate(co, UINT64_C(0xdeadbeef0badcafe), CO_VCPU_ANY), ESRCH);
  CHECK_ERR(co_migrate(co, away, 2), ESRCH);
  CHECK_ERR(co_migrate(co, home, conf_vcpus() + 1), ESRCH);
  CHECK_OK(co_migrate(co, away, CO_VCPU_ANY));
  CHECK_OK(co_unpark(co));
  conf_join(co);
  CHECK_ERR(co_migrate(0, away, CO_VCPU_ANY), ESRCH);
  CHECK_OK(co_group_destroy(away, CO_FOREVER));
}

CASE(body)
