#include "check.h"

static void *sleeper(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)arg;
  for (int i = 0; i < 40; i++) {
    int64_t ns = (int64_t)(conf_rand(&rng) % (uint64_t)(i % 4 ? 300 * US : 8 * MS));
    int64_t before = co_now();
    if (i % 3) {
      CHECK_OK(co_sleep(ns));
    } else {
      CHECK_OK(co_sleep_until(before + ns));
    }
    CHECK_GE(co_now() - before, ns);
  }
  return NULL;
}

static void *on_thread(void *arg) {
  sleeper(arg);
  CHECK_OK(co_sleep(0));
  CHECK_ERR(co_sleep(-2), EINVAL);
  return NULL;
}

static void body(void) {
  enum { N = 300 };
  static co_t cos[N];
  for (uintptr_t i = 0; i < N; i++)
    cos[i] = conf_spawn(sleeper, (void *)(i + 1));
  conf_on_thread(on_thread, (void *)(uintptr_t)12345);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
}

CASE(body)
