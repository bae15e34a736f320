#include "check.h"

/* A coroutine that is not migratable stays on its OS thread through every kind of wait, so that
 * thread-local state and its cached addresses keep their meaning. */
static _Thread_local int local;

static void *worker(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)arg * 77 + 1;
  pthread_t thread = pthread_self();
  int *address = &local;
  for (int i = 0; i < 100; i++) {
    switch (conf_rand(&rng) % 4) {
    case 0:
      co_yield_now();
      break;
    case 1:
      CHECK_OK(co_sleep((int64_t)(conf_rand(&rng) % 50) * US));
      break;
    case 2:
      CHECK_OK(co_unpark(co_self()));
      CHECK_OK(co_park(CO_FOREVER));
      break;
    default:
      CHECK_ERR(co_park(10 * US), ETIMEDOUT);
    }
    CHECK(pthread_equal(pthread_self(), thread));
    CHECK(address == &local);
  }
  return arg;
}

static void body(void) {
  enum { N = 500 };
  static co_t cos[N];
  for (uintptr_t i = 0; i < N; i++)
    cos[i] = conf_spawn(worker, (void *)i);
  worker(NULL);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
}

CASE(body)
