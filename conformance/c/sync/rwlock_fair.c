#include "crew.h"

/* Readers whose times overlap without end, and writers in a row: each of them gets its turns all the
 * same. Nobody waits for more than a phase of the others. */
enum { TURNS = 40 };
static co_rwlock_t lock;
static atomic_int busy, value[2];

static void turn(int (*take)(co_rwlock_t *, int64_t), bool writes) {
  CHECK_OK(take(&lock, CO_FOREVER));
  int a = atomic_load(&value[0]);
  CHECK_EQ(a, atomic_load(&value[1]));
  if (writes) {
    atomic_store(&value[0], a + 1);
    co_yield_now();
    atomic_store(&value[1], a + 1);
  } else {
    co_yield_now();
    CHECK_EQ(a, atomic_load(&value[1]));
  }
  CHECK_OK(co_rwlock_unlock(&lock));
}

/* Goes on until those that count their turns are through: the watchdog knows if they never are. */
static void crowd(int (*take)(co_rwlock_t *, int64_t), bool writes) {
  while (atomic_load(&busy))
    turn(take, writes);
}

static void counted(int (*take)(co_rwlock_t *, int64_t), bool writes) {
  for (int i = 0; i < TURNS; i++) {
    turn(take, writes);
    atomic_fetch_sub(&busy, 1);
  }
}

static void *reading(void *arg) { return crowd(co_rwlock_rdlock, false), arg; }
static void *writing(void *arg) { return crowd(co_rwlock_wrlock, true), arg; }
static void *reads(void *arg) { return counted(co_rwlock_rdlock, false), arg; }
static void *writes(void *arg) { return counted(co_rwlock_wrlock, true), arg; }

static void of(int kind, void *(*many)(void *), void *(*few)(void *)) {
  crew_t crew = {.kind = kind};
  atomic_store(&busy, 2 * TURNS);
  for (int i = 0; i < 4; i++)
    crew_add(&crew, many, NULL);
  for (int i = 0; i < 2; i++)
    crew_add(&crew, few, NULL);
  crew_end(&crew);
}

static void body(void) {
  for (int kind = 0; kind < CREW_KINDS; kind++) {
    of(kind, reading, writes);
    of(kind, writing, reads);
  }
}

CASE(body)
