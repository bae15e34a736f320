#include "check.h"

/* Never more at work than `max`; what is beyond waits in order, is refused, or times out; a cancelled
 * or interrupted submitter has brought nothing. */
enum { MAX = 3, QUEUE = 2, JOBS = 60, SUBMITTERS = 6 };
static atomic_int inside, most, ran, order[16], begun, gate, wrong;
static co_pool_t pool;

static void *held(void *arg) {
  atomic_fetch_add(&inside, 1);
  while (!atomic_load(&gate))
    CHECK_OK(co_sleep(200 * US));
  atomic_fetch_sub(&inside, 1);
  return arg;
}

static void *noted(void *arg) {
  atomic_store(&order[(intptr_t)arg], atomic_fetch_add(&begun, 1));
  return arg;
}

static void *never(void *arg) {
  atomic_fetch_add(&wrong, 1);
  return arg;
}

static void *counted(void *arg) {
  int now = atomic_fetch_add(&inside, 1) + 1, seen = atomic_load(&most);
  while (seen < now && !atomic_compare_exchange_weak(&most, &seen, now)) {
  }
  CHECK_OK(co_sleep((intptr_t)arg % 3 * 200 * US));
  atomic_fetch_sub(&inside, 1);
  atomic_fetch_add(&ran, 1);
  return arg;
}

static void *submits(void *arg) {
  for (intptr_t i = 0; i < JOBS / SUBMITTERS; i++) {
    if (i % 2)
      CHECK_OK(co_pool_submit(pool, counted, (void *)i, CO_FOREVER));
    else
      CHECK_OK(co_pool_call(pool, counted, (void *)i, NULL, CO_FOREVER));
  }
  return arg;
}

static void *submits_noted(void *arg) {
  CHECK_OK(co_pool_submit(pool, noted, arg, CO_FOREVER));
  return arg;
}

static void *calls_noted(void *arg) {
  void *result = NULL;
  CHECK_OK(co_pool_call(pool, noted, arg, &result, CO_FOREVER));
  CHECK(result == arg);
  return arg;
}

static void *submit_stopped(void *arg) {
  CHECK_ERR(co_pool_submit(pool, never, arg, CO_FOREVER), *(int *)arg);
  return arg;
}

static void *call_stopped(void *arg) {
  void *result = arg;
  CHECK_ERR(co_pool_call(pool, never, arg, &result, CO_FOREVER), *(int *)arg);
  CHECK(result == arg);
  return arg;
}

static void stop_one(co_entry_t fn, int err) {
  co_t co = conf_spawn(fn, &err);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(err == ECANCELED ? co_cancel(co) : co_interrupt(co, err));
  conf_join(co);
}

static void until_inside(int n) {
  while (atomic_load(&inside) != n)
    CHECK_OK(co_sleep(200 * US));
}

static void *thread_refused(void *arg) {
  CHECK_ERR(co_pool_submit(pool, never, arg, CO_NOW), EAGAIN);
  CHECK_ERR(co_pool_submit(pool, never, arg, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_pool_call(pool, never, arg, NULL, CO_NOW), EAGAIN);
  CHECK_ERR(co_pool_call(pool, never, arg, NULL, 2 * MS), ETIMEDOUT);
  return arg;
}

static void full(void) {
  co_pool_info_t info = {.size = sizeof info};
  co_t cos[8];
  atomic_store(&gate, 0);
  for (int i = 0; i < MAX; i++)
    CHECK_OK(co_pool_submit(pool, held, NULL, CO_NOW));
  until_inside(MAX);
  CHECK_OK(co_pool_submit(pool, noted, (void *)0, CO_NOW));
  CHECK_OK(co_pool_submit(pool, noted, (void *)1, CO_NOW));
  for (intptr_t i = 2; i < 8; i++) { /* calls and submissions in turn, all of them beyond the queue */
    cos[i] = conf_spawn_on(1, i % 2 ? calls_noted : submits_noted, (void *)i);
    conf_until_state(cos[i], CO_STATE_PARKED);
    if (i == 4) {
      stop_one(submit_stopped, ECANCELED);
      stop_one(submit_stopped, EXDEV);
      stop_one(call_stopped, ECANCELED);
      stop_one(call_stopped, EXDEV);
    }
  }
  thread_refused(NULL);
  conf_on_thread(thread_refused, NULL);
  CHECK_ERR(co_pool_wait(pool, CO_NOW), EAGAIN);
  CHECK_ERR(co_pool_wait(pool, MS), ETIMEDOUT);
  CHECK_OK(co_pool_info(pool, &info));
  CHECK_EQ(info.workers, MAX);
  CHECK_EQ(info.idle, 0);
  CHECK_EQ(info.queued, QUEUE);
  CHECK_EQ(info.waiting, 6);
  CHECK_EQ(atomic_load(&begun), 0);
  atomic_store(&gate, 1);
  for (int i = 2; i < 8; i++)
    conf_join(cos[i]);
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  CHECK_EQ(atomic_load(&begun), 8);
}

static void body(void) {
  co_pool_attr_t attr = {.size = sizeof attr, .max = MAX, .queue = QUEUE};
  co_t cos[SUBMITTERS];
  CHECK_OK(co_pool_new(&pool, &attr));
  for (int i = 0; i < SUBMITTERS; i++)
    cos[i] = conf_spawn(submits, NULL);
  for (int i = 0; i < SUBMITTERS; i++)
    conf_join(cos[i]);
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  CHECK_EQ(atomic_load(&ran), JOBS);
  CHECK_EQ(atomic_load(&most), MAX);
  full();
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  /* One worker: what has waited is run in the order in which it came. */
  attr.max = 1;
  atomic_store(&begun, 0);
  CHECK_OK(co_pool_new(&pool, &attr));
  atomic_store(&gate, 0);
  CHECK_OK(co_pool_submit(pool, held, NULL, CO_NOW));
  until_inside(1);
  CHECK_OK(co_pool_submit(pool, noted, (void *)0, CO_NOW));
  co_t waits[16];
  for (intptr_t i = 1; i < 16; i++) {
    waits[i] = conf_spawn_on(1, i % 3 ? submits_noted : calls_noted, (void *)i);
    while (conf_info(waits[i]).state != CO_STATE_PARKED && conf_info(waits[i]).state != CO_STATE_ENDED)
      CHECK_OK(co_sleep(50 * US));
  }
  atomic_store(&gate, 1);
  for (int i = 1; i < 16; i++)
    conf_join(waits[i]);
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  for (int i = 0; i < 16; i++)
    CHECK_EQ(atomic_load(&order[i]), i);
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  CHECK_EQ(atomic_load(&wrong), 0);
}

CASE(body)
