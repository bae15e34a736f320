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

/* Notes its thread, and waits until there are as many threads, and parts at once, as there should be. */
static atomic_int want_threads, want_parts, inside, most;

static int on_whom(void *arg, uint64_t begin, uint64_t end) {
  static atomic_int lock;
  pthread_t me = pthread_self();
  int64_t limit = co_now() + 20 * SEC;
  int now = atomic_fetch_add(&inside, 1) + 1, i = 0;
  (void)begin, (void)end;
  CHECK(co_group_self() == *(co_group_t *)arg);
  while (atomic_exchange(&lock, 1)) {
  }
  int n = atomic_load(&thread_count);
  while (i < n && !pthread_equal(threads[i], me))
    i++;
  if (i == n && n < 64) {
    threads[n] = me;
    atomic_store(&thread_count, n + 1);
  }
  if (now > atomic_load(&most))
    atomic_store(&most, now);
  atomic_store(&lock, 0);
  while ((atomic_load(&thread_count) < want_threads || atomic_load(&most) < want_parts) && co_now() < limit)
    CHECK_OK(co_sleep(200 * US));
  atomic_fetch_sub(&inside, 1);
  return 0;
}

static void on_all(co_group_t group, uint32_t workers, int threads_wanted, int parts_wanted) {
  co_for_attr_t attr = {.size = sizeof attr, .group = group, .workers = workers};
  group = group ? group : co_group_self();
  atomic_store(&thread_count, 0);
  atomic_store(&most, 0);
  atomic_store(&want_threads, threads_wanted);
  atomic_store(&want_parts, parts_wanted);
  CHECK_OK(co_parallel_for(0, 400, 1, on_whom, &group, &attr, CO_FOREVER));
  CHECK_EQ(atomic_load(&thread_count), threads_wanted);
  CHECK_EQ(atomic_load(&most), parts_wanted);
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
  /* Every vCPU of another group takes part, and of this one; more workers than vCPUs. */
  co_group_t group;
  co_group_attr_t gattr = {.size = sizeof gattr, .vcpus = 2};
  CHECK_OK(co_group_create(&group, &gattr));
  on_all(group, 0, 2, 2);
  on_all(group, 20, 2, 20);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  on_all(0, 0, (int)conf_vcpus(), (int)conf_vcpus());
  on_all(0, 40, (int)conf_vcpus(), 40);
  conf_until_live(1);
}

CASE(body)
