#include "scope.h"

static void *echo(void *arg) {
  return arg;
}

static void *fails_first(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  return co_scope_fail(*(int *)arg);
}

/* When another child has failed. */
static void *fails_second(void *arg) {
  while (scope_info(co_scope_self()).error == 0)
    CHECK_OK(co_sleep(100 * US));
  return co_scope_fail(*(int *)arg);
}

static void *until_cancelled(void *arg) {
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  return arg;
}

static void *fails_when_cancelled(void *arg) {
  (void)arg;
  return co_scope_fail(co_sleep(CO_FOREVER));
}

static void *succeeds(void *arg) {
  CHECK_OK(co_sleep(MS));
  return arg;
}

static void *succeeds_second(void *arg) {
  while (scope_info(co_scope_self()).error == 0)
    CHECK_OK(co_sleep(100 * US));
  return arg;
}

static int eio = -EIO, enoent = -ENOENT;

static void all(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, fails_first, &eio), 0);
  CHECK_EQ(co_scope_spawn(s, succeeds_second, &s), 1);
  CHECK_EQ(co_scope_spawn(s, fails_second, &enoent), 2);
  void *r = NULL;
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), EIO); /* the first, and all are waited for */
  CHECK_ERR(co_scope_result(s, 0, &r), EIO);
  CHECK_OK(co_scope_result(s, 1, &r));
  CHECK(r == &s);
  CHECK_ERR(co_scope_result(s, 2, &r), ENOENT);
  CHECK(r == NULL);
  co_scope_info_t info = scope_info(s);
  CHECK_EQ(info.cancelled, 0);
  CHECK_EQ(info.error, -EIO);
  CHECK_EQ(info.failed, 0);
  CHECK_EQ(info.succeeded, 1);
  CHECK(info.result == &s);
  CHECK_EQ(info.running, 0);
  CHECK_EQ(info.spawned, 3);
  CHECK_EQ(info.deadline, CO_FOREVER);
  CHECK_EQ(co_scope_spawn(s, echo, &r), 3); /* and more, after a wait */
  CHECK_ERR(co_scope_wait(s, SEC), EIO);
  CHECK_ERR(co_scope_close(s), EIO);
  CHECK_ERR(co_scope_close(s), ESRCH);
}

static void well(void) {
  co_scope_t s = scope_open(CO_SCOPE_FAIL_FAST, 0, 0);
  CHECK_OK(co_scope_wait(s, CO_NOW)); /* no children yet */
  char results[40];
  for (int i = 0; i < 40; i++)
    CHECK_EQ(co_scope_spawn(s, i % 2 ? echo : succeeds, &results[i]), i);
  CHECK_ERR(co_scope_wait(s, CO_NOW), EAGAIN);
  CHECK_ERR(co_scope_wait(s, US), ETIMEDOUT); /* the wait's own; they go on */
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  for (int i = 0; i < 40; i++) {
    void *r = NULL;
    CHECK_OK(co_scope_result(s, i, &r));
    CHECK(r == &results[i]);
    CHECK_OK(co_scope_result(s, i, NULL));
  }
  CHECK_OK(co_scope_close(s));
}

static void fail_fast(void) {
  co_scope_t s = scope_open(CO_SCOPE_FAIL_FAST, 0, 0);
  CHECK_EQ(co_scope_spawn(s, until_cancelled, &s), 0);
  CHECK_EQ(co_scope_spawn(s, fails_when_cancelled, NULL), 1);
  CHECK_EQ(co_scope_spawn(s, fails_first, &eio), 2);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), EIO);
  void *r = NULL;
  CHECK_OK(co_scope_result(s, 0, &r)); /* it was cancelled, and ended well all the same */
  CHECK(r == &s);
  CHECK_ERR(co_scope_result(s, 1, &r), ECANCELED);
  co_scope_info_t info = scope_info(s);
  CHECK_EQ(info.cancelled, 1);
  CHECK_EQ(info.failed, 2);
  CHECK_EQ(info.succeeded, -1); /* after the cancel nothing counts */
  CHECK_ERR(co_scope_spawn(s, echo, NULL), ECANCELED);
  CHECK_OK(co_scope_cancel(s));
  CHECK_ERR(co_scope_close(s), EIO);
}

static void first(void) {
  co_scope_t s = scope_open(CO_SCOPE_FIRST, 0, 0);
  CHECK_EQ(co_scope_spawn(s, until_cancelled, NULL), 0);
  CHECK_EQ(co_scope_spawn(s, fails_first, &eio), 1);
  CHECK_EQ(co_scope_spawn(s, succeeds_second, &s), 2);
  CHECK_EQ(co_scope_spawn(s, fails_when_cancelled, NULL), 3);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  co_scope_info_t info = scope_info(s);
  CHECK_EQ(info.cancelled, 1);
  CHECK_EQ(info.succeeded, 2);
  CHECK(info.result == &s);
  CHECK_EQ(info.error, -EIO);
  CHECK_OK(co_scope_close(s));
  /* None succeeds: the first error. */
  s = scope_open(CO_SCOPE_FIRST, 0, 0);
  CHECK_EQ(co_scope_spawn(s, fails_first, &enoent), 0);
  CHECK_EQ(co_scope_spawn(s, fails_second, &eio), 1);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ENOENT);
  CHECK_EQ(scope_info(s).succeeded, -1);
  CHECK_ERR(co_scope_close(s), ENOENT);
}

static void *last_counts(void *arg) {
  CHECK(co_scope_fail(-EIO) == NULL);
  CHECK(co_scope_fail(0) == NULL);
  CHECK(co_scope_fail(*(int *)arg) == NULL);
  return arg;
}

static void fail_values(void) {
  static const struct {
    int given, got;
  } table[] = {{0, 0}, {-1, -1}, {-4095, -4095}, {-4096, -EINVAL}, {1, -EINVAL}, {INT_MIN, -EINVAL}};
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  for (int i = 0; i < (int)COUNT_OF(table); i++)
    CHECK_EQ(co_scope_spawn(s, last_counts, (void *)&table[i].given), i);
  CHECK(co_scope_wait(s, CO_FOREVER) < 0);
  for (int i = 0; i < (int)COUNT_OF(table); i++) {
    void *r = NULL;
    CHECK_EQ(co_scope_result(s, i, &r), table[i].got);
    CHECK(r == &table[i].given); /* what it returned is kept, failed or not */
  }
  CHECK(co_scope_close(s) < 0);
  CHECK(co_scope_fail(-EIO) == NULL); /* no child: nothing happens */
}

static void body(void) {
  all();
  well();
  fail_fast();
  first();
  fail_values();
}

CASE(body)
