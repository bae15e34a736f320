#include "check.h"

/* Who is let in, and when: readers together, a writer alone, phases in turn; what can be refused. */
static co_rwlock_t lock;
static atomic_int readers, most, writers, step;

static void *read_for_a_while(void *arg) {
  CHECK_OK(co_rwlock_rdlock(&lock, CO_FOREVER));
  int n = atomic_fetch_add(&readers, 1) + 1;
  if (n > atomic_load(&most))
    atomic_store(&most, n);
  CHECK_EQ(atomic_load(&writers), 0);
  CHECK_OK(co_sleep(MS));
  atomic_fetch_sub(&readers, 1);
  CHECK_OK(co_rwlock_unlock(&lock));
  return arg;
}

static void *write_for_a_while(void *arg) {
  CHECK_OK(co_rwlock_wrlock(&lock, CO_FOREVER));
  CHECK_EQ(atomic_fetch_add(&writers, 1), 0);
  CHECK_EQ(atomic_load(&readers), 0);
  CHECK_ERR(co_rwlock_wrlock(&lock, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_rwlock_rdlock(&lock, CO_NOW), EDEADLK);
  CHECK_OK(co_sleep(MS));
  atomic_fetch_sub(&writers, 1);
  CHECK_OK(co_rwlock_unlock(&lock));
  return arg;
}

static void *while_read(void *arg) {
  CHECK_OK(co_rwlock_rdlock(&lock, CO_NOW));
  CHECK_ERR(co_rwlock_wrlock(&lock, CO_NOW), EAGAIN);
  CHECK_ERR(co_rwlock_wrlock(&lock, MS), ETIMEDOUT);
  CHECK_ERR(co_rwlock_downgrade(&lock), EPERM);
  CHECK_OK(co_rwlock_unlock(&lock));
  return arg;
}

static void *while_written(void *arg) {
  CHECK_ERR(co_rwlock_rdlock(&lock, CO_NOW), EAGAIN);
  CHECK_ERR(co_rwlock_wrlock(&lock, CO_NOW), EAGAIN);
  CHECK_ERR(co_rwlock_rdlock(&lock, MS), ETIMEDOUT);
  CHECK_ERR(co_rwlock_unlock(&lock), EPERM);
  CHECK_ERR(co_rwlock_downgrade(&lock), EPERM);
  return arg;
}

/* Takes its turn: the number of the phase in which it is let in. */
typedef struct {
  bool writes;
  int64_t timeout;
  int phase;
  co_t co;
} turn_t;

static void *in_turn(void *arg) {
  turn_t *t = arg;
  int r = (t->writes ? co_rwlock_wrlock : co_rwlock_rdlock)(&lock, t->timeout);
  t->phase = r ? r : atomic_load(&step);
  if (t->writes && !r)
    atomic_fetch_add(&step, 1);
  if (r)
    return arg;
  CHECK_OK(co_sleep(MS));
  CHECK_OK(co_rwlock_unlock(&lock));
  return arg;
}

static void start(turn_t *t) {
  t->co = conf_spawn_on(1, in_turn, t);
  conf_until_state(t->co, CO_STATE_PARKED);
}

/* While it is written: reader, writer, reader, writer, reader wait. All readers are next, then one
 * writer, and so on. A reader that comes while readers are inside and a writer waits stays out. */
static void phases(void) {
  turn_t turns[] = {{.writes = false}, {.writes = true}, {.writes = false}, {.writes = true}, {.writes = false}};
  turn_t late = {.timeout = CO_FOREVER};
  static const int phase[] = {0, 0, 0, 1, 0};
  atomic_store(&step, 0);
  CHECK_OK(co_rwlock_wrlock(&lock, CO_NOW));
  for (size_t i = 0; i < COUNT_OF(turns); i++) {
    turns[i].timeout = CO_FOREVER;
    start(&turns[i]);
  }
  CHECK_OK(co_rwlock_downgrade(&lock));
  CHECK_ERR(co_rwlock_rdlock(&lock, CO_NOW), EAGAIN); /* writers wait */
  start(&late);
  CHECK_OK(co_rwlock_unlock(&lock));
  for (size_t i = 0; i < COUNT_OF(turns); i++) {
    conf_join(turns[i].co);
    CHECK_EQ(turns[i].phase, phase[i]);
  }
  conf_join(late.co);
  CHECK_EQ(late.phase, 1); /* after the first writer, before the second */
}

/* A writer that gives up lets in the readers that waited for nobody but it. */
static void given_up(void) {
  turn_t writer = {.writes = true, .timeout = 20 * MS}, cancelled = {.writes = true, .timeout = CO_FOREVER};
  turn_t reader = {.timeout = CO_FOREVER};
  CHECK_OK(co_rwlock_rdlock(&lock, CO_NOW));
  start(&writer);
  start(&cancelled);
  start(&reader);
  CHECK_OK(co_cancel(cancelled.co));
  conf_join(reader.co);
  CHECK_EQ(writer.phase, -ETIMEDOUT);
  CHECK_EQ(cancelled.phase, -ECANCELED);
  conf_join(writer.co);
  conf_join(cancelled.co);
  CHECK_OK(co_rwlock_unlock(&lock));
}

static void body(void) {
  co_t cos[20];
  CHECK_ERR(co_rwlock_rdlock(NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_rwlock_wrlock(NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_rwlock_unlock(NULL), EINVAL);
  CHECK_ERR(co_rwlock_downgrade(NULL), EINVAL);
  CHECK_ERR(co_rwlock_unlock(&lock), EPERM);
  CHECK_ERR(co_rwlock_downgrade(&lock), EPERM);

  CHECK_OK(co_rwlock_rdlock(&lock, CO_NOW));
  CHECK_OK(co_rwlock_rdlock(&lock, CO_NOW));
  conf_on_thread(while_read, NULL);
  conf_join(conf_spawn_on(2, while_read, NULL));
  CHECK_OK(co_rwlock_unlock(&lock));
  CHECK_OK(co_rwlock_unlock(&lock));
  CHECK_ERR(co_rwlock_unlock(&lock), EPERM);
  CHECK_OK(co_rwlock_wrlock(&lock, CO_NOW));
  conf_on_thread(while_written, NULL);
  conf_join(conf_spawn_on(2, while_written, NULL));
  CHECK_OK(co_rwlock_downgrade(&lock));
  conf_on_thread(while_read, NULL);
  CHECK_OK(co_rwlock_unlock(&lock));

  for (size_t i = 0; i < COUNT_OF(cos); i++)
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, i % 5 ? read_for_a_while : write_for_a_while, NULL);
  pthread_t r = conf_thread(read_for_a_while, NULL), w = conf_thread(write_for_a_while, NULL);
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    conf_join(cos[i]);
  conf_thread_join(r);
  conf_thread_join(w);
  CHECK_GE(atomic_load(&most), 2);
  phases();
  given_up();
}

CASE(body)
