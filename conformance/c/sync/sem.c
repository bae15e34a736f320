#include "crew.h"

/* Numbers, order, overflow; and permits that are neither lost nor made when waits end by time,
 * cancel and interrupt. */
enum { WORKERS = 8, ROUNDS = 800, PERMITS = 3 };
static co_sem_t sem, room;
static atomic_int inside, order;

static void *take(void *arg) {
  CHECK_OK(co_sem_wait(&sem, (uint32_t)(intptr_t)arg, CO_FOREVER));
  atomic_fetch_add(&order, 1);
  return arg;
}

static void numbers(void) {
  CHECK_ERR(co_sem_wait(NULL, 1, CO_NOW), EINVAL);
  CHECK_ERR(co_sem_post(NULL, 1), EINVAL);
  CHECK_ERR(co_sem_wait(&sem, 1, CO_NOW), EAGAIN);
  CHECK_OK(co_sem_wait(&sem, 0, CO_NOW));
  CHECK_OK(co_sem_post(&sem, 5));
  CHECK_ERR(co_sem_wait(&sem, 6, CO_NOW), EAGAIN);
  CHECK_OK(co_sem_wait(&sem, 5, CO_FOREVER));
  CHECK_OK(co_sem_post(&sem, UINT32_MAX));
  CHECK_ERR(co_sem_post(&sem, 1), EOVERFLOW);
  CHECK_OK(co_sem_wait(&sem, UINT32_MAX, CO_NOW));

  /* One that wants many is not overtaken by one that wants few; if it gives up, that one goes on. */
  co_t many = conf_spawn_on(1, take, (void *)10), few = conf_spawn_on(1, take, (void *)1);
  conf_until_state(many, CO_STATE_PARKED);
  conf_until_state(few, CO_STATE_PARKED);
  CHECK_OK(co_sem_post(&sem, 2));
  CHECK_ERR(co_sem_wait(&sem, 1, CO_NOW), EAGAIN);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(atomic_load(&order), 0);
  CHECK_OK(co_sem_post(&sem, 9));
  conf_join(many);
  conf_join(few);
  CHECK_EQ(atomic_load(&order), 2);
}

static void *gives_up(void *arg) {
  CHECK_ERR(co_sem_wait(&sem, 10, CO_FOREVER), ECANCELED);
  return arg;
}

static void in_the_way(void) {
  co_t many = conf_spawn_on(2, gives_up, NULL);
  conf_until_state(many, CO_STATE_PARKED);
  co_t few = conf_spawn_on(1, take, (void *)2);
  conf_until_state(few, CO_STATE_PARKED);
  CHECK_OK(co_sem_post(&sem, 2));
  CHECK_OK(co_cancel(many));
  conf_join(few);
  conf_join(many);
}

static void *work(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)&rng;
  co_t self = co_self();
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t x = conf_rand(&rng);
    uint32_t n = (uint32_t)(x >> 40) % PERMITS + 1;
    if (self && x % 32 == 1)
      CHECK_OK(co_interrupt(self, EINTR));
    int r = co_sem_wait(&room, n, x % 3 ? CO_FOREVER : (int64_t)(x >> 8) % (30 * US));
    if (r == -EINTR || r == -ETIMEDOUT || r == -EAGAIN)
      continue;
    CHECK_OK(r);
    CHECK_GE(PERMITS, atomic_fetch_add(&inside, (int)n) + (int)n);
    if (x % 8 == 0)
      co_yield_now();
    atomic_fetch_sub(&inside, (int)n);
    CHECK_OK(co_sem_post(&room, n));
  }
  return arg;
}

static void body(void) {
  numbers();
  in_the_way();
  CHECK_OK(co_sem_post(&room, PERMITS));
  for (int kind = 0; kind < CREW_KINDS; kind++) {
    crew_run(kind, WORKERS, work, NULL);
    CHECK_OK(co_sem_wait(&room, PERMITS, CO_NOW));
    CHECK_ERR(co_sem_wait(&room, 1, CO_NOW), EAGAIN);
    CHECK_OK(co_sem_post(&room, PERMITS));
  }
}

CASE(body)
