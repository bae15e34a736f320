#include "check.h"

/* Plain threads spawn onto sleeping vCPUs and unpark what sleeps there: every wake of an idle
 * vCPU must arrive. */
enum { ROUNDS = 5000 };
static atomic_int ran;

static void *count(void *arg) {
  atomic_fetch_add(&ran, 1);
  return arg;
}

static void *spawner(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    co_t co = conf_spawn_on((uint32_t)i % 2 + 1, count, NULL);
    if (i % 2)
      conf_join(co);
    else
      CHECK_OK(co_detach(co));
  }
  return arg;
}

static void body(void) {
  pthread_t threads[2];
  conf_init();
  for (size_t i = 0; i < COUNT_OF(threads); i++)
    threads[i] = conf_thread(spawner, NULL);
  for (size_t i = 0; i < COUNT_OF(threads); i++)
    conf_thread_join(threads[i]);
  CHECK_OK(co_shutdown(CO_FOREVER));
  CHECK_EQ(atomic_load(&ran), 2 * ROUNDS);
}

PLAIN_CASE(body)
