#include "stall.h"

/* What gives its vCPU back, or has said that it won't, is no stall, however long it takes. */
static void *works(void *arg) {
  burn(40 * MS);
  usleep(30 * 1000);
  return arg;
}

static void *yields(void *arg) {
  int64_t until = cpu_time() + 40 * MS;
  while (cpu_time() < until)
    co_yield_now(); /* alone on its vCPU, perhaps */
  return arg;
}

static void *sleeps(void *arg) {
  for (int i = 0; i < 20; i++)
    CHECK_OK(co_sleep(i * 100 * US));
  return arg;
}

static void *brackets(void *arg) {
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(co_blocking_enter(), 1);
    works(arg);
    CHECK_EQ(co_blocking_leave(), 0);
    CHECK_OK(co_blocking(works, arg, NULL, CO_FOREVER));
  }
  return arg;
}

static void body(void) {
  co_entry_t all[] = {yields, sleeps, brackets};
  co_t cos[6];
  for (int i = 0; i < 6; i++) {
    co_attr_t attr = conf_attr();
    attr.flags = i < 3 ? 0 : CO_MIGRATABLE;
    CHECK_OK(co_spawn(&cos[i], &attr, all[i % 3], NULL));
  }
  for (int i = 0; i < 6; i++)
    conf_join(cos[i]);
  CHECK_OK(co_sleep(20 * MS));
  CHECK_EQ(conf_stats().stalls, 0);
}

CASE(body)
