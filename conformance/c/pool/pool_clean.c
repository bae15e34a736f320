#include "check.h"

/* A job finds a coroutine as good as new, whatever the one before has done with it. */
static co_pool_t pool;
static co_key_t key;
static atomic_int destroyed, phase;
static co_t last;

static void destructor(void *value) {
  CHECK(value == &key);
  atomic_fetch_add(&destroyed, 1);
}

static void *mess(void *arg) {
  co_scope_t scope;
  int on;
  last = co_self();
  CHECK_OK(co_local_set(key, &key));
  CHECK(co_arena_alloc(1000, 8) != NULL);
  CHECK_OK(co_set_name(last, "messy"));
  CHECK_OK(co_unpark(last));
  on = co_cancel_shield(1);
  CHECK_EQ(on, 0);
  CHECK_OK(co_scope_open(&scope, NULL));
  CHECK_OK(co_cancel(last));
  CHECK_OK(co_interrupt(last, EXDEV));
  CHECK_EQ(co_pin(), 1);
  if (arg)
    CHECK_EQ(co_blocking_enter(), 1);
  return arg;
}

static void *inspect(void *arg) {
  co_t me = co_self();
  co_info_t info = conf_info(me);
  CHECK(me != last);
  CHECK_ERR(co_cancel(last), ESRCH);
  CHECK_ERR(co_interrupt(last, EXDEV), ESRCH);
  CHECK_ERR(co_unpark(last), ESRCH);
  CHECK_EQ(strcmp(info.name, "tidy"), 0);
  CHECK_EQ(info.state, CO_STATE_RUNNING);
  CHECK(co_env(me) == NULL);
  CHECK(co_local_get(key) == NULL);
  CHECK_EQ(co_arena_used(), 0);
  CHECK_EQ(co_scope_self(), 0);
  CHECK_EQ(co_cancel_pending(), 0);
  CHECK_EQ(co_cancel_shield(0), 0);
  CHECK_ERR(co_park(CO_NOW), EAGAIN); /* no token, no cancel, no interrupt */
  CHECK_OK(co_sleep(0));
  CHECK_ERR(co_join(me, NULL, CO_NOW), EDEADLK);
  CHECK_ERR(co_detach(me), ESRCH);
  CHECK_ERR(co_unpin(), EINVAL);
  CHECK_EQ(info.flags & CO_MIGRATABLE, 0);
  last = me;
  return arg;
}

/* Waits to be stopped. */
static void *waits(void *arg) {
  last = co_self();
  atomic_store(&phase, 1);
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  atomic_store(&phase, 2);
  CHECK_ERR(co_sleep(SEC), ECANCELED);
  return arg;
}

static int idle_one(const co_info_t *info, void *arg) {
  if (info->co != co_self() && !strcmp(info->name, "tidy"))
    *(co_t *)arg = info->co;
  return 0;
}

static void body(void) {
  co_pool_attr_t attr = {.size = sizeof attr, .max = 1, .name = "tidy", .idle_ns = CO_FOREVER};
  co_pool_info_t info = {.size = sizeof info};
  CHECK_OK(co_key_new(&key, destructor));
  CHECK_OK(co_pool_new(&pool, &attr));
  for (int i = 0; i < 10; i++) {
    CHECK_OK(co_pool_call(pool, mess, i % 2 ? &pool : NULL, NULL, CO_FOREVER));
    CHECK_EQ(atomic_load(&destroyed), i + 1);
    CHECK_ERR(co_cancel(last), ESRCH);
    CHECK_OK(co_pool_call(pool, inspect, NULL, NULL, CO_FOREVER));
    /* Directly after each other, without an idle moment. */
    CHECK_OK(co_pool_submit(pool, inspect, NULL, CO_FOREVER));
    CHECK_OK(co_pool_submit(pool, inspect, NULL, CO_FOREVER));
    CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  }
  /* A cancel reaches the job that it is for. */
  CHECK_OK(co_pool_submit(pool, waits, NULL, CO_FOREVER));
  while (atomic_load(&phase) != 1)
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_cancel(last));
  CHECK_OK(co_pool_call(pool, inspect, NULL, NULL, CO_FOREVER));
  CHECK_EQ(atomic_load(&phase), 2);
  /* Who cancels an idle one ends it, and the pool goes on. */
  for (int i = 0; i < 20; i++) {
    co_t idle = 0;
    CHECK_EQ(co_foreach(idle_one, &idle), 0);
    if (idle)
      CHECK_ERR(co_join(idle, NULL, CO_NOW), ESRCH);
    if (idle && co_cancel(idle) == 0 && i % 2 == 0)
      CHECK_OK(co_sleep(100 * US));
    CHECK_OK(co_pool_call(pool, inspect, NULL, NULL, CO_FOREVER));
  }
  CHECK_OK(co_pool_info(pool, &info));
  CHECK_EQ(info.workers, 1);
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  CHECK_OK(co_key_free(key));
}

CASE(body)
