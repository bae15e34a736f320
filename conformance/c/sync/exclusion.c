#include "crew.h"

/* Crews of each kind fight for a mutex, a recursive one, a lock for readers and writers, one made
 * of a futex and one made of a semaphore: the counters, which are plain memory, come out right.
 * Some come with little time, and some are interrupted. */
enum { WORKERS = 6, ROUNDS = 1500 };

static co_mutex_t mutex;
static co_rmutex_t rmutex;
static co_rwlock_t rwlock;
static co_sem_t sem;
static _Atomic uint32_t word; /* 0 free, 1 locked, 2 locked and somebody may wait (Drepper 2011) */
static long counter, mirror;
static atomic_long done;

static int futex_lock(int64_t timeout) {
  uint32_t c = 0;
  if (atomic_compare_exchange_strong(&word, &c, 1))
    return 0;
  do {
    if (c == 2 || atomic_compare_exchange_strong(&word, &c, 2)) {
      int r = co_futex_wait((const uint32_t *)&word, 2, timeout);
      if (r < 0 && r != -EAGAIN)
        return r;
    }
    c = 0;
  } while (!atomic_compare_exchange_strong(&word, &c, 2));
  return 0;
}

static int futex_unlock(void) {
  if (atomic_exchange(&word, 0) == 2)
    CHECK_GE(co_futex_wake((const uint32_t *)&word, 1), 0);
  return 0;
}

static int lock_mutex(int64_t t) { return co_mutex_lock(&mutex, t); }
static int unlock_mutex(void) { return co_mutex_unlock(&mutex); }
static int lock_rmutex(int64_t t) {
  int r = co_rmutex_lock(&rmutex, t);
  if (!r)
    CHECK_OK(co_rmutex_lock(&rmutex, CO_NOW));
  return r;
}
static int unlock_rmutex(void) {
  CHECK_OK(co_rmutex_unlock(&rmutex));
  return co_rmutex_unlock(&rmutex);
}
static int lock_rwlock(int64_t t) { return co_rwlock_wrlock(&rwlock, t); }
static int unlock_rwlock(void) { return co_rwlock_unlock(&rwlock); }
static int lock_sem(int64_t t) { return co_sem_wait(&sem, 1, t); }
static int unlock_sem(void) { return co_sem_post(&sem, 1); }

static const struct kind {
  const char *name;
  int (*lock)(int64_t);
  int (*unlock)(void);
} kinds[] = {
    {"mutex", lock_mutex, unlock_mutex},     {"rmutex", lock_rmutex, unlock_rmutex},
    {"rwlock", lock_rwlock, unlock_rwlock},  {"sem", lock_sem, unlock_sem},
    {"futex", futex_lock, futex_unlock},
};
static const struct kind *kind;

static void *work(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)&rng;
  co_t self = co_self();
  long mine = 0;
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t x = conf_rand(&rng);
    int64_t timeout = x % 4 ? CO_FOREVER : (int64_t)(x >> 8) % (20 * US);
    if (self && x % 64 == 3)
      CHECK_OK(co_interrupt(self, EINTR));
    int r = kind->lock(timeout);
    if (r == -EINTR || (r < 0 && timeout >= 0 && (r == -ETIMEDOUT || r == -EAGAIN)))
      continue;
    CHECK_EQ(r, 0);
    CHECK_EQ(counter, mirror);
    counter++;
    if (x % 256 == 0)
      co_yield_now();
    mirror++;
    mine++;
    CHECK_OK(kind->unlock());
  }
  atomic_fetch_add(&done, mine);
  return arg;
}

static void body(void) {
  CHECK_OK(co_sem_post(&sem, 1));
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    kind = &kinds[i];
    for (int crew = 0; crew < CREW_KINDS; crew++) {
      counter = mirror = 0;
      atomic_store(&done, 0);
      crew_run(crew, WORKERS, work, NULL);
      CHECK_EQ(counter, atomic_load(&done));
      CHECK_GE(counter, WORKERS * ROUNDS / 2);
      printf("%s %d: %ld\n", kind->name, crew, counter);
    }
  }
}

CASE(body)
