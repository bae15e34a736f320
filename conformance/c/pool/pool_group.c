#include "check.h"

/* A pool with vCPUs of its own runs its jobs on as many OS threads; in another group; on all vCPUs of
 * a group; submitters are coroutines and plain threads. */
enum { JOBS = 60 };
static pthread_t threads[64];
static atomic_int thread_count, lock, done, together, most;
static co_group_t seen;

static void note_thread(void) {
  pthread_t me = pthread_self();
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
}

/* Keeps its thread until as many are inside as there should be, or for a while. */
static void *meet(void *arg) {
  int want = (int)(intptr_t)arg, now = atomic_fetch_add(&together, 1) + 1;
  note_thread();
  seen = co_group_self();
  if (now > atomic_load(&most))
    atomic_store(&most, now);
  int64_t until = co_now() + 100 * MS;
  while (atomic_load(&most) < want && co_now() < until)
    sched_yield();
  atomic_fetch_sub(&together, 1);
  atomic_fetch_add(&done, 1);
  return arg;
}

static void *sleeps(void *arg) {
  note_thread();
  CHECK_OK(co_sleep(MS));
  atomic_fetch_add(&done, 1);
  return arg;
}

static void *submits(void *arg) {
  for (int i = 0; i < JOBS / 3; i++)
    CHECK_OK(co_pool_submit(*(co_pool_t *)arg, sleeps, NULL, CO_FOREVER));
  return arg;
}

static void *leaves(void *group) {
  CHECK_OK(co_migrate(co_self(), *(co_group_t *)group, CO_VCPU_ANY));
  CHECK(co_group_self() == *(co_group_t *)group);
  return group;
}

static void *where(void *arg) {
  seen = co_group_self();
  return arg;
}

static int find_idle(const co_info_t *info, void *co) {
  if (!strcmp(info->name, "comes back") && info->state == CO_STATE_PARKED)
    *(co_t *)co = info->co;
  return 0;
}

/* Jobs that may migrate do so, and idle workers are sent elsewhere: the next job is at home again. */
static void comes_back(void) {
  co_pool_t pool;
  co_group_t group;
  co_group_attr_t gattr = {.size = sizeof gattr};
  co_pool_attr_t attr = {.size = sizeof attr, .max = 1, .flags = CO_MIGRATABLE, .name = "comes back"};
  CHECK_OK(co_group_create(&group, &gattr));
  CHECK_OK(co_pool_new(&pool, &attr));
  for (int i = 0; i < 5; i++) {
    co_t idle = 0;
    CHECK_OK(co_pool_call(pool, leaves, &group, NULL, CO_FOREVER));
    CHECK_OK(co_pool_call(pool, where, NULL, NULL, CO_FOREVER));
    CHECK(seen == co_group_self());
    CHECK_OK(co_foreach(find_idle, &idle));
    if (idle)
      CHECK_OK(co_migrate(idle, group, CO_VCPU_ANY));
    CHECK_OK(co_pool_call(pool, where, NULL, NULL, CO_FOREVER));
    CHECK(seen == co_group_self());
  }
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
}

/* Jobs that hold their threads: each thread has one. (A vCPU that is just about to sleep may miss
 * its chance, so not in each round.) */
static void meets(co_pool_t pool, int n) {
  for (int round = 0; round < 100; round++) {
    CHECK_OK(co_sleep(2 * MS));
    atomic_store(&most, 0);
    atomic_store(&done, 0);
    atomic_store(&thread_count, 0);
    for (int i = 0; i < n; i++)
      CHECK_OK(co_pool_submit(pool, meet, (void *)(intptr_t)n, CO_FOREVER));
    CHECK_OK(co_pool_wait(pool, CO_FOREVER));
    CHECK_EQ(atomic_load(&done), n);
    if (atomic_load(&most) == n && atomic_load(&thread_count) == n)
      return;
  }
  FAIL("%d jobs never ran at once", n);
}

static void body(void) {
  co_pool_t pool;
  co_pool_info_t info = {.size = sizeof info};
  co_pool_attr_t attr = {.size = sizeof attr, .vcpus = 3, .max = 12, .name = "mine"};
  uint32_t groups = conf_stats().groups;
  CHECK_OK(co_pool_new(&pool, &attr));
  CHECK_EQ(conf_stats().groups, groups + 1);
  CHECK_OK(co_pool_info(pool, &info));
  CHECK_EQ(co_group_vcpu_count(info.group), 3);
  meets(pool, 3);
  CHECK(seen == info.group && seen != co_group_self());
  for (int i = 0; i < 5; i++) /* again, with workers that are there and anywhere */
    meets(pool, 3);
  atomic_store(&done, 0);
  pthread_t thread = conf_thread(submits, &pool);
  co_t a = conf_spawn(submits, &pool), b = conf_spawn(submits, &pool);
  conf_join(a);
  conf_join(b);
  while (atomic_load(&done) < JOBS)
    CHECK_OK(co_sleep(MS));
  conf_thread_join(thread);
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  CHECK_EQ(conf_stats().groups, groups);
  CHECK_ERR(co_group_vcpu_count(info.group), ESRCH);
  comes_back();
  /* The caller's group, and one that it names. */
  attr = (co_pool_attr_t){.size = sizeof attr};
  CHECK_OK(co_pool_new(&pool, &attr));
  for (int i = 0; i < 5; i++)
    meets(pool, (int)conf_vcpus());
  CHECK_OK(co_pool_call(pool, meet, (void *)1, NULL, CO_FOREVER));
  CHECK(seen == co_group_self());
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  co_group_attr_t gattr = {.size = sizeof gattr, .vcpus = 1};
  CHECK_OK(co_group_create(&attr.group, &gattr));
  CHECK_OK(co_pool_new(&pool, &attr));
  CHECK_OK(co_pool_call(pool, meet, (void *)1, NULL, CO_FOREVER));
  CHECK(seen == attr.group);
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  CHECK_OK(co_group_destroy(attr.group, CO_FOREVER));
}

CASE(body)
