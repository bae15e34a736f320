#include "check.h"

/* co_blocking_enter and leave: counting, what the caller is in between, and what is kept for it. */
/* Asked anew each time: compilers take pthread_self for a constant of the function. */
__attribute__((noinline)) static pthread_t this_thread(void) {
  __asm__ volatile("");
  return pthread_self();
}

static atomic_int phase;
static int ended_value;

static void *sleeps(void *arg) {
  CHECK_OK(co_sleep(5 * MS));
  return arg;
}

static void *spawned_inside(void *arg) {
  CHECK(co_self() != 0);
  return arg;
}

static void check_inside(co_t me) {
  char place;
  void *result = NULL;
  CHECK_EQ(co_self(), me);
  CHECK_EQ(co_vcpu_self(), 0);
  CHECK_EQ(co_group_self(), 0);
  CHECK_ERR(co_park(CO_NOW), EPERM);
  CHECK_ERR(co_pin(), EPERM);
  CHECK_ERR(co_unpin(), EPERM);
  CHECK_ERR(co_cancel_shield(1), EPERM);
  CHECK_ERR(co_join(me, NULL, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_wait(me, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_shutdown(CO_FOREVER), EDEADLK);
  CHECK_ERR(co_init(NULL), EBUSY);
  co_yield_now();
  pthread_t thread = this_thread();
  CHECK_OK(co_sleep(2 * MS));
  CHECK(pthread_equal(thread, this_thread()));
  CHECK_EQ(conf_info(me).state, CO_STATE_RUNNING);
  CHECK_OK(co_blocking(sleeps, &place, &result, CO_NOW)); /* right here */
  CHECK(result == &place);
}

static void *counts(void *arg) {
  co_t me = co_self();
  uint32_t vcpu = co_vcpu_self();
  pthread_t thread = this_thread();
  int migratable = *(int *)arg;
  CHECK_ERR(co_blocking_leave(), EPERM);
  for (int round = 0; round < 3; round++) {
    CHECK_EQ(co_blocking_enter(), 1);
    CHECK_EQ(co_blocking_enter(), 2);
    CHECK_EQ(!pthread_equal(thread, this_thread()), migratable);
    check_inside(me);
    CHECK_EQ(co_blocking_leave(), 1);
    check_inside(me);
    CHECK_EQ(co_blocking_enter(), 2);
    CHECK_EQ(co_blocking_leave(), 1);
    CHECK_EQ(co_blocking_leave(), 0);
    CHECK_ERR(co_blocking_leave(), EPERM);
    CHECK_EQ(co_vcpu_self(), vcpu);
    CHECK(pthread_equal(thread, this_thread()));
    CHECK_OK(co_sleep(MS));
  }
  return arg;
}

/* What is asked of it meanwhile is found when it is back. */
static void *asked(void *arg) {
  CHECK_EQ(co_blocking_enter(), 1);
  atomic_store(&phase, 1);
  while (atomic_load(&phase) == 1)
    CHECK_OK(co_sleep(200 * US));
  CHECK_EQ(co_cancel_pending(), 0); /* a plain thread */
  CHECK_EQ(co_blocking_leave(), 0);
  CHECK_EQ(co_cancel_pending(), 1);
  CHECK_ERR(co_sleep(SEC), ECANCELED);
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_ERR(co_sleep(SEC), EXDEV);
  CHECK_OK(co_park(SEC)); /* the unpark */
  return arg;
}

static void *asks(void *arg) {
  co_t co = *(co_t *)arg;
  while (atomic_load(&phase) != 1)
    usleep(200);
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_interrupt(co, EXDEV));
  CHECK_OK(co_unpark(co));
  usleep(3000); /* somebody looks after its vCPU meanwhile */
  atomic_store(&phase, 2);
  return arg;
}

static void *ends_inside(void *arg) {
  CHECK_EQ(co_blocking_enter(), 1);
  CHECK_EQ(co_blocking_enter(), 2);
  ended_value++;
  return arg;
}

static void *spawns(void *arg) {
  CHECK_EQ(co_blocking_enter(), 1);
  co_attr_t attr = conf_attr();
  co_t co;
  attr.vcpu = conf_vcpus(); /* of the default group, as from any plain thread */
  CHECK_OK(co_spawn(&co, &attr, spawned_inside, arg));
  CHECK_EQ(co_blocking_leave(), 0);
  CHECK(conf_join(co) == arg);
  return arg;
}

static void *plain(void *arg) {
  CHECK_EQ(co_blocking_leave(), 0);
  CHECK_EQ(co_blocking_enter(), 0);
  CHECK_EQ(co_self(), 0);
  CHECK_EQ(co_blocking_leave(), 0);
  CHECK_ERR(co_pin(), EPERM);
  CHECK_ERR(co_unpin(), EPERM);
  return arg;
}

static void body(void) {
  for (int migratable = 0; migratable < 2; migratable++) {
    co_entry_t all[] = {counts, asked, ends_inside, spawns};
    co_attr_t attr = conf_attr();
    attr.flags = migratable ? CO_MIGRATABLE | CO_SAVE_FP : 0;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
      co_t co;
      pthread_t thread;
      atomic_store(&phase, 0);
      CHECK_OK(co_spawn(&co, &attr, all[i], &migratable));
      if (all[i] == asked)
        thread = conf_thread(asks, &co);
      CHECK(conf_join(co) == &migratable);
      if (all[i] == asked)
        conf_thread_join(thread);
    }
    attr.vcpu = 1;
    co_t co;
    CHECK_OK(co_spawn(&co, &attr, counts, &migratable)); /* kept on a vCPU is not pinned */
    conf_join(co);
  }
  CHECK_EQ(ended_value, 2);
  conf_on_thread(plain, NULL);
  CHECK_EQ(co_blocking_enter(), 1); /* main too */
  CHECK_EQ(co_blocking_leave(), 0);
}

CASE(body)
