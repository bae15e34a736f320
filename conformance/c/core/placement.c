#include "check.h"

static pthread_t threads[256];

static void *first_look(void *arg) {
  threads[(intptr_t)arg] = pthread_self();
  return arg;
}

static void *stays(void *arg) {
  intptr_t vcpu = (intptr_t)arg;
  for (int i = 0; i < 200; i++) {
    CHECK_EQ(co_vcpu_self(), vcpu);
    CHECK(pthread_equal(pthread_self(), threads[vcpu]));
    if (i % 10)
      co_yield_now();
    else
      CHECK_OK(co_sleep(20 * US));
  }
  return arg;
}

static void body(void) {
  enum { EACH = 50 };
  intptr_t n = conf_vcpus();
  co_t *cos = calloc((size_t)n * EACH, sizeof *cos);
  CHECK(cos != NULL);
  for (intptr_t v = 1; v <= n; v++)
    conf_join(conf_spawn_on((uint32_t)v, first_look, (void *)v));
  for (intptr_t v = 2; v <= n; v++)
    CHECK(!pthread_equal(threads[v], threads[v - 1]));
  for (intptr_t i = 0; i < n * EACH; i++)
    cos[i] = conf_spawn_on((uint32_t)(i % n + 1), stays, (void *)(i % n + 1));
  for (intptr_t i = 0; i < n * EACH; i++)
    conf_join(cos[i]);
  free(cos);
}

CASE(body)
