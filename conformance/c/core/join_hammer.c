#include "check.h"

/* Coroutines end on one vCPU while they are being joined on another, at every distance of the
 * two: no joiner sleeps on. */
enum { ROUNDS = 20000 };

static void *ends(void *arg) {
  for (volatile intptr_t spin = (intptr_t)arg; spin > 0; spin--) {
  }
  return arg;
}

static void *joiner(void *arg) {
  uint64_t rng = 31;
  for (int i = 0; i < ROUNDS; i++) {
    intptr_t length = (intptr_t)(conf_rand(&rng) % 3000);
    co_t co = conf_spawn_on(2, ends, (void *)length);
    for (volatile uint64_t spin = conf_rand(&rng) % 3000; spin > 0; spin--) {
    }
    if (i % 2)
      CHECK_OK(co_wait(co, CO_FOREVER));
    CHECK_EQ((intptr_t)conf_join(co), length);
  }
  return arg;
}

static void body(void) {
  conf_join(conf_spawn_on(1, joiner, NULL));
}

CASE(body)
