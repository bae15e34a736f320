#include "check.h"

/* One thread at most: what does not get one waits in order, and can be stopped until it begins. */
enum { QUEUED = 6 };
static atomic_int gate, running, begun, order[QUEUED], refused;

static void *held(void *arg) {
  atomic_fetch_add(&running, 1);
  while (!atomic_load(&gate))
    CHECK_OK(co_sleep(200 * US));
  atomic_fetch_sub(&running, 1);
  return arg;
}

static void *never(void *arg) {
  atomic_fetch_add(&refused, 1);
  return arg;
}

static void *noted(void *arg) {
  atomic_store(&order[(intptr_t)arg], atomic_fetch_add(&begun, 1));
  return arg;
}

static void *holder(void *arg) {
  void *result = NULL;
  CHECK_OK(co_blocking(held, arg, &result, CO_FOREVER));
  CHECK(result == arg);
  return arg;
}

static void *queues(void *arg) {
  void *result = NULL;
  CHECK_OK(co_blocking(noted, arg, &result, CO_FOREVER));
  CHECK(result == arg);
  return arg;
}

static void *stopped(void *arg) {
  CHECK_ERR(co_blocking(never, arg, NULL, CO_FOREVER), *(int *)arg);
  return arg;
}

static void *cancelled_late(void *arg) {
  void *result = NULL;
  CHECK_OK(co_blocking(held, arg, &result, 10 * MS)); /* it has begun: neither time nor cancel ends it */
  CHECK(result == arg);
  CHECK_EQ(co_cancel_pending(), 1);
  CHECK_ERR(co_blocking(never, arg, NULL, CO_FOREVER), ECANCELED);
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_ERR(co_sleep(SEC), EXDEV); /* the interrupt has stayed too */
  CHECK_OK(co_blocking(noted, NULL, NULL, CO_FOREVER));
  return arg;
}

static void until_running(int n) {
  while (atomic_load(&running) != n)
    CHECK_OK(co_sleep(200 * US));
}

static void body_late(void) {
  char place;
  atomic_store(&gate, 0);
  co_t co = conf_spawn(cancelled_late, &place);
  until_running(1);
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_interrupt(co, EXDEV));
  CHECK_OK(co_sleep(15 * MS));
  CHECK_EQ(conf_info(co).state, CO_STATE_PARKED);
  atomic_store(&gate, 1);
  conf_join(co);
}

static void *main_fn(void *arg) {
  co_t others[QUEUED], co;
  int err = ECANCELED;
  char place;
  co_t first = conf_spawn(holder, &place);
  until_running(1);
  CHECK_ERR(co_blocking(never, NULL, NULL, CO_NOW), EAGAIN);
  CHECK_ERR(co_blocking(never, NULL, NULL, 2 * MS), ETIMEDOUT);
  for (intptr_t i = 0; i < QUEUED; i++) {
    others[i] = conf_spawn_on(1, queues, (void *)i);
    conf_until_state(others[i], CO_STATE_PARKED);
    if (i == 2) { /* one in the middle of the queue leaves it */
      co = conf_spawn(stopped, &err);
      conf_until_state(co, CO_STATE_PARKED);
      CHECK_OK(co_cancel(co));
      conf_join(co);
    }
  }
  err = EXDEV;
  co = conf_spawn(stopped, &err);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EXDEV));
  conf_join(co);
  CHECK_EQ(atomic_load(&begun), 0);
  atomic_store(&gate, 1);
  for (int i = 0; i < QUEUED; i++)
    conf_join(others[i]);
  conf_join(first);
  for (int i = 0; i < QUEUED; i++)
    CHECK_EQ(atomic_load(&order[i]), i);
  body_late();
  CHECK_EQ(atomic_load(&refused), 0);
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  cfg.blocking_max = 1;
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
}

PLAIN_CASE(body)
