#include "check.h"

/* A call's caller never leaves before its function has returned or will never be called, whatever
 * stops it, and is told which; from coroutines and plain threads, also from jobs of the pool. */
static co_pool_t pool;
static atomic_int begun, ended, calls;

static void *thirty(void *arg) {
  atomic_store(&begun, 1);
  int r = co_sleep(30 * MS);
  CHECK(r == 0 || r == -ECANCELED);
  atomic_store((atomic_int *)arg, 1); /* the caller's stack */
  atomic_store(&ended, 1);
  return (void *)(intptr_t)r;
}

static void *deaf(void *arg) {
  co_cancel_shield(1);
  return thirty(arg);
}

static void *quick(void *arg) {
  atomic_fetch_add(&calls, 1);
  return (char *)arg + 1;
}

typedef struct {
  co_entry_t fn;
  int64_t timeout;
  int want, result;
} call_t;

static void *calls_it(void *arg) {
  call_t *c = arg;
  atomic_int here = 0;
  void *result = &here;
  CHECK_EQ(co_pool_call(pool, c->fn, &here, &result, c->timeout), c->want);
  if (c->want == -ETIMEDOUT && result == &here) { /* the machine had no time: it never began */
    CHECK_EQ(atomic_load(&here), 0);
    return arg;
  }
  CHECK_EQ(atomic_load(&here), 1);
  CHECK_EQ((intptr_t)result, c->result);
  return arg;
}

static void until_begun(void) {
  while (!atomic_load(&begun))
    CHECK_OK(co_sleep(50 * US));
}

static void stopped(co_entry_t fn, int result) {
  call_t c = {fn, CO_FOREVER, -ECANCELED, result};
  atomic_store(&begun, 0);
  co_t co = conf_spawn(calls_it, &c);
  until_begun();
  CHECK_OK(co_cancel(co));
  conf_join(co);
  c.want = -EXDEV;
  atomic_store(&begun, 0);
  co = conf_spawn(calls_it, &c);
  until_begun();
  CHECK_OK(co_interrupt(co, EXDEV));
  conf_join(co);
  c.want = -ETIMEDOUT;
  c.timeout = 3 * MS;
  calls_it(&c);
}

static void *from_thread(void *arg) {
  call_t c = {thirty, CO_FOREVER, 0, 0};
  void *result = NULL;
  calls_it(&c);
  c = (call_t){thirty, 3 * MS, -ETIMEDOUT, -ECANCELED};
  calls_it(&c);
  for (int i = 0; i < 20; i++) {
    CHECK_OK(co_pool_call(pool, quick, &c, &result, CO_FOREVER));
    CHECK(result == (char *)&c + 1);
    CHECK_OK(co_pool_submit(pool, quick, &c, CO_FOREVER));
  }
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  return arg;
}

static void *job_that_calls(void *arg) {
  void *result = NULL;
  CHECK_OK(co_pool_call(pool, quick, arg, &result, CO_FOREVER));
  CHECK(result == (char *)arg + 1);
  CHECK_ERR(co_pool_wait(pool, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_pool_close(pool, CO_FOREVER), EDEADLK);
  return result;
}

static void *cancelled_before(void *arg) {
  CHECK_OK(co_cancel(co_self()));
  CHECK_ERR(co_pool_call(pool, quick, arg, NULL, CO_FOREVER), ECANCELED);
  CHECK_ERR(co_pool_submit(pool, quick, arg, CO_FOREVER), ECANCELED);
  CHECK_ERR(co_pool_wait(pool, CO_FOREVER), ECANCELED);
  CHECK_ERR(co_pool_close(pool, CO_FOREVER), ECANCELED);
  return arg;
}

static void *cancels(void *co) {
  CHECK_OK(co_cancel(*(co_t *)co));
  return co;
}

/* Stopped between the worker's being chosen and its beginning: with one vCPU the coroutine that is
 * spawned here runs before the worker that the call wakes. */
static void *stopped_between(void *arg) {
  co_t me = co_self();
  void *result = arg;
  co_t other = conf_spawn(cancels, &me);
  int r = co_pool_call(pool, quick, arg, &result, CO_FOREVER);
  if (conf_vcpus() > 1 && r == 0) /* a worker elsewhere was quicker */
    CHECK(result == (char *)arg + 1);
  else
    CHECK_EQ(r, -ECANCELED);
  co_cancel_shield(1);
  conf_join(other);
  CHECK_EQ(co_cancel_shield(0), 1);
  CHECK_EQ(co_cancel_clear(), 1);
  return result;
}

static void body(void) {
  void *result = NULL;
  char place[2];
  co_pool_attr_t attr = {.size = sizeof attr, .max = 2, .idle_ns = CO_FOREVER};
  CHECK_OK(co_pool_new(&pool, &attr));
  call_t plain = {thirty, SEC, 0, 0};
  calls_it(&plain);
  stopped(thirty, -ECANCELED);
  stopped(deaf, 0);
  int before = atomic_load(&calls);
  conf_on_thread(from_thread, NULL);
  CHECK_EQ(atomic_load(&calls), before + 40);
  CHECK_OK(co_pool_call(pool, job_that_calls, place, &result, CO_FOREVER));
  CHECK(result == place + 1);
  before = atomic_load(&calls);
  conf_join(conf_spawn(cancelled_before, place));
  CHECK_EQ(atomic_load(&calls), before);
  for (int i = 0; i < 20; i++) {
    before = atomic_load(&calls);
    CHECK(conf_join(conf_spawn(stopped_between, place)) == place + (atomic_load(&calls) - before));
    CHECK(conf_vcpus() > 1 || atomic_load(&calls) == before);
  }
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
}

CASE(body)
