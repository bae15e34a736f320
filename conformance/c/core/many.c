#include "check.h"

enum { N = 100000 };
static co_t cos[N];
static atomic_int parked_now;

static void *parked(void *arg) {
  atomic_fetch_add_explicit(&parked_now, 1, memory_order_relaxed);
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void body(void) {
  co_attr_t attr = conf_attr();
  attr.stack_size = 16 * 1024;
  for (int i = 0; i < N; i++)
    CHECK_OK(co_spawn(&cos[i], &attr, parked, &cos[i]));
  while (atomic_load(&parked_now) != N)
    CHECK_OK(co_sleep(MS));
  co_stats_t stats = conf_stats();
  CHECK_EQ(stats.live, N + 1);
  CHECK_GE(stats.stacks_used, N);
  CHECK_GE(stats.guards_light + stats.guards_mprotect, N);
  CHECK_EQ(stats.guards_none, 0);
  for (int i = 0; i < N; i++)
    CHECK_OK(co_unpark(cos[i]));
  for (int i = 0; i < N; i++)
    CHECK(conf_join(cos[i]) == &cos[i]);
  conf_until_live(1);
}

CASE(body)
