#include "scope.h"

static void *echo(void *arg) {
  return arg;
}

static co_scope_t shared;

static void *from_inside(void *arg) {
  CHECK_EQ(co_scope_self(), shared);
  CHECK_ERR(co_scope_wait(shared, CO_NOW), EDEADLK);
  CHECK_ERR(co_scope_close(shared), EDEADLK);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_ERR(co_scope_wait(shared, CO_NOW), EDEADLK);
  CHECK_EQ(co_scope_self(), shared); /* what it is a child of */
  CHECK_OK(co_scope_close(s));
  return arg;
}

static void *deeper(void *arg) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, CO_SCOPE_SHIELDED, 0);
  CHECK_EQ(co_scope_self(), shared);
  CHECK_ERR(co_scope_close(shared), EDEADLK);
  CHECK_OK(co_scope_close(s));
  return arg;
}

static void *not_the_owner(void *arg) {
  CHECK_EQ(co_scope_self(), 0);
  CHECK_ERR(co_scope_wait(shared, CO_NOW), EPERM);
  CHECK_ERR(co_scope_close(shared), EPERM);
  CHECK_GE(co_scope_spawn(shared, echo, NULL), 0); /* this anybody may */
  CHECK_EQ(scope_info(shared).policy, CO_SCOPE_ALL);
  return arg;
}

static void handles(void) {
  const co_scope_t gone = shared;
  const co_scope_t bad[] = {0, 1, UINT64_MAX, gone, gone + (UINT64_C(1) << 32), gone ^ 2048, co_self()};
  co_scope_info_t info = {.size = sizeof info};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    CHECK_ERR(co_scope_spawn(bad[i], echo, NULL), ESRCH);
    CHECK_ERR(co_scope_spawn_with(bad[i], NULL, echo, NULL), ESRCH);
    CHECK_ERR(co_scope_spawn_copy(bad[i], NULL, echo, NULL, 0, 1), ESRCH);
    CHECK_ERR(co_scope_wait(bad[i], CO_FOREVER), ESRCH);
    CHECK_ERR(co_scope_cancel(bad[i]), ESRCH);
    CHECK_ERR(co_scope_close(bad[i]), ESRCH);
    CHECK_ERR(co_scope_result(bad[i], 0, NULL), ESRCH);
    CHECK_ERR(co_scope_info(bad[i], &info), ESRCH);
  }
}

static void opening(void) {
  co_scope_t s = 7;
  co_scope_attr_t attr = scope_attr();
  CHECK_ERR(co_scope_open(NULL, NULL), EINVAL);
  attr.policy = 3;
  CHECK_ERR(co_scope_open(&s, &attr), EINVAL);
  attr = scope_attr();
  attr.flags = 4;
  CHECK_ERR(co_scope_open(&s, &attr), EINVAL);
  attr = scope_attr();
  attr.reserved = 1;
  CHECK_ERR(co_scope_open(&s, &attr), EINVAL);
  attr = scope_attr();
  attr.timeout_ns = -2;
  CHECK_ERR(co_scope_open(&s, &attr), EINVAL);
  attr = scope_attr();
  attr.size = 4;
  CHECK_ERR(co_scope_open(&s, &attr), EINVAL);
  struct {
    co_scope_attr_t attr;
    uint64_t more;
  } newer = {.attr = scope_attr(), .more = 1};
  newer.attr.size = sizeof newer;
  CHECK_ERR(co_scope_open(&s, &newer.attr), E2BIG);
  CHECK_EQ(s, 7);
  newer.more = 0;
  CHECK_OK(co_scope_open(&s, &newer.attr));
  CHECK_OK(co_scope_close(s));
  attr = scope_attr();
  attr.timeout_ns = CO_FOREVER;
  CHECK_OK(co_scope_open(&s, &attr));
  CHECK_EQ(co_scope_deadline(), CO_FOREVER);
  CHECK_OK(co_scope_close(s));
}

static void spawning(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  co_attr_t attr = conf_attr();
  char env[64] = "";
  CHECK_ERR(co_scope_spawn(s, NULL, NULL), EINVAL);
  CHECK_ERR(co_scope_spawn_with(s, NULL, NULL, NULL), EINVAL);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, NULL, env, 1, 1), EINVAL);
  attr.flags = CO_DETACHED;
  CHECK_ERR(co_scope_spawn_with(s, &attr, echo, NULL), EINVAL);
  attr.flags = 1u << 30;
  CHECK_ERR(co_scope_spawn_with(s, &attr, echo, NULL), EINVAL);
  attr = conf_attr();
  attr.stack_size = UINT64_MAX;
  CHECK_ERR(co_scope_spawn_with(s, &attr, echo, NULL), EINVAL);
  attr = conf_attr();
  attr.group = 12345;
  CHECK_ERR(co_scope_spawn_with(s, &attr, echo, NULL), ESRCH);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, echo, NULL, 1, 1), EINVAL);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, echo, env, 1, 0), EINVAL);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, echo, env, 1, 3), EINVAL);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, echo, env, 1, 8192), EINVAL);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, echo, env, SIZE_MAX, 1), E2BIG);
  CHECK_ERR(co_scope_spawn_copy(s, NULL, echo, env, (size_t)1 << 30, 1), E2BIG);
  /* None of these left a trace. */
  CHECK_EQ(scope_info(s).spawned, 0);
  CHECK_EQ(scope_info(s).running, 0);
  CHECK_EQ(co_scope_spawn(s, echo, NULL), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  void *r = &r;
  CHECK_ERR(co_scope_result(s, 1, &r), EINVAL);
  CHECK_ERR(co_scope_result(s, -1, &r), EINVAL);
  CHECK_ERR(co_scope_result(s, INT_MAX, &r), EINVAL);
  CHECK(r == &r);
  co_scope_info_t info = {.size = 4};
  CHECK_ERR(co_scope_info(s, NULL), EINVAL);
  CHECK_ERR(co_scope_info(s, &info), EINVAL);
  CHECK_ERR(co_scope_wait(s, -2), EINVAL);
  CHECK_OK(co_scope_close(s));
}

static void *waits(void *arg) {
  (void)arg;
  return co_scope_fail(co_sleep(CO_FOREVER));
}

static void running(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0), inner;
  CHECK_EQ(co_scope_spawn(s, waits, NULL), 0);
  CHECK_ERR(co_scope_result(s, 0, NULL), EINPROGRESS);
  CHECK_OK(co_scope_open(&inner, NULL));
  CHECK_ERR(co_scope_close(s), EBUSY); /* the inner one first; nothing is done */
  CHECK_EQ(scope_info(s).cancelled, 0);
  CHECK_OK(co_scope_close(inner));
  CHECK_OK(co_interrupt(co_self(), EINTR));
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), EINTR);
  CHECK_OK(co_cancel(co_self()));
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ECANCELED);
  CHECK_EQ(scope_info(s).cancelled, 0);
  CHECK_ERR(co_scope_close(s), ECANCELED); /* waits, cancelled or not */
  CHECK_EQ(co_cancel_clear(), 1);
}

static void body(void) {
  opening();
  CHECK_EQ(co_scope_self(), 0);
  CHECK_EQ(co_scope_deadline(), CO_FOREVER);
  shared = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_GE(co_scope_spawn(shared, from_inside, NULL), 0);
  CHECK_GE(co_scope_spawn(shared, deeper, NULL), 0);
  conf_join(conf_spawn(not_the_owner, NULL));
  conf_on_thread(not_the_owner, NULL);
  CHECK_OK(co_scope_wait(shared, CO_FOREVER));
  CHECK_OK(co_scope_close(shared));
  handles();
  spawning();
  running();
}

CASE(body)
