#include "check.h"

/* A migratable coroutine is sent to and fro by others while it runs, sleeps and is woken: each
 * co_migrate that said 0 takes it there. */
enum { ROUNDS = 2000 };
static atomic_int stop;

static void *wanderer(void *arg) {
  for (int i = 0; !atomic_load(&stop); i++) {
    if (i % 3 == 0)
      CHECK_OK(co_sleep(10 * US));
    else if (i % 3 == 1)
      CHECK_OK(co_sleep(0));
    else
      co_yield_now();
  }
  return arg;
}

static void *waker(void *arg) {
  while (!atomic_load(&stop)) {
    int r = co_unpark(*(co_t *)arg); /* more mail for it meanwhile */
    CHECK(r == 0 || r == -ESRCH);
    sched_yield();
  }
  return arg;
}

static void body(void) {
  co_group_t groups[2];
  co_attr_t attr = conf_attr();
  co_t co;
  attr.flags = CO_MIGRATABLE;
  for (int i = 0; i < 2; i++)
    CHECK_OK(co_group_create(&groups[i], NULL));
  CHECK_OK(co_spawn(&co, &attr, wanderer, NULL));
  pthread_t thread = conf_thread(waker, &co);
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_OK(co_migrate(co, groups[i % 2], CO_VCPU_ANY));
    while (conf_info(co).group != groups[i % 2])
      CHECK_OK(co_sleep(10 * US));
  }
  atomic_store(&stop, 1);
  conf_thread_join(thread);
  conf_join(co);
  for (int i = 0; i < 2; i++)
    CHECK_OK(co_group_destroy(groups[i], CO_FOREVER));
}

CASE(body)
