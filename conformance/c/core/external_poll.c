#include "check.h"
#include <poll.h>

/* A host's event loop waits with poll(2) on co_group_fd and lets the group run; timers in the
 * group and wakes from elsewhere must make the descriptor readable. */
static pthread_t host;
static co_group_t group;
static atomic_int ended;

static void *sleeper(void *arg) {
  for (int i = 0; i < 20; i++) {
    int64_t before = co_now(), ns = (int64_t)(intptr_t)arg * 100 * US;
    CHECK(pthread_equal(pthread_self(), host));
    CHECK_EQ(co_group_self(), group);
    CHECK_OK(co_sleep(ns));
    CHECK_GE(co_now() - before, ns);
  }
  atomic_fetch_add(&ended, 1);
  return arg;
}

static void *parked(void *arg) {
  for (int i = 0; i < 200; i++) {
    CHECK_OK(co_park(CO_FOREVER));
    CHECK(pthread_equal(pthread_self(), host));
    atomic_fetch_add((atomic_int *)arg, 1);
  }
  atomic_fetch_add(&ended, 1);
  return arg;
}

typedef struct {
  co_t target;
  atomic_int woken;
} wake_t;

static void *wake(void *arg) {
  wake_t *w = arg;
  for (int i = 0; i < 200; i++) {
    CHECK_OK(co_unpark(w->target));
    while (atomic_load(&w->woken) == i)
      co_yield_now(); /* sched_yield on a plain thread */
  }
  return arg;
}

static void *yielder(void *arg) {
  for (int i = 0; i < 1000; i++)
    co_yield_now();
  atomic_fetch_add(&ended, 1);
  return arg;
}

/* Until `n` have ended: only ever entered when the descriptor says so. */
static void drive(int n) {
  struct pollfd p = {.fd = co_group_fd(group), .events = POLLIN};
  CHECK_GE(p.fd, 0);
  while (atomic_load(&ended) < n) {
    CHECK_SYS(poll(&p, 1, -1));
    CHECK_EQ(p.revents, POLLIN);
    CHECK_GE(co_group_poll(group, CO_NOW), 0);
  }
}

static co_t spawn_external(co_entry_t fn, void *arg) {
  co_attr_t attr = conf_attr();
  co_t co;
  attr.group = group;
  CHECK_OK(co_spawn(&co, &attr, fn, arg));
  return co;
}

static void body(void) {
  enum { SLEEPERS = 5 };
  co_group_attr_t ga = {.size = sizeof ga, .flags = CO_GROUP_EXTERNAL};
  static wake_t by_thread, by_coroutine;
  co_t cos[SLEEPERS], waker, spinning;
  host = pthread_self();
  conf_init();
  CHECK_OK(co_group_create(&group, &ga));
  CHECK_EQ(co_group_vcpu_count(group), 1);

  spinning = spawn_external(yielder, NULL);
  for (intptr_t i = 0; i < SLEEPERS; i++)
    cos[i] = spawn_external(sleeper, (void *)i);
  by_thread.target = spawn_external(parked, &by_thread.woken);
  by_coroutine.target = spawn_external(parked, &by_coroutine.woken);
  pthread_t thread = conf_thread(wake, &by_thread);
  waker = conf_spawn(wake, &by_coroutine);
  drive(SLEEPERS + 3);

  conf_thread_join(thread);
  conf_join(waker);
  conf_join(spinning);
  for (int i = 0; i < SLEEPERS; i++)
    conf_join(cos[i]);
  conf_join(by_thread.target);
  conf_join(by_coroutine.target);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  CHECK_OK(co_shutdown(CO_FOREVER));
}

PLAIN_CASE(body)
