#include "check.h"

static atomic_int ran;

static void *child(void *arg) {
  atomic_fetch_add(&ran, 1);
  if ((intptr_t)arg % 8 == 0)
    CHECK_OK(co_sleep(20 * US));
  return arg;
}

static void *spawner(void *arg) {
  enum { BATCH = 100 };
  co_t cos[BATCH];
  for (int round = 0; round < 20; round++) {
    for (intptr_t i = 0; i < BATCH; i++) {
      cos[i] = conf_spawn(child, (void *)i);
      CHECK_OK(co_spawn(NULL, NULL, child, (void *)i));
    }
    for (intptr_t i = 0; i < BATCH; i++)
      CHECK(conf_join(cos[i]) == (void *)i);
  }
  return arg;
}

static void *init_elsewhere(void *arg) {
  conf_init();
  return arg;
}

static void body(void) {
  pthread_t threads[4];
  conf_thread_join(conf_thread(init_elsewhere, NULL)); /* the thread that starts it may end */
  CHECK_EQ(co_self(), 0);
  CHECK_EQ(conf_stats().vcpus, conf_vcpus());
  for (size_t i = 0; i < COUNT_OF(threads); i++)
    threads[i] = conf_thread(spawner, NULL);
  for (size_t i = 0; i < COUNT_OF(threads); i++)
    conf_thread_join(threads[i]);
  CHECK_OK(co_shutdown(CO_FOREVER)); /* drains the detached ones */
  CHECK_EQ(atomic_load(&ran), 4 * 20 * 200);
}

PLAIN_CASE(body)
