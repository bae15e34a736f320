/* co_group_call: runs in the other group, gives the result, waits with every outcome and never leaves
 * before the function has; from threads, into one's own group, to and fro, through a crowd. */
#include "../check.h"

static co_group_t one, two;
static atomic_int go; /* what is deaf waits for this */

typedef struct {
  co_group_t where;
  int64_t sleeps;
  int deaf; /* goes on after a cancel */
  int slept, calls;
} work_t;

static void *work(void *arg) {
  work_t *w = arg;
  w->where = co_group_self();
  w->calls++;
  if (w->sleeps)
    w->slept = co_sleep(w->sleeps);
  if (w->deaf) {
    co_cancel_clear();
    while (!atomic_load(&go))
      CHECK_OK(co_sleep(100 * US));
    w->deaf = 2;
  }
  return &w->sleeps;
}

static void there_and_back(void) {
  co_group_t home = co_group_self();
  work_t w = {0};
  void *result = NULL;
  CHECK_OK(co_group_call(one, work, &w, &result, CO_FOREVER));
  CHECK_EQ(w.where, one);
  CHECK(result == &w.sleeps);
  CHECK_EQ(co_group_self(), home);
  CHECK_OK(co_group_call(0, work, &w, NULL, CO_FOREVER)); /* one's own, or the default group */
  CHECK(w.where == home || home == 0);
  w.sleeps = 1 * MS;
  CHECK_OK(co_group_call(two, work, &w, &result, SEC));
  CHECK_EQ(w.where, two);
  CHECK_EQ(w.slept, 0);
  CHECK_EQ(w.calls, 3);
}

static void *on_thread(void *arg) {
  there_and_back();
  work_t w = {.sleeps = CO_FOREVER};
  void *result = NULL;
  CHECK_ERR(co_group_call(one, work, &w, &result, 2 * MS), ETIMEDOUT);
  CHECK(result == &w.sleeps);
  CHECK_EQ(w.slept, -ECANCELED);
  return arg;
}

static void errors(void) {
  work_t w = {0};
  void *result = &w;
  CHECK_ERR(co_group_call(one, NULL, &w, &result, CO_FOREVER), EINVAL);
  CHECK_ERR(co_group_call(one, work, &w, &result, -2), EINVAL);
  CHECK_ERR(co_group_call(one, work, &w, &result, CO_NOW), EAGAIN);
  CHECK_ERR(co_group_call(UINT64_MAX, work, &w, &result, CO_FOREVER), ESRCH);
  CHECK_OK(co_cancel(co_self()));
  CHECK_ERR(co_group_call(one, work, &w, &result, CO_FOREVER), ECANCELED);
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_OK(co_interrupt(co_self(), EINTR));
  CHECK_ERR(co_group_call(one, work, &w, &result, CO_FOREVER), EINTR);
  CHECK_EQ(w.calls, 0);
  CHECK(result == &w);
}

static void late(void) {
  work_t w = {.sleeps = CO_FOREVER}, deaf = {.sleeps = CO_FOREVER, .deaf = 1};
  void *result = NULL;
  int64_t start = co_now();
  CHECK_ERR(co_group_call(one, work, &w, &result, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - start, 2 * MS);
  CHECK(result == &w.sleeps);
  CHECK_EQ(w.slept, -ECANCELED);
  /* One that takes its time is waited for, and what it returns is given. */
  result = NULL;
  atomic_store(&go, 1);
  CHECK_ERR(co_group_call(two, work, &deaf, &result, 1 * MS), ETIMEDOUT);
  CHECK_EQ(deaf.deaf, 2);
  CHECK(result == &deaf.sleeps);
}

typedef struct {
  work_t w;
  void *result;
  int status, again;
} caller_t;

static void *calls(void *arg) {
  caller_t *c = arg;
  c->status = co_group_call(one, work, &c->w, &c->result, CO_FOREVER);
  c->again = co_sleep(CO_NOW);
  return arg;
}

static void stopped(void) {
  caller_t c = {.w = {.sleeps = CO_FOREVER}}, i = c, twice = c;
  co_t co = conf_spawn(calls, &c);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  conf_join(co);
  CHECK_EQ(c.status, -ECANCELED);
  CHECK_EQ(c.again, -ECANCELED); /* it stays cancelled */
  CHECK_EQ(c.w.slept, -ECANCELED);
  CHECK(c.result == &c.w.sleeps);
  co = conf_spawn(calls, &i);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EINTR));
  conf_join(co);
  CHECK_EQ(i.status, -EINTR);
  CHECK_EQ(i.again, 0);
  CHECK_EQ(i.w.slept, -ECANCELED);
  /* What comes while it waits for the end is for the next call. */
  twice.w.deaf = 1;
  atomic_store(&go, 0);
  co = conf_spawn(calls, &twice);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EINTR));
  CHECK_OK(co_sleep(500 * US));
  CHECK_OK(co_interrupt(co, EBUSY));
  atomic_store(&go, 1);
  conf_join(co);
  CHECK_EQ(twice.status, -EINTR);
  CHECK_EQ(twice.again, -EBUSY);
  CHECK_EQ(twice.w.deaf, 2);
}

/* A number goes down through the groups by turns, and its sum comes back. */
static void *sum(void *arg) {
  uintptr_t n = (uintptr_t)arg;
  void *rest = NULL;
  CHECK_EQ(co_group_self(), n % 2 ? one : two);
  if (n == 0)
    return NULL;
  CHECK_OK(co_group_call(n % 2 ? two : one, sum, (void *)(n - 1), &rest, CO_FOREVER));
  return (void *)((uintptr_t)rest + n);
}

/* No lock: one group's coroutines run one at a time. */
static long counter;

static void *increment(void *arg) {
  long seen = counter;
  counter = seen + 1;
  return arg;
}

static void *many(void *arg) {
  uint64_t seed = (uint64_t)(uintptr_t)arg;
  for (uintptr_t i = 0; i < 300; i++)
    CHECK_OK(co_group_call(one, increment, (void *)i, NULL, CO_FOREVER));
  for (int i = 0; i < 50; i++) { /* stopped at any moment: the frame is not left too soon */
    work_t w = {.sleeps = (int64_t)(conf_rand(&seed) % 50000)};
    void *result = NULL;
    int r = co_group_call(two, work, &w, &result, 1 + (int64_t)(conf_rand(&seed) % 50000));
    CHECK(r == 0 || r == -ETIMEDOUT);
    CHECK_EQ(w.calls, 1);
    CHECK(result == &w.sleeps);
    memset(&w, 0xff, sizeof w);
  }
  return NULL;
}

static void body(void) {
  co_group_attr_t ga = {.size = sizeof ga};
  CHECK_OK(co_group_create(&one, &ga));
  CHECK_OK(co_group_create(&two, &ga));
  there_and_back();
  conf_on_thread(on_thread, NULL);
  errors();
  late();
  stopped();
  void *total = NULL;
  CHECK_OK(co_group_call(two, sum, (void *)100, &total, CO_FOREVER));
  CHECK_EQ((uintptr_t)total, 5050);
  co_t all[8];
  for (uint32_t i = 0; i < COUNT_OF(all); i++)
    all[i] = conf_spawn_on(i % 2 + 1, many, (void *)(uintptr_t)(i + 1));
  conf_on_thread(many, (void *)99);
  for (size_t i = 0; i < COUNT_OF(all); i++)
    conf_join(all[i]);
  CHECK_EQ(counter, 9 * 300);
  CHECK_OK(co_group_destroy(one, CO_FOREVER));
  CHECK_OK(co_group_destroy(two, CO_FOREVER));
}

CASE(body)
