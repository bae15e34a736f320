#include "check.h"

static atomic_int in_shutdown;

static void *parked(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  return arg;
}

static void *end(void *arg) {
  return arg;
}

static void *from_coroutine(void *arg) {
  CHECK_ERR(co_shutdown(CO_NOW), EDEADLK);
  CHECK_ERR(co_shutdown(CO_FOREVER), EDEADLK);
  return arg;
}

/* Coroutines may spawn while the rest is drained; plain threads may not. */
static void *spawns_late(void *arg) {
  while (!atomic_load(&in_shutdown))
    CHECK_OK(co_sleep(MS));
  CHECK_OK(co_sleep(10 * MS));
  conf_join(conf_spawn(end, NULL));
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  return arg;
}

static void *shut_down(void *arg) {
  atomic_store(&in_shutdown, 1);
  CHECK_OK(co_shutdown(CO_FOREVER));
  return arg;
}

static int find(const co_info_t *info, void *arg) {
  return info->co == *(co_t *)arg ? 5 : 0;
}

static void body(void) {
  conf_init();
  conf_join(conf_spawn(from_coroutine, NULL));
  CHECK_ERR(co_shutdown(-2), EINVAL);
  CHECK_ERR(co_shutdown(INT64_MIN), EINVAL);
  co_t co = conf_spawn(parked, NULL);
  CHECK_ERR(co_shutdown(CO_NOW), EAGAIN);
  int64_t before = co_now();
  CHECK_ERR(co_shutdown(5 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 5 * MS);
  CHECK_EQ(co_foreach(find, &co), 5); /* says what is left */
  CHECK_GE(conf_stats().live, 1);
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_shutdown(CO_FOREVER));
  CHECK_ERR(co_shutdown(CO_NOW), ESRCH);

  conf_init();
  co = conf_spawn(spawns_late, NULL);
  pthread_t thread = conf_thread(shut_down, NULL);
  while (!atomic_load(&in_shutdown))
    sched_yield();
  int r;
  while ((r = co_spawn(NULL, NULL, end, NULL)) == 0)
    CHECK_OK(co_sleep(100 * US));
  CHECK_ERR(r, ESHUTDOWN);
  co_t out = 77;
  CHECK_ERR(co_spawn(&out, NULL, end, NULL), ESHUTDOWN);
  CHECK_EQ(out, 77);
  co_group_t group;
  CHECK_ERR(co_group_create(&group, NULL), ESHUTDOWN);
  CHECK_ERR(co_shutdown(CO_NOW), EBUSY);
  CHECK_ERR(co_shutdown(MS), EBUSY);
  co_config_t cfg = conf_config();
  CHECK_ERR(co_init(&cfg), EBUSY);
  CHECK_OK(co_sleep(30 * MS));
  CHECK_OK(co_cancel(co));
  conf_thread_join(thread);
  CHECK_ERR(co_spawn(NULL, NULL, end, NULL), ESRCH);
  CHECK_ERR(co_shutdown(CO_FOREVER), ESRCH);
}

PLAIN_CASE(body)
