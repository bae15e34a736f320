#include "crew.h"

/* A bounded buffer between producers and consumers of each kind. Some waits are short, some are
 * interrupted; each number comes through once. A signal that went to somebody who then reported an
 * error would leave both sides waiting. */
enum { PAIRS = 4, EACH = 1500, ROOM = 4 };
static co_mutex_t m;
static co_cond_t not_full, not_empty;
static int buffer[ROOM], first, count;
static atomic_long sum;
static atomic_int number;

static void wait_for(co_cond_t *c, uint64_t *rng) {
  uint64_t x = conf_rand(rng);
  co_t self = co_self();
  if (self && x % 32 == 1)
    CHECK_OK(co_interrupt(self, EINTR));
  int r = co_cond_wait(c, &m, x % 4 ? CO_FOREVER : (int64_t)(x >> 8) % (50 * US) + 1);
  if (r != 0 && r != -ETIMEDOUT && r != -EINTR)
    CHECK_OK(r);
  CHECK_ERR(co_mutex_lock(&m, CO_NOW), EDEADLK);
}

static void *produce(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)&rng;
  for (int i = 0; i < EACH; i++) {
    CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
    while (count == ROOM)
      wait_for(&not_full, &rng);
    buffer[(first + count++) % ROOM] = atomic_fetch_add(&number, 1);
    CHECK_GE(co_cond_signal(&not_empty), 0);
    CHECK_OK(co_mutex_unlock(&m));
  }
  return arg;
}

static void *consume(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)&rng;
  for (int i = 0; i < EACH; i++) {
    CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
    while (count == 0)
      wait_for(&not_empty, &rng);
    atomic_fetch_add(&sum, buffer[first]);
    first = (first + 1) % ROOM;
    count--;
    CHECK_OK(co_mutex_unlock(&m));
    CHECK_GE(co_cond_signal(&not_full), 0); /* without the mutex */
  }
  return arg;
}

static void body(void) {
  /* Both roles on threads and on coroutines, where a crew is mixed. */
  static void *(*const role[2 * PAIRS])(void *) = {produce, consume, consume, produce,
                                                   produce, consume, consume, produce};
  for (int kind = 0; kind < CREW_KINDS; kind++) {
    crew_t crew = {.kind = kind};
    atomic_store(&sum, 0);
    atomic_store(&number, 0);
    for (int i = 0; i < 2 * PAIRS; i++)
      crew_add(&crew, role[i], NULL);
    crew_end(&crew);
    long n = PAIRS * EACH;
    CHECK_EQ(atomic_load(&sum), n * (n - 1) / 2);
    CHECK_EQ(count, 0);
  }
}

CASE(body)
