#include "check.h"

/* Jobs are run by coroutines that are there: each job once, none spawned for it, idle ones end. */
enum { ROUNDS = 200, AT_ONCE = 4 };
static atomic_int ran, sum;

static void *work(void *arg) {
  atomic_fetch_add(&ran, 1);
  atomic_fetch_add(&sum, (int)(intptr_t)arg);
  CHECK(co_self() != 0);
  return arg;
}

static atomic_int gate;

static void *held(void *arg) {
  while (!atomic_load(&gate))
    CHECK_OK(co_sleep(100 * US));
  return arg;
}

static co_pool_info_t info_of(co_pool_t pool) {
  co_pool_info_t info = {.size = sizeof info};
  CHECK_OK(co_pool_info(pool, &info));
  return info;
}

static void body(void) {
  co_pool_t pool = 0;
  co_pool_attr_t attr = {.size = sizeof attr, .max = AT_ONCE, .queue = AT_ONCE, .idle_ns = CO_FOREVER};
  void *result = NULL;
  CHECK_OK(co_pool_new(&pool, &attr));
  CHECK_EQ(info_of(pool).workers, 0);
  for (int i = 0; i < 2 * AT_ONCE; i++)
    CHECK_OK(co_pool_submit(pool, work, (void *)1, CO_FOREVER));
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  CHECK_EQ(atomic_load(&ran), 2 * AT_ONCE);
  CHECK_GE(info_of(pool).workers, 1);
  CHECK_GE(AT_ONCE, info_of(pool).workers);
  /* All of them at once, so that all are there; from then on one at a time. */
  for (int i = 0; i < AT_ONCE; i++)
    CHECK_OK(co_pool_submit(pool, held, NULL, CO_FOREVER));
  atomic_store(&gate, 1);
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  co_pool_info_t first = info_of(pool);
  CHECK_EQ(first.workers, AT_ONCE);
  uint64_t spawned = conf_stats().spawned;
  for (intptr_t i = 0; i < ROUNDS; i++) {
    CHECK_OK(co_pool_call(pool, work, (void *)i, &result, CO_FOREVER));
    CHECK(result == (void *)i);
    CHECK_OK(co_pool_submit(pool, work, (void *)1, CO_NOW));
    CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  }
  CHECK_EQ(conf_stats().spawned, spawned);
  CHECK_EQ(atomic_load(&ran), 2 * AT_ONCE + 2 * ROUNDS);
  CHECK_EQ(atomic_load(&sum), 2 * AT_ONCE + ROUNDS + ROUNDS * (ROUNDS - 1) / 2);
  co_pool_info_t last = info_of(pool);
  CHECK_EQ(last.workers, first.workers);
  CHECK_EQ(last.idle, first.workers);
  CHECK_EQ(last.completed, 3 * AT_ONCE + 2 * ROUNDS);
  CHECK_EQ(last.max, AT_ONCE);
  CHECK_EQ(last.queued + last.waiting + last.closing, 0);
  CHECK(last.group == co_group_self());
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  CHECK_ERR(co_pool_info(pool, &last), ESRCH);
  conf_until_live(1);
  /* With a limit, idle workers end by themselves; the pool goes on. */
  attr.idle_ns = 2 * MS;
  CHECK_OK(co_pool_new(&pool, &attr));
  for (int i = 0; i < 3; i++) {
    CHECK_OK(co_pool_call(pool, work, NULL, NULL, SEC));
    CHECK_EQ(info_of(pool).workers, 1);
    while (info_of(pool).workers != 0)
      CHECK_OK(co_sleep(MS));
    conf_until_live(1);
  }
  CHECK_OK(co_pool_close(pool, CO_NOW));
}

CASE(body)
