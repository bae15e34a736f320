#include "check.h"

/* A part that fails, a cancel, an interrupt, a timeout end the loop: no more parts begin, those that
 * run are waited for; bad arguments. */
enum { PARTS = 400 };
static atomic_int begun, running, fail_at = -1;

static int part(void *arg, uint64_t begin, uint64_t end) {
  CHECK(begin < end);
  atomic_fetch_add(&begun, 1);
  atomic_fetch_add(&running, 1);
  int64_t at = atomic_load(&fail_at);
  int r = (int64_t)begin <= at && at < (int64_t)end ? -EXDEV : 0;
  int slept = co_sleep(MS);
  CHECK(slept == 0 || slept == -ECANCELED || slept == -ENOTTY);
  *(volatile char *)arg = 1; /* the caller's stack */
  atomic_fetch_sub(&running, 1);
  return r;
}

static int all_fail(void *arg, uint64_t begin, uint64_t end) {
  (void)arg, (void)begin, (void)end;
  return -ENOTTY;
}

static const co_for_attr_t wide = {.size = sizeof wide, .workers = 4};

static void quiet(void) {
  CHECK_EQ(atomic_load(&running), 0);
  CHECK_GE(PARTS - 1, atomic_load(&begun));
  atomic_store(&begun, 0);
}

static int loop(int64_t timeout) {
  char here = 0;
  return co_parallel_for(0, PARTS, 1, part, &here, &wide, timeout);
}

static void *is_stopped(void *want) {
  co_for_attr_t narrow = wide;
  char here = 0;
  narrow.workers = conf_rand(&(uint64_t){(uintptr_t)&here}) % 2 + 1;
  int r = co_parallel_for(0, PARTS * 100, 1, part, &here, &narrow, CO_FOREVER);
  CHECK_EQ(atomic_load(&running), 0);
  CHECK_EQ(r, *(int *)want);
  return want;
}

static void *on_thread(void *arg) {
  CHECK_ERR(loop(5 * MS), ETIMEDOUT);
  quiet();
  atomic_store(&fail_at, 20);
  CHECK_ERR(loop(CO_FOREVER), EXDEV);
  quiet();
  atomic_store(&fail_at, -1);
  return arg;
}

static void *cancelled(void *arg) {
  co_group_t other = *(co_group_t *)arg;
  co_for_attr_t attr = {.size = sizeof attr, .group = other};
  CHECK_OK(co_cancel(co_self()));
  CHECK_ERR(loop(CO_FOREVER), ECANCELED);
  CHECK_EQ(atomic_load(&begun), 0);
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_OK(co_interrupt(co_self(), EXDEV));
  CHECK_ERR(co_parallel_for(0, 2, 1, part, &attr, &attr, CO_FOREVER), EXDEV);
  CHECK_EQ(atomic_load(&begun), 0);
  return arg;
}

static void errors(void) {
  char here = 0;
  co_for_attr_t attr = {.size = 4};
  CHECK_ERR(co_parallel_for(0, 1, 1, NULL, &here, NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_parallel_for(1, 0, 1, part, &here, NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, NULL, -2), EINVAL);
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, &attr, CO_FOREVER), EINVAL);
  attr = (co_for_attr_t){.size = sizeof attr, .workers = 65537};
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, &attr, CO_FOREVER), EINVAL);
  attr = (co_for_attr_t){.size = sizeof attr, .stack_size = UINT64_MAX};
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, &attr, CO_FOREVER), EINVAL);
  attr = (co_for_attr_t){.size = sizeof attr, .group = 77777};
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, &attr, CO_FOREVER), ESRCH);
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, NULL, CO_NOW), EAGAIN);
  CHECK_EQ(atomic_load(&begun), 0);
}

static void *main_fn(void *arg) {
  co_group_t group;
  co_group_attr_t gattr = {.size = sizeof gattr, .vcpus = 1};
  CHECK_OK(co_group_create(&group, &gattr));
  errors();
  for (int i = 0; i < 3; i++) {
    atomic_store(&fail_at, i * 20);
    CHECK_ERR(loop(CO_FOREVER), EXDEV);
    quiet();
  }
  atomic_store(&fail_at, -1);
  CHECK_ERR(co_parallel_for(0, UINT64_MAX, 1, all_fail, NULL, &wide, CO_FOREVER), ENOTTY);
  CHECK_ERR(loop(5 * MS), ETIMEDOUT);
  quiet();
  CHECK_ERR(loop(1), ETIMEDOUT);
  quiet();
  int err = -ECANCELED;
  for (int i = 0; i < 4; i++) {
    co_t co = conf_spawn(is_stopped, &err);
    while (atomic_load(&begun) < 5)
      CHECK_OK(co_sleep(100 * US));
    CHECK_OK(co_cancel(co));
    conf_join(co);
    atomic_store(&begun, 0);
  }
  conf_on_thread(on_thread, NULL);
  conf_join(conf_spawn(cancelled, &group));
  /* From outside of the group: the caller waits, and stops it. */
  co_for_attr_t attr = {.size = sizeof attr, .group = group, .workers = 3};
  char here = 0;
  CHECK_ERR(co_parallel_for(0, PARTS, 1, part, &here, &attr, 5 * MS), ETIMEDOUT);
  CHECK_EQ(here, 1);
  quiet();
  CHECK_ERR(co_parallel_for(0, PARTS, 1, all_fail, &here, &attr, CO_FOREVER), ENOTTY);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  conf_until_live(1);
  return arg;
}

static void body(void) {
  char here;
  CHECK_ERR(co_parallel_for(0, 1, 1, part, &here, NULL, CO_FOREVER), ESRCH);
  co_config_t cfg = conf_config();
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
}

PLAIN_CASE(body)
