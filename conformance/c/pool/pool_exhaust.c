#include "check.h"
#include <sys/resource.h>

/* Without memory for one more stack: what needs a worker is told so and nothing has changed, what has
 * one goes on; and when there is memory again, so does everything. */
enum { MOST = 100000, BIG = 8 << 20 };
static co_t cos[MOST];
static atomic_int ran, gate;

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *work(void *arg) {
  atomic_fetch_add(&ran, 1);
  return arg;
}

static void *held(void *arg) {
  while (!atomic_load(&gate))
    CHECK_OK(co_sleep(100 * US));
  return work(arg);
}

static int part(void *arg, uint64_t begin, uint64_t end) {
  atomic_fetch_add((atomic_int *)arg, (int)(end - begin));
  return 0;
}

static uint64_t address_space(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long long pages = 0;
  CHECK(f && fscanf(f, "%llu", &pages) == 1);
  fclose(f);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int fill(void) {
  co_attr_t attr = conf_attr();
  attr.stack_size = BIG;
  for (int n = 0; n < MOST; n++) {
    int r = co_spawn(&cos[n], &attr, parked, NULL);
    if (r) {
      CHECK_ERR(r, ENOMEM);
      return n;
    }
  }
  FAIL("no end of memory");
}

static void release(int n) {
  CHECK_OK(co_sleep(MS));
  for (int i = 0; i < n; i++)
    CHECK_OK(co_unpark(cos[i]));
  for (int i = 0; i < n; i++)
    conf_join(cos[i]);
}

static void body(void) {
  struct rlimit limit;
  co_pool_t with, without;
  co_group_t group;
  co_pool_info_t info = {.size = sizeof info};
  co_pool_attr_t attr = {.size = sizeof attr, .max = 2, .queue = 1, .stack_size = BIG, .idle_ns = CO_FOREVER};
  co_group_attr_t gattr = {.size = sizeof gattr};
  co_for_attr_t fattr = {.size = sizeof fattr, .workers = 4, .stack_size = BIG};
  atomic_int sum = 0;
  void *result = &info;
  CHECK_OK(co_group_create(&group, &gattr));
  CHECK_OK(co_pool_new(&with, &attr));
  CHECK_OK(co_pool_new(&without, &attr));
  CHECK_OK(co_pool_call(with, work, NULL, NULL, CO_FOREVER)); /* it has a worker */
  CHECK_SYS(getrlimit(RLIMIT_AS, &limit));
  rlim_t saved = limit.rlim_cur;
  limit.rlim_cur = address_space() + (UINT64_C(256) << 20);
  CHECK_SYS(setrlimit(RLIMIT_AS, &limit));
  int n = fill();
  for (int i = 0; i < 3; i++) {
    CHECK_ERR(co_pool_submit(without, work, NULL, CO_FOREVER), ENOMEM);
    CHECK_ERR(co_pool_call(without, work, NULL, &result, CO_FOREVER), ENOMEM);
    CHECK(result == &info);
    CHECK_OK(co_pool_wait(without, CO_NOW));
  }
  CHECK_OK(co_pool_info(without, &info));
  CHECK_EQ(info.workers, 0);
  CHECK_EQ(atomic_load(&ran), 1);
  CHECK_OK(co_pool_submit(with, held, NULL, CO_FOREVER));
  CHECK_ERR(co_pool_submit(with, work, NULL, CO_FOREVER), ENOMEM);
  CHECK_ERR(co_pool_submit(with, work, NULL, CO_NOW), ENOMEM);
  atomic_store(&gate, 1);
  CHECK_OK(co_pool_wait(with, CO_FOREVER));
  CHECK_OK(co_pool_call(with, work, NULL, NULL, CO_FOREVER));
  /* The caller does it all; from outside of the group nobody could. */
  CHECK_OK(co_parallel_for(0, 100, 1, part, &sum, &fattr, CO_FOREVER));
  CHECK_EQ(atomic_load(&sum), 100);
  fattr.group = group;
  CHECK_ERR(co_parallel_for(0, 100, 1, part, &sum, &fattr, CO_FOREVER), ENOMEM);
  CHECK_EQ(atomic_load(&sum), 100);
  release(n);
  limit.rlim_cur = saved;
  CHECK_SYS(setrlimit(RLIMIT_AS, &limit));
  CHECK_OK(co_pool_call(without, work, NULL, NULL, CO_FOREVER));
  CHECK_OK(co_parallel_for(0, 100, 1, part, &sum, &fattr, CO_FOREVER));
  CHECK_EQ(atomic_load(&sum), 200);
  CHECK_OK(co_pool_close(with, CO_FOREVER));
  CHECK_OK(co_pool_close(without, CO_FOREVER));
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  conf_until_live(1);
}

CASE(body)
