#include "check.h"

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *on_thread(void *arg) {
  CHECK_GE(conf_stats().live, 1);
  return arg;
}

static void body(void) {
  enum { N = 100 };
  co_t cos[N];
  co_stats_t s, before = conf_stats();

  CHECK_EQ(before.size, sizeof before);
  CHECK(before.engine >= CO_ENGINE_URING && before.engine <= CO_ENGINE_OFFLOAD);
  CHECK_EQ(before.vcpus, conf_vcpus());
  CHECK_EQ(before.groups, 1);
  CHECK_EQ(before.live, 1);
  CHECK_GE(before.spawned, 1);

  for (int i = 0; i < N; i++)
    cos[i] = conf_spawn(parked, NULL);
  for (int i = 0; i < N; i++)
    conf_until_state(cos[i], CO_STATE_PARKED); /* it may have its stack from its first run on only */
  conf_until_live(N + 1);
  s = conf_stats();
  CHECK_EQ(s.live, N + 1);
  CHECK_EQ(s.spawned, before.spawned + N);
  CHECK_GE(s.stacks_used, N);
  CHECK_GE(s.stack_reserved, (uint64_t)N * 256 * 1024);
  CHECK_GE(s.guards_light + s.guards_mprotect, N);
  CHECK_EQ(s.guards_none, 0);
  CHECK_GE(s.polls, before.polls + 1);
  for (int i = 0; i < N; i++) {
    CHECK_OK(co_unpark(cos[i]));
    conf_join(cos[i]);
  }
  conf_until_live(1);
  while (conf_stats().stacks_used > before.stacks_used)
    CHECK_OK(co_sleep(MS));
  CHECK_EQ(conf_stats().spawned, before.spawned + N);
  conf_on_thread(on_thread, NULL);

  CHECK_ERR(co_stats(NULL), EINVAL);
  for (uint32_t size = 0; size < 8; size++) {
    s.size = size;
    CHECK_ERR(co_stats(&s), EINVAL);
  }
  memset(&s, 0xaa, sizeof s);
  s.size = 12; /* an older header's: size, engine, vcpus */
  CHECK_OK(co_stats(&s));
  CHECK_EQ(s.size, 12);
  CHECK_EQ(s.vcpus, conf_vcpus());
  CHECK_EQ(s.groups, 0xaaaaaaaau);
  struct {
    co_stats_t known;
    uint64_t tail;
  } newer = {.known = {.size = sizeof newer}, .tail = 99};
  CHECK_OK(co_stats(&newer.known)); /* a newer header's: what this library does not know stays */
  CHECK_EQ(newer.tail, 99);
  CHECK_EQ(newer.known.vcpus, conf_vcpus());
}

CASE(body)
