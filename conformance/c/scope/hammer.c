#include "scope.h"

/* A tree of scopes: each child opens one, spawns children into it, and anybody cancels anybody. */
#define ROOTS 8
#define SLOTS 64

static _Atomic co_scope_t known[SLOTS];
static atomic_long alive, begun;

static uint64_t seed_of(intptr_t n) {
  return (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void cancel_some(uint64_t *seed) {
  int err = co_scope_cancel(atomic_load(&known[conf_rand(seed) % SLOTS]));
  CHECK(err == 0 || err == -ESRCH);
}

static void *node(void *arg) {
  uint64_t seed = seed_of((intptr_t)arg);
  int level = (int)((intptr_t)arg % 8);
  atomic_fetch_add(&alive, 1);
  long me = atomic_fetch_add(&begun, 1);
  if (conf_rand(&seed) % 8 == 0)
    co_cancel_shield(1);
  co_scope_attr_t attr = scope_attr();
  attr.policy = (uint32_t)(conf_rand(&seed) % 3);
  attr.flags = conf_rand(&seed) % 8 == 0 ? CO_SCOPE_SHIELDED : 0;
  attr.timeout_ns = conf_rand(&seed) % 4 ? 0 : 1 + (int64_t)(conf_rand(&seed) % (2 * MS));
  co_scope_t s = 0;
  int err = co_scope_open(&s, &attr);
  CHECK(err == 0 || err == -ECANCELED);
  if (err == 0) {
    atomic_store(&known[conf_rand(&seed) % SLOTS], s);
    int n = level ? (int)(conf_rand(&seed) % 4) : 0;
    for (int i = 0; i < n; i++) {
      intptr_t child = (intptr_t)(me * 64 + i * 8 + level - 1);
      int got = co_scope_spawn(s, node, (void *)child);
      CHECK(got >= 0 || got == -ECANCELED);
      if (conf_rand(&seed) % 16 == 0)
        cancel_some(&seed);
    }
    switch (conf_rand(&seed) % 4) {
    case 0:
      co_sleep((int64_t)(conf_rand(&seed) % (200 * US)));
      break;
    case 1:
      co_yield_now();
      break;
    case 2:
      err = co_scope_wait(s, (int64_t)(conf_rand(&seed) % MS));
      CHECK(err <= 0);
      break;
    }
    err = co_scope_close(s);
    CHECK(err == 0 || err == -ECANCELED || err == -ETIME || err == -EIO);
    CHECK_ERR(co_scope_close(s), ESRCH);
  }
  atomic_fetch_sub(&alive, 1);
  return conf_rand(&seed) % 10 ? arg : co_scope_fail(-EIO);
}

static void *root(void *arg) {
  for (intptr_t i = 0; i < 300; i++) {
    co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
    for (intptr_t k = 0; k < 3; k++)
      CHECK_GE(co_scope_spawn(s, node, (void *)(((intptr_t)arg * 1000 + i * 3 + k) * 8 + 5)), 0);
    int err = co_scope_wait(s, CO_FOREVER);
    CHECK(err == 0 || err == -EIO);
    CHECK_EQ(scope_info(s).running, 0);
    CHECK_EQ(co_scope_close(s), err);
  }
  return arg;
}

static atomic_int stop;

static void *meddler(void *arg) {
  uint64_t seed = 99;
  while (!atomic_load(&stop)) {
    cancel_some(&seed);
    sched_yield();
  }
  return arg;
}

static void body(void) {
  co_t roots[ROOTS];
  pthread_t t = conf_thread(meddler, NULL), u = conf_thread(root, (void *)100);
  for (intptr_t i = 0; i < ROOTS; i++)
    roots[i] = conf_spawn(root, (void *)i);
  for (int i = 0; i < ROOTS; i++)
    conf_join(roots[i]);
  while (pthread_tryjoin_np(u, NULL))
    CHECK_OK(co_sleep(MS));
  atomic_store(&stop, 1);
  conf_thread_join(t);
  CHECK_EQ(atomic_load(&alive), 0);
  conf_until_live(1);
}

CASE(body)
