#include "check.h"

/* Every call of the section that waits, on an object that makes it wait: tried, too late,
 * cancelled before and while it waits, interrupted, shielded, from plain threads; and each time the
 * object is as good as before. */
static co_mutex_t mutex, cond_mutex;
static co_rmutex_t rmutex;
static co_rwlock_t rwlock;
static co_cond_t cond;
static co_sem_t sem;
static co_event_t event;
static co_wg_t wg;
static co_barrier_t barrier;
static co_once_t once;
static uint32_t word;

static int lock_mutex(int64_t t) { return co_mutex_lock(&mutex, t); }
static int lock_rmutex(int64_t t) { return co_rmutex_lock(&rmutex, t); }
static int lock_read(int64_t t) { return co_rwlock_rdlock(&rwlock, t); }
static int lock_write(int64_t t) { return co_rwlock_wrlock(&rwlock, t); }
static int wait_sem(int64_t t) { return co_sem_wait(&sem, 3, t); }
static int wait_event(int64_t t) { return co_event_wait(&event, t); }
static int wait_wg(int64_t t) { return co_wg_wait(&wg, t); }
static int wait_barrier(int64_t t) { return co_barrier_wait(&barrier, 2, t); }
static int wait_once(int64_t t) { return co_once_begin(&once, t); }
static int wait_futex(int64_t t) { return co_futex_wait(&word, 7, t); }

static int never(void *arg) { FAIL("called with %p, though it is being done", arg); }
static int call_once_waits(int64_t t) { return co_once(&once, never, NULL, t); }

/* The mutex is had in any case, even by a caller that is cancelled; `held` is what is done with it. */
static void shield(int (*held)(co_mutex_t *)) {
  int before = co_cancel_shield(1);
  CHECK_OK(held(&cond_mutex));
  co_cancel_shield(before);
}

static int lock(co_mutex_t *m) { return co_mutex_lock(m, CO_FOREVER); }
static int is_mine(co_mutex_t *m) { return co_mutex_lock(m, CO_NOW) + EDEADLK; }

static int wait_cond(int64_t t) {
  shield(lock);
  int r = co_cond_wait(&cond, &cond_mutex, t);
  shield(is_mine);
  CHECK_OK(co_mutex_unlock(&cond_mutex));
  return r;
}

static void close_mutex(void) { CHECK_OK(co_mutex_lock(&mutex, CO_NOW)); }
static void open_mutex(void) { CHECK_OK(co_mutex_unlock(&mutex)); }
static void close_rmutex(void) {
  CHECK_OK(co_rmutex_lock(&rmutex, CO_NOW));
  CHECK_OK(co_rmutex_lock(&rmutex, CO_NOW));
}
static void open_rmutex(void) { CHECK_OK(co_rmutex_unlock(&rmutex)); }
static void open_rmutex_twice(void) {
  open_rmutex();
  open_rmutex();
}
static void close_write(void) { CHECK_OK(co_rwlock_wrlock(&rwlock, CO_NOW)); }
static void close_read(void) { CHECK_OK(co_rwlock_rdlock(&rwlock, CO_NOW)); }
static void open_rwlock(void) { CHECK_OK(co_rwlock_unlock(&rwlock)); }
static void close_sem(void) { CHECK_OK(co_sem_post(&sem, 2)); }
static void open_sem(void) { CHECK_OK(co_sem_post(&sem, 1)); }
static void close_event(void) { CHECK_OK(co_event_reset(&event)); }
static void open_event(void) { CHECK_OK(co_event_set(&event)); }
static void close_wg(void) { CHECK_OK(co_wg_add(&wg, 1)); }
static void open_wg(void) { CHECK_OK(co_wg_done(&wg)); }
static void open_barrier(void) { CHECK_EQ(co_barrier_wait(&barrier, 2, CO_FOREVER), 1); }
static void close_once(void) {
  memset(&once, 0, sizeof once);
  CHECK_EQ(co_once_begin(&once, CO_NOW), 1);
}
static void open_once(void) { CHECK_OK(co_once_end(&once, 1)); }
static void open_cond(void) {
  while (co_cond_signal(&cond) == 0)
    CHECK_OK(co_sleep(100 * US));
}
static void close_futex(void) { word = 7; }
static void open_futex(void) {
  int n;
  while ((n = co_futex_wake(&word, 1)) == 0)
    CHECK_OK(co_sleep(100 * US));
  CHECK_EQ(n, 1);
}
static void nothing(void) {}

static const struct kind {
  const char *name;
  int (*wait)(int64_t timeout);
  void (*close)(void), (*open)(void), (*undo)(void);
} kinds[] = {
    {"mutex", lock_mutex, close_mutex, open_mutex, open_mutex},
    {"rmutex", lock_rmutex, close_rmutex, open_rmutex_twice, open_rmutex},
    {"rdlock", lock_read, close_write, open_rwlock, open_rwlock},
    {"wrlock", lock_write, close_read, open_rwlock, open_rwlock},
    {"wrlock after a writer", lock_write, close_write, open_rwlock, open_rwlock},
    {"cond", wait_cond, nothing, open_cond, nothing},
    {"sem", wait_sem, close_sem, open_sem, nothing},
    {"event", wait_event, close_event, open_event, nothing},
    {"wg", wait_wg, close_wg, open_wg, nothing},
    {"barrier", wait_barrier, nothing, open_barrier, nothing},
    {"once_begin", wait_once, close_once, open_once, nothing},
    {"once", call_once_waits, close_once, open_once, nothing},
    {"futex", wait_futex, close_futex, open_futex, nothing},
};
static const struct kind *kind;

static void tries(void) {
  CHECK_ERR(kind->wait(CO_NOW), EAGAIN);
  CHECK_ERR(kind->wait(-2), EINVAL);
  CHECK_ERR(kind->wait(INT64_MIN), EINVAL);
  int64_t before = co_now();
  CHECK_ERR(kind->wait(2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_ERR(kind->wait(1), ETIMEDOUT);
}

static void *in_time(void *arg) {
  CHECK_OK(kind->wait(3600 * SEC));
  kind->undo();
  return arg;
}

static atomic_int tried;

static void *tries_and_waits(void *arg) {
  tries();
  atomic_store(&tried, 1);
  CHECK_OK(kind->wait(CO_FOREVER));
  kind->undo();
  return arg;
}

static void *cancelled_before(void *arg) {
  CHECK_OK(co_cancel(co_self()));
  CHECK_ERR(kind->wait(CO_FOREVER), ECANCELED);
  CHECK_ERR(kind->wait(CO_NOW), ECANCELED);
  return arg;
}

static void *cancelled(void *arg) {
  CHECK_ERR(kind->wait(arg ? CO_FOREVER : 3600 * SEC), ECANCELED);
  CHECK_EQ(co_cancel_pending(), 1);
  return arg;
}

static void *interrupted(void *arg) {
  CHECK_ERR(kind->wait(arg ? CO_FOREVER : 3600 * SEC), ENOLINK);
  CHECK_OK(co_sleep(0)); /* used up */
  CHECK_ERR(kind->wait(1 * MS), ETIMEDOUT);
  return arg;
}

static void *shielded(void *arg) {
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_OK(kind->wait(CO_FOREVER));
  kind->undo();
  CHECK_EQ(co_cancel_shield(0), 1);
  CHECK_ERR(co_sleep(0), ECANCELED);
  return arg;
}

static void until_tried(void) {
  while (!atomic_exchange(&tried, 0))
    CHECK_OK(co_sleep(100 * US));
}

static void of_kind(void) {
  static int yes;
  co_t co;
  kind->close();
  co = conf_spawn(tries_and_waits, NULL);
  until_tried();
  conf_until_state(co, CO_STATE_PARKED);
  conf_join(conf_spawn(cancelled_before, NULL));
  kind->open();
  conf_join(co);

  kind->close();
  for (int i = 0; i < 2; i++) {
    co = conf_spawn_on(2, cancelled, i ? &yes : NULL);
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(co_cancel(co));
    conf_join(co);
    co = conf_spawn_on(2, interrupted, i ? &yes : NULL);
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(co_interrupt(co, ENOLINK));
    conf_join(co);
  }
  co = conf_spawn_on(2, shielded, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EINTR));
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_sleep(1 * MS));
  CHECK_EQ(conf_info(co).state, CO_STATE_PARKED);
  kind->open();
  conf_join(co);

  kind->close();
  co = conf_spawn_on(2, in_time, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  kind->open();
  conf_join(co);
  kind->close();
  pthread_t thread = conf_thread(tries_and_waits, NULL);
  until_tried();
  CHECK_OK(co_sleep(2 * MS)); /* most often it waits by now */
  kind->open();
  conf_thread_join(thread);
}

static void body(void) {
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    kind = &kinds[i];
    printf("%s\n", kind->name);
    of_kind();
  }
}

CASE(body)
