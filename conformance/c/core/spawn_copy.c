#include "check.h"

typedef struct {
  size_t size, align;
  uint64_t seed;
} shape_t;

static void fill(unsigned char *p, size_t size, uint64_t seed) {
  for (size_t i = 0; i < size; i++)
    p[i] = (unsigned char)conf_rand(&seed);
}

static void same(const unsigned char *p, size_t size, uint64_t seed) {
  for (size_t i = 0; i < size; i++)
    if (p[i] != (unsigned char)conf_rand(&seed))
      FAIL("byte %zu of %zu differs", i, size);
}

/* The shape comes through a static: the environment is all pattern. */
static shape_t shape;

static void *child(void *arg) {
  shape_t s = shape;
  CHECK_EQ((uintptr_t)arg % s.align, 0);
  CHECK(co_env(co_self()) == arg);
  same(arg, s.size, s.seed);
  CHECK_OK(co_sleep(0));
  same(arg, s.size, s.seed);
  fill(arg, s.size, s.seed + 1); /* the results, where the closure was */
  return arg;
}

static void copy(size_t size, size_t align) {
  static unsigned char env[128 * 1024];
  void *result = NULL;
  co_t co = 0;
  shape = (shape_t){size, align, size * 31 + align};
  fill(env, size, shape.seed);
  CHECK_OK(co_spawn_copy(&co, NULL, child, env, size, align));
  memset(env, 0xee, size); /* ours again */
  unsigned char *there = co_env(co);
  CHECK(there != NULL && (there < env || there >= env + sizeof env));
  CHECK_OK(co_wait(co, CO_FOREVER));
  CHECK(co_env(co) == there);
  same(there, size, shape.seed + 1);
  CHECK_OK(co_join(co, &result, CO_FOREVER));
  CHECK(result == there);
  CHECK(co_env(co) == NULL);
}

static void *end(void *arg) {
  return arg;
}

static void *never(void *arg) {
  FAIL("a refused coroutine runs");
  return arg;
}

static atomic_int detached;

static void *count(void *arg) {
  atomic_fetch_add(&detached, *(int *)arg);
  return NULL;
}

/* What a closure gives is copied out by the join itself, by one joiner only. */
static void *doubles(void *arg) {
  uint64_t *n = arg;
  n[1] = n[0] * 2;
  CHECK_OK(co_sleep(0));
  return arg;
}

static void *sleeps(void *arg) {
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  CHECK_EQ(co_cancel_clear(), 1);
  return doubles(arg);
}

static void join_copies(void) {
  static const uint64_t env[2] = {21, 0};
  uint64_t got[2] = {7, 7};
  void *result = NULL;
  co_t co = 0;
  for (int late = 0; late < 2; late++) { /* waits for the end, and comes after it */
    CHECK_OK(co_spawn_copy(&co, NULL, doubles, env, sizeof env, _Alignof(uint64_t)));
    if (late)
      CHECK_OK(co_wait(co, CO_FOREVER));
    else
      CHECK_ERR(co_join_copy(co, NULL, 8, got, 8, CO_NOW), EAGAIN);
    void *there = co_env(co);
    CHECK_ERR(co_join_copy(co, &result, 8, NULL, 8, CO_FOREVER), EINVAL);
    CHECK_OK(co_join_copy(co, &result, 8, got, 8, CO_FOREVER));
    CHECK(result == there);
    CHECK_EQ(got[0], 42);
    CHECK_EQ(got[1], 7);
    CHECK_ERR(co_join_copy(co, NULL, 8, got, 8, CO_FOREVER), ESRCH);
    got[0] = 7;
  }
  CHECK_OK(co_spawn_copy(&co, NULL, doubles, env, sizeof env, _Alignof(uint64_t)));
  CHECK_OK(co_join_copy(co, NULL, 0, NULL, 0, CO_FOREVER));
  /* A join that is stopped has copied nothing, and can be made again. */
  CHECK_OK(co_spawn_copy(&co, NULL, sleeps, env, sizeof env, _Alignof(uint64_t)));
  got[0] = 7;
  CHECK_ERR(co_join_copy(co, NULL, 8, got, 8, MS), ETIMEDOUT);
  CHECK_ERR(co_join_copy(co, NULL, 8, got, 8, -2), EINVAL);
  CHECK_OK(co_interrupt(co_self(), EINTR));
  CHECK_ERR(co_join_copy(co, NULL, 8, got, 8, CO_FOREVER), EINTR);
  CHECK_OK(co_cancel(co_self()));
  CHECK_ERR(co_join_copy(co, NULL, 8, got, 8, CO_FOREVER), ECANCELED);
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_EQ(got[0], 7);
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_join_copy(co, NULL, 8, got, 8, CO_FOREVER));
  CHECK_EQ(got[0], 42);
  co = conf_spawn(end, NULL);
  CHECK_ERR(co_join_copy(co, NULL, 0, got, 8, CO_FOREVER), EINVAL);
  conf_join(co);
}

static void errors(void) {
  static char env[8193];
  co_t co = 77;
  co_attr_t attr = conf_attr();
  CHECK_ERR(co_spawn_copy(&co, NULL, never, NULL, 1, 1), EINVAL);
  CHECK_ERR(co_spawn_copy(&co, NULL, never, env, 1, 0), EINVAL);
  CHECK_ERR(co_spawn_copy(&co, NULL, never, env, 1, 3), EINVAL);
  CHECK_ERR(co_spawn_copy(&co, NULL, never, env, 1, 8192), EINVAL);
  CHECK_ERR(co_spawn_copy(&co, NULL, NULL, env, 1, 1), EINVAL);
  CHECK_ERR(co_spawn_copy(&co, NULL, never, env, SIZE_MAX, 1), E2BIG);
  CHECK_ERR(co_spawn_copy(&co, NULL, never, env, 256 * 1024, 1), E2BIG);
  attr.stack_size = 16 * 1024;
  CHECK_ERR(co_spawn_copy(&co, &attr, never, env, sizeof env, 1), E2BIG);
  CHECK_EQ(co, 77);
  CHECK_EQ(conf_stats().live, 1);
}

static void body(void) {
  static const size_t sizes[] = {1, 2, 7, 8, 15, 64, 1000, 4096, 4097, 30000, 100000, 128 * 1024};
  for (size_t align = 1; align <= 4096; align *= 2)
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
      copy(sizes[i], align);

  co_t co = 0;
  CHECK_OK(co_spawn_copy(&co, NULL, end, NULL, 0, 1)); /* nothing to copy is allowed */
  conf_join(co);
  co = conf_spawn(end, NULL);
  CHECK(co_env(co) == NULL);
  conf_join(co);
  for (int one = 1, i = 0; i < 1000; i++)
    CHECK_OK(co_spawn_copy(NULL, NULL, count, &one, sizeof one, _Alignof(int)));
  conf_until_live(1);
  CHECK_EQ(atomic_load(&detached), 1000);
  join_copies();
  errors();
}

CASE(body)
