#include "check.h"

/* Every index once, whatever the range, the grain, the workers; parts within their bounds; nested;
 * from plain threads; into another group. */
enum { N = 20000 };
static atomic_uchar seen[N];
static atomic_ullong sum, parts, smallest;
static pthread_t threads[64];
static atomic_int thread_count;

static int mark(void *arg, uint64_t begin, uint64_t end) {
  uint64_t grain = *(uint64_t *)arg, len = end - begin, least = atomic_load(&smallest);
  CHECK(begin < end && end <= N);
  for (uint64_t i = begin; i < end; i++)
    CHECK_EQ(atomic_fetch_add(&seen[i], 1), 0);
  CHECK(len >= grain || end == N);
  while (len < least && !atomic_compare_exchange_weak(&smallest, &least, len)) {
  }
  atomic_fetch_add(&parts, 1);
  return 0;
}

static void all_once(uint64_t begin) {
  for (uint64_t i = 0; i < N; i++)
    CHECK_EQ(atomic_exchange(&seen[i], 0), i >= begin);
}

static int add(void *arg, uint64_t begin, uint64_t end) {
  uint64_t s = 0;
  for (uint64_t i = begin; i < end; i++)
    s += i;
  atomic_fetch_add((atomic_ullong *)arg, s);
  return 1; /* not below 0: as 0 */
}

static int inner(void *arg, uint64_t begin, uint64_t end) {
  for (uint64_t i = begin; i < end; i++)
    CHECK_OK(co_parallel_for(i * 100, (i + 1) * 100, 7, add, arg, NULL, CO_FOREVER));
  return 0;
}

/* Huge: only the ends are looked at, in steps of 2^58. */
static int huge(void *arg, uint64_t begin, uint64_t end) {
  (void)arg;
  CHECK(begin < end);
  CHECK(end - begin >= UINT64_C(1) << 57 || end == UINT64_MAX);
  atomic_fetch_add(&sum, end - begin);
  return 0;
}

static int on_whom(void *arg, uint64_t begin, uint64_t end) {
  CHECK(co_group_self() == *(co_group_t *)arg);
  CHECK_OK(co_sleep(MS));
  (void)begin, (void)end;
  pthread_t me = pthread_self();
  static atomic_int lock;
  while (atomic_exchange(&lock, 1)) {
  }
  int n = atomic_load(&thread_count), i = 0;
  while (i < n && !pthread_equal(threads[i], me))
    i++;
  if (i == n && n < 64) {
    threads[n] = me;
    atomic_store(&thread_count, n + 1);
  }
  atomic_store(&lock, 0);
  return 0;
}

static void *from_thread(void *arg) {
  atomic_store(&sum, 0);
  CHECK_OK(co_parallel_for(0, 1000, 0, add, &sum, NULL, CO_FOREVER));
  CHECK_EQ(atomic_load(&sum), 499500);
  CHECK_OK(co_parallel_for(0, 1000, 0, add, &sum, NULL, SEC));
  CHECK_OK(co_parallel_for(5, 5, 0, add, &sum, NULL, CO_NOW));
  CHECK_ERR(co_parallel_for(5, 6, 0, add, &sum, NULL, CO_NOW), EAGAIN);
  CHECK_EQ(atomic_load(&sum), 2 * 499500);
  return arg;
}

static void body(void) {
  static const uint64_t grains[] = {0, 1, 2, 7, 100, 3000, N, N + 1, UINT64_MAX};
  co_for_attr_t attr = {.size = sizeof attr};
  for (size_t g = 0; g < COUNT_OF(grains); g++)
    for (uint32_t w = 0; w < 5; w++) {
      uint64_t grain = grains[g], begin = g * w;
      attr.workers = w;
      atomic_store(&smallest, UINT64_MAX);
      atomic_store(&parts, 0);
      CHECK_OK(co_parallel_for(begin, N, grain, mark, &grain, &attr, CO_FOREVER));
      all_once(begin);
      CHECK(grain < N || atomic_load(&parts) == 1);
    }
  CHECK_OK(co_parallel_for(0, 0, 0, mark, NULL, NULL, CO_FOREVER));
  CHECK_OK(co_parallel_for(UINT64_MAX, UINT64_MAX, 1, mark, NULL, NULL, CO_NOW));
  atomic_store(&sum, 0);
  CHECK_OK(co_parallel_for(0, UINT64_MAX, UINT64_C(1) << 57, huge, NULL, NULL, CO_FOREVER));
  CHECK(atomic_load(&sum) == UINT64_MAX);
  atomic_store(&sum, 0);
  CHECK_OK(co_parallel_for(UINT64_MAX - 10, UINT64_MAX, 3, add, &sum, NULL, CO_FOREVER));
  CHECK(atomic_load(&sum) == 10 * UINT64_MAX - 55);
  atomic_store(&sum, 0);
  CHECK_OK(co_parallel_for(0, 50, 1, inner, &sum, NULL, CO_FOREVER));
  CHECK_EQ(atomic_load(&sum), 5000 * 4999 / 2);
  conf_on_thread(from_thread, NULL);
  /* Every vCPU of another group takes part, and of this one: a part sleeps, so that all can begin. */
  co_group_t group;
  co_group_attr_t gattr = {.size = sizeof gattr, .vcpus = 2};
  CHECK_OK(co_group_create(&group, &gattr));
  attr = (co_for_attr_t){.size = sizeof attr, .group = group};
  CHECK_OK(co_parallel_for(0, 50, 1, on_whom, &group, &attr, CO_FOREVER));
  CHECK_EQ(atomic_load(&thread_count), 2);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  atomic_store(&thread_count, 0);
  group = co_group_self();
  attr = (co_for_attr_t){.size = sizeof attr};
  CHECK_OK(co_parallel_for(0, 50, 1, on_whom, &group, &attr, CO_FOREVER));
  CHECK_EQ(atomic_load(&thread_count), conf_vcpus());
  /* More workers than vCPUs: parts that sleep do so at the same time. */
  attr.workers = 40;
  int64_t began = co_now();
  CHECK_OK(co_parallel_for(0, 400, 1, on_whom, &group, &attr, CO_FOREVER));
  CHECK_GE(400 * MS, co_now() - began);
  conf_until_live(1);
}

CASE(body)
