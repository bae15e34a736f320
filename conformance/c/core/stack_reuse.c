#include "check.h"

/* After a spike and the decay, unused stacks have gone back to the system. */
enum { N = 20000 };
static co_t cos[N];
static _Atomic int begun;

static void *parked(void *arg) {
  begun++;
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static uint64_t resident(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long long size = 0, pages = 0;
  CHECK(f && fscanf(f, "%llu %llu", &size, &pages) == 2);
  fclose(f);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void *entry(void *arg) {
  uint64_t before = resident(), spike;
  for (int i = 0; i < N; i++)
    cos[i] = conf_spawn(parked, NULL);
  while (begun < N) /* a coroutine may have its stack from its first run on only */
    CHECK_OK(co_sleep(MS));
  spike = resident() - before;
  CHECK_GE(spike, (uint64_t)N * 4096);
  for (int i = 0; i < N; i++)
    CHECK_OK(co_unpark(cos[i]));
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
  conf_until_live(1);
  /* No limit but the watchdog's on how long the decay takes; control blocks may stay. */
  while (conf_stats().stacks_cached * 10 > N || resident() > before + spike / 4)
    CHECK_OK(co_sleep(50 * MS));
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  cfg.stack_decay = 50 * MS;
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
}

PLAIN_CASE(body)
