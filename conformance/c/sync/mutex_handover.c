#include "check.h"

/* A hog unlocks the mutex only to lock it again at once, and holds it for longer than the patience
 * of a waiter each time. Without a hand-over a waiter of the hog's vCPU would never be in time. */
enum { WAITERS = 4, BOUND = 5 * (WAITERS + 1), LIMIT = 20 * BOUND };
static co_mutex_t m;
static atomic_int rounds, waiting = WAITERS;

static void *hog(void *arg) {
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  while (atomic_load(&waiting)) {
    if (atomic_fetch_add(&rounds, 1) > LIMIT)
      FAIL("%d wait still, after %d rounds", atomic_load(&waiting), LIMIT);
    CHECK_OK(co_sleep(1500 * US));
    CHECK_OK(co_mutex_unlock(&m));
    CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  }
  CHECK_OK(co_mutex_unlock(&m));
  return arg;
}

static void *waiter(void *arg) {
  int before = atomic_load(&rounds);
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  int waited = atomic_load(&rounds) - before;
  CHECK_OK(co_mutex_unlock(&m));
  atomic_fetch_sub(&waiting, 1);
  if (arg) /* on the hog's vCPU: no system in between */
    CHECK_GE(BOUND, waited);
  return arg;
}

static void body(void) {
  static int here;
  co_t cos[WAITERS];
  co_t h = conf_spawn_on(1, hog, NULL);
  conf_until_state(h, CO_STATE_PARKED);
  for (int i = 0; i < WAITERS - 1; i++)
    cos[i] = conf_spawn_on(i % 2 + 1, waiter, i % 2 ? NULL : &here);
  pthread_t thread = conf_thread(waiter, NULL);
  for (int i = 0; i < WAITERS - 1; i++)
    conf_join(cos[i]);
  conf_join(h);
  conf_thread_join(thread);
}

CASE(body)
