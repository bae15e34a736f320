#include "scope.h"

#define MANY 10000

static void *echo(void *arg) {
  co_yield_now();
  return arg;
}

static void *square(void *arg) {
  const int *n = arg;
  CHECK_EQ((uintptr_t)arg % 64, 0);
  CHECK(co_env(co_self()) == arg);
  intptr_t r = (intptr_t)*n * *n;
  co_yield_now();
  CHECK_EQ(r, (intptr_t)*n * *n);
  return (void *)r;
}

static void many(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  for (intptr_t i = 0; i < MANY; i++)
    CHECK_EQ(co_scope_spawn(s, echo, (void *)(i + 1)), i);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  for (intptr_t i = 0; i < MANY; i++) {
    void *r = NULL;
    CHECK_OK(co_scope_result(s, (int)i, &r));
    CHECK_EQ((intptr_t)r, i + 1);
  }
  CHECK_OK(co_scope_close(s));
  s = scope_open(CO_SCOPE_FAIL_FAST, 0, 0);
  for (int i = 0; i < MANY; i++) {
    CHECK_EQ(co_scope_spawn_copy(s, NULL, square, &i, sizeof i, 64), i);
    if (i % 500 == 0)
      CHECK_OK(co_scope_wait(s, CO_FOREVER));
  }
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  for (int i = 0; i < MANY; i++) {
    void *r = NULL;
    CHECK_OK(co_scope_result(s, i, &r));
    CHECK_EQ((intptr_t)r, (intptr_t)i * i);
  }
  CHECK_OK(co_scope_close(s));
}

static void *sleeps(void *arg) {
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  atomic_fetch_add((atomic_int *)arg, 1);
  return arg;
}

static void many_cancelled(void) {
  atomic_int ended = 0;
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  for (int i = 0; i < MANY; i++)
    CHECK_EQ(co_scope_spawn(s, sleeps, &ended), i);
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(scope_info(s).running, MANY);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  CHECK_EQ(atomic_load(&ended), MANY);
}

/* A scope that lives long: nothing is kept of children that have ended. */
static void without_results(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, CO_SCOPE_NO_RESULTS, 0);
  for (int i = 0; i < 20 * MANY; i++) {
    CHECK_EQ(co_scope_spawn(s, echo, &s), 0);
    if (i % 64 == 0)
      co_yield_now();
  }
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_EQ(scope_info(s).spawned, 20 * MANY);
  CHECK_EQ(scope_info(s).succeeded, 0);
  CHECK(scope_info(s).result == &s);
  CHECK_ERR(co_scope_result(s, 0, NULL), EINVAL);
  CHECK_OK(co_scope_close(s));
}

static void *in_group(void *arg) {
  CHECK_EQ(co_group_self(), *(co_group_t *)arg);
  CHECK_EQ(conf_info(co_self()).stack_size, 32 * 1024);
  return arg;
}

static void *of_other_group(void *arg) {
  CHECK(co_group_self() != *(co_group_t *)arg);
  CHECK_EQ(conf_info(co_self()).stack_size, 256 * 1024);
  return arg;
}

/* Where children run: as the scope says, unless their own attributes say otherwise. */
static void places(void) {
  co_group_t group, self = co_group_self();
  CHECK_OK(co_group_create(&group, NULL));
  co_scope_attr_t scope = scope_attr();
  scope.group = group;
  scope.stack_size = 20 * 1024;
  co_scope_t s;
  CHECK_OK(co_scope_open(&s, &scope));
  CHECK_EQ(co_scope_spawn(s, in_group, &group), 0);
  co_attr_t attr = conf_attr();
  attr.group = self;
  attr.stack_size = 256 * 1024;
  attr.name = "child";
  CHECK_EQ(co_scope_spawn_with(s, &attr, of_other_group, &group), 1);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

static co_scope_t shared;

/* Children spawn their siblings. */
static void *grows(void *arg) {
  intptr_t n = (intptr_t)arg;
  if (n > 0) {
    CHECK_GE(co_scope_spawn(co_scope_self(), grows, (void *)(n - 1)), 0);
    CHECK_GE(co_scope_spawn(shared, grows, (void *)(n - 1)), 0);
  }
  return arg;
}

static void *thread(void *arg) {
  for (int i = 0; i < 1000; i++)
    CHECK_GE(co_scope_spawn(shared, echo, arg), 0);
  return arg;
}

static void by_all(void) {
  shared = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(shared, grows, (void *)9), 0);
  pthread_t t = conf_thread(thread, NULL);
  CHECK_OK(co_scope_wait(shared, CO_FOREVER));
  while (scope_info(shared).spawned < 1023 + 1000)
    CHECK_OK(co_sleep(MS));
  conf_thread_join(t);
  CHECK_OK(co_scope_wait(shared, CO_FOREVER));
  CHECK_EQ(scope_info(shared).spawned, 1023 + 1000);
  CHECK_OK(co_scope_close(shared));
}

static void *owner_thread(void *arg) {
  many();
  co_scope_t s = scope_open(CO_SCOPE_FAIL_FAST, 0, 0);
  CHECK_EQ(co_scope_spawn(s, echo, arg), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
  return arg;
}

static void body(void) {
  many();
  many_cancelled();
  without_results();
  places();
  by_all();
  conf_on_thread(owner_thread, NULL);
  conf_until_live(1);
}

CASE(body)
