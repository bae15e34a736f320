#include "check.h"

static void refused(const co_group_attr_t *attr, int err) {
  co_group_t group = 77;
  uint32_t groups = conf_stats().groups;
  CHECK_ERR(co_group_create(&group, attr), err);
  CHECK_EQ(group, 77);
  CHECK_EQ(conf_stats().groups, groups);
}

static void body(void) {
  co_group_t group, home = co_group_self();
  struct {
    co_group_attr_t known;
    uint64_t tail;
  } newer = {.known = {.size = sizeof newer}, .tail = 1};

  CHECK_ERR(co_group_create(NULL, NULL), EINVAL);
  for (uint32_t size = 0; size < 8; size++) {
    co_group_attr_t attr = {.size = size};
    refused(&attr, EINVAL);
  }
  refused(&newer.known, E2BIG);
  newer.tail = 0;
  CHECK_OK(co_group_create(&group, &newer.known));
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  enum { SIZE = sizeof(co_group_attr_t) };
  refused(&(co_group_attr_t){.size = SIZE, .flags = 1u << 20}, EINVAL);
  refused(&(co_group_attr_t){.size = SIZE, .reserved = 1}, EINVAL);
  refused(&(co_group_attr_t){.size = SIZE, .vcpus = 257}, EINVAL);
  refused(&(co_group_attr_t){.size = SIZE, .vcpus = UINT32_MAX}, EINVAL);
  refused(&(co_group_attr_t){.size = SIZE, .vcpus = 2, .flags = CO_GROUP_EXTERNAL}, EINVAL);

  static const uint64_t forged[] = {1, 2, 77, UINT64_C(0x100000000), UINT64_MAX};
  for (size_t i = 0; i < COUNT_OF(forged); i++) {
    if (forged[i] == home)
      continue;
    CHECK_ERR(co_group_destroy(forged[i], CO_FOREVER), ESRCH);
    CHECK_ERR(co_group_vcpu_count(forged[i]), ESRCH);
    CHECK_ERR(co_group_fd(forged[i]), ESRCH);
    CHECK_ERR(co_migrate(co_self(), forged[i], CO_VCPU_ANY), ESRCH);
  }
  CHECK_ERR(co_group_fd(home), EINVAL);
  CHECK_ERR(co_group_fd(0), EINVAL);
  CHECK_ERR(co_group_poll(home, CO_NOW), EDEADLK); /* not from a coroutine */
}

CASE(body)
