#include "check.h"

static void *never(void *arg) {
  FAIL("a refused coroutine runs");
  return arg;
}

static void *end(void *arg) {
  return arg;
}

static void refused(const co_attr_t *attr, co_entry_t fn, int err) {
  co_t co = 77;
  uint64_t spawned = conf_stats().spawned;
  char byte = 0;
  CHECK_ERR(co_spawn(&co, attr, fn, NULL), err);
  CHECK_ERR(co_spawn_copy(&co, attr, fn, &byte, 1, 1), err);
  CHECK_EQ(co, 77);
  CHECK_ERR(co_spawn(NULL, attr, fn, NULL), err);
  CHECK_EQ(conf_stats().spawned, spawned);
  CHECK_EQ(conf_stats().live, 1);
}

static void body(void) {
  co_attr_t attr = conf_attr();
  struct {
    co_attr_t known;
    uint64_t tail[2];
  } newer = {.known = conf_attr(), .tail = {1, 0}};

  refused(NULL, NULL, EINVAL);
  for (uint32_t size = 0; size < 8; size++) {
    attr.size = size;
    refused(&attr, never, EINVAL);
  }
  newer.known.size = sizeof newer;
  refused(&newer.known, never, E2BIG);
  attr = conf_attr(), attr.flags = 1u << 20, refused(&attr, never, EINVAL);
  attr = conf_attr(), attr.reserved = 1, refused(&attr, never, EINVAL);
  attr = conf_attr(), attr.stack_size = (8u << 20) + 1, refused(&attr, never, EINVAL);
  attr = conf_attr(), attr.stack_size = UINT64_MAX, refused(&attr, never, EINVAL);
  attr = conf_attr(), attr.group = UINT64_C(0xdeadbeef0badcafe), refused(&attr, never, ESRCH);
  attr = conf_attr(), attr.vcpu = conf_vcpus() + 1, refused(&attr, never, ESRCH);
  attr = conf_attr(), attr.vcpu = UINT32_MAX, refused(&attr, never, ESRCH);

  newer.tail[0] = 0;
  co_t co;
  CHECK_OK(co_spawn(&co, &newer.known, end, NULL)); /* a newer header that asks for nothing new */
  conf_join(co);
  attr = conf_attr();
  attr.size = 8; /* an older one: what is beyond is not looked at */
  attr.stack_size = UINT64_MAX;
  attr.vcpu = UINT32_MAX;
  CHECK_OK(co_spawn(&co, &attr, end, NULL));
  conf_join(co);
}

CASE(body)
