#include "check.h"

/* Unparks race with the timeouts of the parks: each token ends exactly one park, whether it
 * comes before, with or after the deadline. */
enum { ROUNDS = 20000 };
static atomic_int given;
static co_t target;

static void *giver(void *arg) {
  uint64_t rng = 3;
  for (int i = 0; i < ROUNDS; i++) {
    int64_t until = co_now() + (int64_t)(conf_rand(&rng) % 40) * US;
    while (co_now() < until) {
    }
    atomic_fetch_add(&given, 1);
    CHECK_OK(co_unpark(target));
    while (atomic_load(&given)) /* the taker sets it back */
      sched_yield();
  }
  return arg;
}

static void *taker(void *arg) {
  for (int taken = 0; taken < ROUNDS;) {
    int r = co_park(20 * US);
    if (r == -ETIMEDOUT)
      continue;
    CHECK_EQ(r, 0);
    CHECK_EQ(atomic_load(&given), 1); /* no token without an unpark */
    atomic_store(&given, 0);
    taken++;
  }
  CHECK_ERR(co_park(CO_NOW), EAGAIN);
  return arg;
}

static void body(void) {
  target = conf_spawn_on(2, taker, NULL);
  pthread_t thread = conf_thread(giver, NULL);
  conf_join(target);
  conf_thread_join(thread);
}

CASE(body)
