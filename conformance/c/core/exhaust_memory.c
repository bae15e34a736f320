#include "check.h"
#include <sys/resource.h>

enum { MOST = 100000 };
static co_t cos[MOST];

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static uint64_t address_space(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long long pages = 0;
  CHECK(f && fscanf(f, "%llu", &pages) == 1);
  fclose(f);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Spawns until it fails twice in a row, and gives how many there are. Between the two all that were
   spawned begin: what was kept for one of them on a vCPU that it did not begin on can then be had. */
static int fill(uint64_t stack_size) {
  co_attr_t attr = conf_attr();
  attr.stack_size = stack_size;
  int refused = 0;
  for (int n = 0; n < MOST;) {
    uint64_t spawned = conf_stats().spawned;
    co_t co = 77;
    int r = co_spawn(&co, &attr, parked, NULL);
    if (r == 0) {
      cos[n++] = co;
      refused = 0;
      continue;
    }
    CHECK_ERR(r, ENOMEM);
    CHECK_EQ(co, 77);
    CHECK_EQ(conf_stats().spawned, spawned);
    conf_until_live((uint64_t)n + 1);
    if (++refused == 2)
      return n;
  }
  FAIL("no end of memory");
}

static void release(int n) {
  CHECK_OK(co_sleep(MS));
  for (int i = 0; i < n; i++)
    CHECK_OK(co_unpark(cos[i]));
  for (int i = 0; i < n; i++)
    conf_join(cos[i]);
  conf_until_live(1);
}

static void body(void) {
  struct rlimit limit;
  CHECK_SYS(getrlimit(RLIMIT_AS, &limit));
  rlim_t saved = limit.rlim_cur;
  CHECK_ERR(co_sleep(-7), EINVAL); /* what is bound lazily is bound now */
  limit.rlim_cur = address_space() + (UINT64_C(512) << 20);
  CHECK_SYS(setrlimit(RLIMIT_AS, &limit));
  for (int round = 0; round < 3; round++) {
    int large = fill(8 << 20);
    CHECK_GE(large, 1);
    CHECK_OK(co_sleep(MS));
    release(large);
    int small = fill(64 << 10);
    CHECK_GE(small, large); /* what the large ones held can be had again */
    release(small);
  }
  limit.rlim_cur = saved;
  CHECK_SYS(setrlimit(RLIMIT_AS, &limit));
  for (int i = 0; i < 100; i++) {
    co_t co = conf_spawn(parked, NULL);
    CHECK_OK(co_unpark(co));
    conf_join(co);
  }
}

CASE(body)
