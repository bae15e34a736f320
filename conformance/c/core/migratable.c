#include "check.h"

/* Migratable ones may go on anywhere; what they wrote goes with them. */
enum { N = 400, STEPS = 300 };

__attribute__((noinline)) static uint32_t here(void) {
  return co_vcpu_self();
}

static void *worker(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)arg + 1, sum = 0, again = 0, replay;
  uint64_t kept[32];
  replay = rng;
  for (int i = 0; i < STEPS; i++) {
    kept[i % 32] = conf_rand(&rng);
    sum += kept[i % 32];
    uint32_t vcpu = here();
    CHECK(vcpu >= 1 && vcpu <= conf_vcpus());
    if (i % 16 == 0)
      CHECK_OK(co_sleep(10 * US));
    else
      co_yield_now();
  }
  for (int i = 0; i < STEPS; i++)
    again += conf_rand(&replay);
  CHECK(sum == again);
  return arg;
}

static void *entry(void *arg) {
  static co_t cos[N];
  co_attr_t attr = conf_attr();
  attr.flags = arg ? 0 : CO_MIGRATABLE; /* or all by the config */
  for (uintptr_t i = 0; i < N; i++)
    CHECK_OK(co_spawn(&cos[i], &attr, worker, (void *)i));
  for (uintptr_t i = 0; i < N; i++)
    CHECK(conf_join(cos[i]) == (void *)i);
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
  cfg.flags = CO_MIGRATE_ALL;
  CHECK_OK(co_run(&cfg, entry, &cfg, NULL));
}

PLAIN_CASE(body)
