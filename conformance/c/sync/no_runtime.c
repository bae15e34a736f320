#include "crew.h"

/* All objects between plain threads of a program that has not started a runtime. */
enum { WORKERS = 4, ROUNDS = 500 };
static co_mutex_t m;
static co_rmutex_t r;
static co_rwlock_t l;
static co_cond_t c;
static co_sem_t s;
static co_event_t e;
static co_wg_t wg;
static co_barrier_t b;
static co_once_t o;
static uint32_t word;
static int counters[3], once_runs, go;

static int run_once(void *arg) {
  (void)arg;
  return once_runs++;
}

static void *work(void *arg) {
  CHECK_EQ(co_self(), 0);
  CHECK_OK(co_event_wait(&e, CO_FOREVER));
  CHECK_OK(co_once(&o, run_once, NULL, CO_FOREVER));
  CHECK_EQ(once_runs, 1);
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
    counters[0]++;
    CHECK_OK(co_mutex_unlock(&m));
    CHECK_OK(co_rmutex_lock(&r, CO_FOREVER));
    CHECK_OK(co_rmutex_lock(&r, CO_NOW));
    counters[1]++;
    CHECK_OK(co_rmutex_unlock(&r));
    CHECK_OK(co_rmutex_unlock(&r));
    CHECK_OK(co_rwlock_wrlock(&l, CO_FOREVER));
    counters[2]++;
    CHECK_OK(co_rwlock_downgrade(&l));
    CHECK_OK(co_rwlock_unlock(&l));
    CHECK_OK(co_sem_wait(&s, 1, CO_FOREVER));
    CHECK_OK(co_sem_post(&s, 1));
    if (i % 50 == 0)
      CHECK_GE(co_barrier_wait(&b, WORKERS, CO_FOREVER), 0);
  }
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  CHECK_OK(co_wg_done(&wg));
  while (!go)
    CHECK_OK(co_cond_wait(&c, &m, CO_FOREVER));
  CHECK_OK(co_mutex_unlock(&m));
  int w = co_futex_wait(&word, 0, CO_FOREVER);
  CHECK(w == 0 || w == -EAGAIN);
  return arg;
}

static void body(void) {
  crew_t crew = {.kind = CREW_THREADS};
  CHECK_OK(co_wg_add(&wg, WORKERS));
  CHECK_OK(co_sem_post(&s, 2));
  for (int i = 0; i < WORKERS; i++)
    crew_add(&crew, work, NULL);
  CHECK_ERR(co_wg_wait(&wg, MS), ETIMEDOUT);
  CHECK_OK(co_event_set(&e));
  CHECK_OK(co_wg_wait(&wg, CO_FOREVER));
  for (size_t i = 0; i < COUNT_OF(counters); i++)
    CHECK_EQ(counters[i], WORKERS * ROUNDS);
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  go = 1;
  CHECK_EQ(co_cond_broadcast(&c), WORKERS); /* each waits: it was done with the mutex held */
  CHECK_OK(co_mutex_unlock(&m));
  __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
  CHECK_GE(co_futex_wake(&word, UINT32_MAX), 0);
  crew_end(&crew);
}

PLAIN_CASE(body)
