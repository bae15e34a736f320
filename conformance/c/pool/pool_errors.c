#include "check.h"

/* Bad arguments, bad handles, what can't be had. */
static void *work(void *arg) { return arg; }
static void *destroys(void *arg) {
  CHECK_ERR(co_pool_close(*(co_pool_t *)arg, CO_FOREVER), EDEADLK);
  return arg;
}
static void *spawns(void *arg) { /* a child in the pool's own group may not close it either */
  conf_join(conf_spawn(destroys, arg));
  return arg;
}

static void *body_of_case(void *arg) {
  co_pool_t pool = 0;
  co_pool_attr_t attr = {.size = sizeof attr};
  co_pool_info_t info = {.size = sizeof info};
  void *result = &attr;
  CHECK_ERR(co_pool_new(NULL, NULL), EINVAL);
  CHECK_ERR(co_pool_new(NULL, &attr), EINVAL);
#define BAD(field, value, err)             \
  do {                                            \
    attr = (co_pool_attr_t){.size = sizeof attr}; \
    attr.field = value;                           \
    CHECK_ERR(co_pool_new(&pool, &attr), err);    \
    CHECK_EQ(pool, 0);                            \
  } while (0)
  BAD(size, 4, EINVAL);
  BAD(flags, CO_DETACHED, EINVAL);
  BAD(flags, 1u << 30, EINVAL);
  BAD(reserved, 1, EINVAL);
  BAD(stack_size, UINT64_MAX, EINVAL);
  BAD(idle_ns, -2, EINVAL);
  BAD(group, 77777, ESRCH);
  BAD(vcpus, 257, EINVAL);
  attr = (co_pool_attr_t){.size = sizeof attr};
  attr.vcpus = 1;
  attr.group = co_group_self();
  CHECK_ERR(co_pool_new(&pool, &attr), EINVAL);
  struct {
    co_pool_attr_t attr;
    uint64_t more;
  } longer = {{.size = sizeof longer}, 1};
  CHECK_ERR(co_pool_new(&pool, &longer.attr), E2BIG);
  longer.more = 0;
  CHECK_OK(co_pool_new(&pool, &longer.attr));

  CHECK_ERR(co_pool_submit(pool, NULL, NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_pool_submit(pool, work, NULL, -2), EINVAL);
  CHECK_ERR(co_pool_call(pool, NULL, NULL, &result, CO_FOREVER), EINVAL);
  CHECK_ERR(co_pool_call(pool, work, NULL, &result, -2), EINVAL);
  CHECK_ERR(co_pool_call(pool, work, NULL, &result, CO_NOW), EAGAIN);
  CHECK(result == &attr);
  CHECK_ERR(co_pool_wait(pool, -2), EINVAL);
  CHECK_ERR(co_pool_close(pool, -2), EINVAL);
  CHECK_ERR(co_pool_info(pool, NULL), EINVAL);
  info.size = 4;
  CHECK_ERR(co_pool_info(pool, &info), EINVAL);
  CHECK_OK(co_pool_wait(pool, CO_NOW));
  CHECK_OK(co_pool_call(pool, work, &info, &result, CO_FOREVER));
  CHECK(result == &info);
  CHECK_OK(co_pool_close(pool, CO_FOREVER));

  uint64_t rng = 7;
  for (int i = 0; i < 10000; i++) {
    co_pool_t forged = i < 3 ? (co_pool_t)i : conf_rand(&rng);
    info.size = sizeof info;
    CHECK_ERR(co_pool_submit(forged, work, NULL, CO_FOREVER), ESRCH);
    CHECK_ERR(co_pool_call(forged, work, NULL, NULL, CO_FOREVER), ESRCH);
    CHECK_ERR(co_pool_wait(forged, CO_FOREVER), ESRCH);
    CHECK_ERR(co_pool_close(forged, CO_FOREVER), ESRCH);
    CHECK_ERR(co_pool_info(forged, &info), ESRCH);
  }
  CHECK_ERR(co_pool_info(pool, &info), ESRCH);

  attr = (co_pool_attr_t){.size = sizeof attr, .vcpus = 1};
  CHECK_OK(co_pool_new(&pool, &attr));
  CHECK_OK(co_pool_call(pool, spawns, &pool, NULL, CO_FOREVER));
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  CHECK_OK(co_run(&cfg, body_of_case, NULL, NULL));
}

PLAIN_CASE(body)
