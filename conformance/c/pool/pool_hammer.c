#include "check.h"

/* Submissions, calls, stops, waits, loops and closes from coroutines and threads at once: every job
 * that was taken is run exactly once, none that was not. */
enum { ACTORS = 8, STEPS = 400, THREADS = 2 };
static co_pool_t pools[3];
static atomic_llong taken, ran, stops;
static atomic_int over;

static void *job(void *arg) {
  uint64_t r = (uintptr_t)arg;
  atomic_fetch_add(&ran, 1);
  if (r % 3 == 0)
    co_yield_now();
  else if (r % 16 == 1)
    co_sleep((int64_t)(r % 64) * US);
  return arg;
}

static int part(void *arg, uint64_t begin, uint64_t end) {
  atomic_fetch_add((atomic_llong *)arg, (long long)(end - begin));
  return 0;
}

static void step(uint64_t *rng) {
  uint64_t r = conf_rand(rng);
  co_pool_t pool = pools[r % 3];
  int64_t timeout = r >> 8 & 3 ? (r >> 8 & 3) == 1 ? (int64_t)(r >> 16 & 0xffff) : CO_FOREVER : CO_NOW;
  void *arg = (void *)(uintptr_t)(r >> 24), *result = &result;
  int got;
  switch (r >> 12 & 7) {
  case 0: {
    atomic_llong n = 0;
    CHECK(co_parallel_for(0, r & 255, 0, part, &n, NULL, CO_FOREVER) != 0 || n == (long long)(r & 255));
    return;
  }
  case 1:
    got = co_pool_wait(pool, timeout);
    CHECK(got == 0 || got == -EAGAIN || got == -ETIMEDOUT || got == -EXDEV);
    return;
  case 2:
  case 3:
    got = co_pool_call(pool, job, arg, &result, timeout);
    if (result != &result)
      CHECK(result == arg);
    CHECK(got != 0 || result == arg);
    atomic_fetch_add(&taken, result != &result);
    break;
  default:
    got = co_pool_submit(pool, job, arg, timeout);
    atomic_fetch_add(&taken, got == 0);
  }
  CHECK(got == 0 || got == -EAGAIN || got == -ETIMEDOUT || got == -EXDEV);
}

static void *actor(void *arg) {
  uint64_t rng = (uintptr_t)arg * 77 + 1;
  for (int i = 0; i < STEPS; i++)
    step(&rng);
  return arg;
}

static co_t actors[ACTORS];

static void *stopper(void *arg) {
  uint64_t rng = 5;
  while (!atomic_load(&over)) {
    if (co_interrupt(actors[conf_rand(&rng) % ACTORS], EXDEV) == 0)
      atomic_fetch_add(&stops, 1);
    CHECK_OK(co_sleep(30 * US));
  }
  return arg;
}

static void body(void) {
  co_pool_attr_t attr = {.size = sizeof attr, .max = 3, .queue = 2, .idle_ns = 100 * US};
  pthread_t threads[THREADS];
  CHECK_OK(co_pool_new(&pools[0], &attr));
  attr.queue = 0;
  CHECK_OK(co_pool_new(&pools[1], &attr));
  attr.vcpus = 2;
  attr.idle_ns = 0;
  CHECK_OK(co_pool_new(&pools[2], &attr));
  for (int round = 0; round < 3; round++) {
    for (intptr_t i = 0; i < THREADS; i++)
      threads[i] = conf_thread(actor, (void *)(100 * round + 50 + i));
    for (intptr_t i = 0; i < ACTORS; i++)
      actors[i] = conf_spawn(actor, (void *)(100 * round + i));
    atomic_store(&over, 0);
    co_t stop = conf_spawn(stopper, NULL);
    for (int i = 0; i < ACTORS; i++)
      conf_join(actors[i]);
    atomic_store(&over, 1);
    conf_join(stop);
    /* Threads may still wait for a pool that we are in the way of: not while we sleep. */
    for (int i = 0; i < THREADS; i++)
      while (pthread_tryjoin_np(threads[i], NULL))
        CHECK_OK(co_sleep(100 * US));
    for (int i = 0; i < 3; i++)
      CHECK_OK(co_pool_wait(pools[i], CO_FOREVER));
    CHECK_EQ(atomic_load(&ran), atomic_load(&taken));
  }
  CHECK_GE(atomic_load(&stops), 1);
  for (int i = 0; i < 3; i++)
    CHECK_OK(co_pool_close(pools[i], CO_FOREVER));
}

CASE(body)
