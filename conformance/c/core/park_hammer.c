#include "check.h"

/* A plain thread says "round i" and unparks; the coroutine takes the round and parks again. One
 * lost wake-up and it stays for ever. What is written before the unpark is read after the park
 * without an atomic. */
enum { ROUNDS = 100000 };
static int message;
static atomic_int taken;
static co_t target;

static void *unparker(void *arg) {
  uint64_t rng = 7;
  for (int i = 1; i <= ROUNDS; i++) {
    message = i;
    CHECK_OK(co_unpark(target));
    while (atomic_load(&taken) != i)
      if (conf_rand(&rng) % 64 == 0)
        sched_yield();
  }
  return arg;
}

static void *parker(void *arg) {
  for (int i = 1; i <= ROUNDS;) {
    if (i % 5) {
      CHECK_OK(co_park(CO_FOREVER));
    } else {
      int r = co_park(20 * US);
      CHECK(r == 0 || r == -ETIMEDOUT);
      if (r)
        continue;
    }
    CHECK_EQ(message, i);
    atomic_store(&taken, i++);
  }
  return arg;
}

static void body(void) {
  pthread_t thread;
  target = conf_spawn_on(2, parker, NULL);
  thread = conf_thread(unparker, NULL);
  conf_join(target);
  conf_thread_join(thread);
}

CASE(body)
