#include "scope.h"

static void *sleeps(void *arg) {
  int err = co_sleep(CO_FOREVER);
  CHECK_ERR(err, ECANCELED);
  return arg ? co_scope_fail(err) : NULL;
}

static void *quick(void *arg) {
  int err = co_sleep(MS);
  CHECK(err == 0 || err == -ECANCELED);
  return arg;
}

static void passes(void) {
  int64_t began = co_now();
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 20 * MS);
  int64_t at = co_scope_deadline();
  CHECK(at >= began + 20 * MS && at <= co_now() + 20 * MS);
  CHECK_EQ(scope_info(s).deadline, at);
  for (int i = 0; i < 10; i++)
    CHECK_EQ(co_scope_spawn(s, i % 2 ? quick : sleeps, &s), i);
  CHECK_ERR(co_scope_wait(s, 5 * MS), ETIMEDOUT); /* the wait's own */
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ETIME); /* the scope's */
  CHECK_GE(co_now(), at);
  CHECK_ERR(co_scope_result(s, 0, NULL), ECANCELED);
  CHECK_OK(co_scope_result(s, 1, NULL));
  CHECK_EQ(scope_info(s).failed, -1);
  CHECK_EQ(scope_info(s).error, -ETIME);
  CHECK_ERR(co_scope_spawn(s, quick, NULL), ECANCELED);
  CHECK_ERR(co_scope_close(s), ETIME);
  CHECK_EQ(co_scope_deadline(), CO_FOREVER);
}

/* What ends in time, or has failed before, is not changed by it. */
static void does_not_matter(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 2 * MS);
  CHECK_EQ(co_scope_spawn(s, quick, NULL), 0);
  while (scope_info(s).running)
    CHECK_OK(co_sleep(100 * US));
  int err = co_scope_wait(s, CO_NOW);
  CHECK(err == 0 || err == -ETIME); /* the child may have been late */
  CHECK_OK(co_sleep(4 * MS));
  CHECK_EQ(scope_info(s).cancelled, 1);
  CHECK_EQ(co_scope_close(s), err);
  s = scope_open(CO_SCOPE_ALL, 0, SEC * 100);
  CHECK_EQ(co_scope_spawn(s, quick, NULL), 0);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  s = scope_open(CO_SCOPE_FAIL_FAST, 0, INT64_MAX); /* too far for the clock: never */
  CHECK_OK(co_scope_close(s));
}

/* The owner itself is not cancelled; it is told by co_scope_wait only. */
static void owner_goes_on(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, MS);
  CHECK_OK(co_sleep(5 * MS));
  CHECK_EQ(co_cancel_pending(), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER)); /* it ended nobody */
  CHECK_OK(co_scope_close(s));
}

static void *inner_deadlines(void *arg) {
  const int64_t *outer = arg;
  CHECK_EQ(co_scope_deadline(), *outer);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 100 * SEC); /* cannot be later */
  CHECK_EQ(co_scope_deadline(), *outer);
  CHECK_EQ(scope_info(s).deadline, *outer);
  CHECK_EQ(co_scope_spawn(s, sleeps, NULL), 0);
  co_scope_t t = scope_open(CO_SCOPE_ALL, 0, MS); /* but earlier */
  CHECK(co_scope_deadline() < *outer);
  CHECK_EQ(co_scope_spawn(t, sleeps, NULL), 0);
  CHECK_ERR(co_scope_wait(t, CO_FOREVER), ETIME);
  CHECK(co_now() < *outer || co_scope_wait(s, CO_FOREVER) == -ETIME || co_cancel_pending());
  CHECK_ERR(co_scope_close(t), ETIME);
  co_scope_t u = scope_open(CO_SCOPE_ALL, CO_SCOPE_SHIELDED, 0); /* and not at all */
  CHECK_EQ(co_scope_deadline(), CO_FOREVER);
  CHECK_OK(co_scope_close(u));
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ETIME); /* the outer one's, which has come down */
  CHECK_ERR(co_scope_close(s), ETIME);
  return co_scope_fail(-EIO); /* too late to count */
}

static void nested(void) {
  co_scope_t s = scope_open(CO_SCOPE_FAIL_FAST, 0, 60 * MS);
  int64_t at = co_scope_deadline();
  CHECK_EQ(co_scope_spawn(s, inner_deadlines, &at), 0);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ETIME);
  CHECK_ERR(co_scope_close(s), ETIME);
}

/* Thousands at a time, most of them closed before their deadline: an alarm that comes late hits
 * nobody else. */
static void *short_lived(void *arg) {
  uint64_t seed = (uintptr_t)arg;
  for (int i = 0; i < 100; i++) {
    co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 1 + (int64_t)(conf_rand(&seed) % 400) * US);
    CHECK_GE(co_scope_spawn(s, i % 3 ? quick : sleeps, NULL), 0);
    if (i % 12 == 0) /* then it sleeps */
      CHECK_ERR(co_scope_wait(s, CO_FOREVER), ETIME);
    int err = co_scope_close(s);
    CHECK(err == -ETIME || err == -ECANCELED || (err == 0 && i % 3));
    s = scope_open(CO_SCOPE_ALL, 0, 0);
    CHECK_GE(co_scope_spawn(s, quick, NULL), 0);
    if (i % 10 == 0)
      CHECK_OK(co_scope_wait(s, CO_FOREVER)); /* nobody else's deadline has come here */
    err = co_scope_close(s);
    CHECK(err == 0 || (err == -ECANCELED && i % 10));
  }
  return NULL;
}

static void *thread_deadline(void *arg) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 10 * MS);
  CHECK_EQ(co_scope_spawn(s, sleeps, NULL), 0);
  CHECK_ERR(co_scope_wait(s, MS), ETIMEDOUT);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ETIME);
  CHECK_ERR(co_scope_close(s), ETIME);
  return arg;
}

static void body(void) {
  passes();
  does_not_matter();
  owner_goes_on();
  nested();
  co_t cos[20];
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    cos[i] = conf_spawn(short_lived, &cos[i]);
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    conf_join(cos[i]);
  conf_on_thread(thread_deadline, NULL);
}

CASE(body)
