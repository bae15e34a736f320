#include "check.h"

typedef struct {
  co_group_t group;
  uint32_t vcpu;
} place_t;

static void *where(void *arg) {
  place_t *p = arg;
  CHECK_EQ(co_group_self(), p->group);
  for (int i = 0; i < 20; i++) {
    uint32_t v = co_vcpu_self();
    CHECK(p->vcpu ? v == p->vcpu : v >= 1);
    if (i % 4)
      co_yield_now();
    else
      CHECK_OK(co_sleep(100 * US));
  }
  return arg;
}

static void *child_of_group(void *arg) {
  conf_join(conf_spawn(where, arg)); /* group 0: the spawner's own */
  return where(arg);
}

static void run_in(co_group_t group, uint32_t vcpu) {
  place_t place = {group, 0};
  co_attr_t attr = conf_attr();
  co_t co;
  attr.group = group;
  CHECK_OK(co_spawn(&co, &attr, child_of_group, &place));
  conf_join(co);
  attr.vcpu = place.vcpu = vcpu;
  CHECK_OK(co_spawn(&co, &attr, where, &place));
  conf_join(co);
}

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *destroy_own(void *arg) {
  CHECK_ERR(co_group_destroy(co_group_self(), CO_FOREVER), EDEADLK);
  CHECK_ERR(co_group_destroy(co_group_self(), CO_NOW), EDEADLK);
  return arg;
}

static void *destroy_default(void *arg) {
  CHECK_ERR(co_group_destroy(*(co_group_t *)arg, CO_FOREVER), EPERM);
  CHECK_ERR(co_group_destroy(0, CO_NOW), EPERM); /* on a plain thread 0 is the default group */
  CHECK_EQ(co_group_vcpu_count(0), conf_vcpus());
  return arg;
}

static void *cancelled(void *arg) {
  CHECK_ERR(co_group_destroy(*(co_group_t *)arg, CO_FOREVER), ECANCELED);
  return arg;
}

static void life(uint32_t vcpus) {
  co_group_attr_t ga = {.size = sizeof ga, .vcpus = vcpus, .name = "a name longer than eleven bytes"};
  co_group_t group = 0, home = co_group_self();
  uint32_t groups = conf_stats().groups, all = conf_stats().vcpus, n = vcpus ? vcpus : 1;
  CHECK_OK(co_group_create(&group, &ga));
  CHECK(group != 0 && group != home);
  CHECK_EQ(co_group_vcpu_count(group), n);
  CHECK_EQ(conf_stats().groups, groups + 1);
  CHECK_EQ(conf_stats().vcpus, all + n);
  for (uint32_t v = 1; v <= n; v++)
    run_in(group, v);

  co_attr_t attr = conf_attr();
  co_t co, other;
  attr.group = group;
  attr.vcpu = n + 1;
  CHECK_ERR(co_spawn(&co, &attr, parked, NULL), ESRCH);
  attr.vcpu = 0;
  CHECK_OK(co_spawn(&co, &attr, parked, NULL));
  CHECK_ERR(co_group_destroy(group, CO_NOW), EAGAIN);
  int64_t before = co_now();
  CHECK_ERR(co_group_destroy(group, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_ERR(co_group_destroy(group, -2), EINVAL);
  other = conf_spawn(cancelled, &group);
  conf_until_state(other, CO_STATE_PARKED);
  CHECK_OK(co_cancel(other));
  conf_join(other);
  run_in(group, 0); /* it goes on */
  CHECK_OK(co_spawn(&other, &attr, destroy_own, NULL));
  conf_join(other);
  CHECK_OK(co_unpark(co));
  CHECK_OK(co_group_destroy(group, CO_FOREVER)); /* waits for that one */
  conf_join(co);

  CHECK_ERR(co_group_destroy(group, CO_FOREVER), ESRCH);
  CHECK_ERR(co_group_vcpu_count(group), ESRCH);
  CHECK_ERR(co_group_fd(group), ESRCH);
  CHECK_ERR(co_spawn(&co, &attr, parked, NULL), ESRCH);
  CHECK_EQ(conf_stats().groups, groups);
  CHECK_EQ(conf_stats().vcpus, all);
}

static void body(void) {
  co_group_t home = co_group_self();
  CHECK(home != 0);
  CHECK_EQ(co_group_vcpu_count(home), conf_vcpus());
  CHECK_EQ(co_group_vcpu_count(0), conf_vcpus());
  CHECK_GE(conf_stats().groups, 1);
  for (int round = 0; round < 5; round++) {
    life(0);
    life(1);
    life(2);
  }
  conf_on_thread(destroy_default, &home);
  int own = co_group_destroy(home, CO_NOW);
  CHECK(own == -EPERM || own == -EDEADLK);
}

CASE(body)
