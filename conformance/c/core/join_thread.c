#include "check.h"

static void *echo(void *arg) {
  co_yield_now();
  return arg;
}

static void *nap(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  return arg;
}

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *on_thread(void *arg) {
  enum { N = 200 };
  co_t cos[N];
  CHECK_EQ(co_self(), 0);
  for (int i = 0; i < N; i++)
    cos[i] = conf_spawn(i % 10 ? echo : nap, &cos[i]);
  for (int i = 0; i < N; i++) {
    if (i % 3 == 0)
      CHECK_OK(co_wait(cos[i], CO_FOREVER));
    CHECK(conf_join(cos[i]) == &cos[i]);
    CHECK_ERR(co_join(cos[i], NULL, CO_FOREVER), ESRCH);
  }
  co_t co = conf_spawn(parked, &co);
  CHECK_ERR(co_join(co, NULL, CO_NOW), EAGAIN);
  CHECK_ERR(co_wait(co, CO_NOW), EAGAIN);
  int64_t before = co_now();
  CHECK_ERR(co_join(co, NULL, 3 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 3 * MS);
  CHECK_ERR(co_join(co, NULL, -5), EINVAL);
  CHECK_OK(co_unpark(co));
  CHECK(conf_join(co) == &co);
  return arg;
}

static void body(void) {
  conf_init();
  pthread_t threads[3];
  for (int round = 0; round < 10; round++) {
    for (size_t i = 0; i < COUNT_OF(threads); i++)
      threads[i] = conf_thread(on_thread, NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
      conf_thread_join(threads[i]);
  }
  CHECK_OK(co_shutdown(CO_FOREVER));
}

PLAIN_CASE(body)
