#include "check.h"

#define MANY 4096

static co_key_t shared;

static void *alone(void *arg) {
  CHECK(co_local_get(shared) == NULL); /* nothing is inherited */
  CHECK_OK(co_local_set(shared, arg));
  for (int i = 0; i < 20; i++) {
    CHECK(co_local_get(shared) == arg);
    co_yield_now();
  }
  return arg;
}

static void *on_thread(void *arg) {
  CHECK(co_local_get(shared) == NULL);
  CHECK_OK(co_local_set(shared, arg));
  CHECK(co_local_get(shared) == arg);
  CHECK_OK(co_local_set(shared, NULL));
  CHECK(co_local_get(shared) == NULL);
  return arg;
}

static void *migrates(void *arg) {
  CHECK_OK(co_local_set(shared, arg));
  for (uint32_t i = 0; i < 8; i++) {
    CHECK_OK(co_migrate(co_self(), 0, i % conf_vcpus() + 1));
    CHECK(co_local_get(shared) == arg);
  }
  return arg;
}

static void stale(void) {
  co_key_t key, again;
  CHECK_ERR(co_key_new(NULL, NULL), EINVAL);
  CHECK_OK(co_key_new(&key, NULL));
  CHECK_OK(co_local_set(key, &key));
  CHECK_OK(co_key_free(key));
  CHECK_ERR(co_key_free(key), ESRCH);
  CHECK(co_local_get(key) == NULL);
  CHECK_ERR(co_local_set(key, &key), ESRCH);
  const co_key_t forged[] = {0, 1, UINT64_MAX, key + (UINT64_C(1) << 32), key ^ 2048, 4096};
  for (size_t i = 0; i < COUNT_OF(forged); i++) {
    CHECK(co_local_get(forged[i]) == NULL);
    CHECK_ERR(co_local_set(forged[i], &key), ESRCH);
    CHECK_ERR(co_key_free(forged[i]), ESRCH);
  }
  /* Through all slots, the freed one among them: a new key reads nothing of an old one. */
  for (int i = 0; i < MANY + 10; i++) {
    CHECK_OK(co_key_new(&again, NULL));
    CHECK(co_local_get(again) == NULL);
    CHECK_OK(co_key_free(again));
  }
}

static void exhausted(void) {
  static co_key_t keys[MANY];
  int made = 0, err = 0;
  while (made < MANY && (err = co_key_new(&keys[made], NULL)) == 0)
    made++;
  CHECK_GE(made, 1024);
  co_key_t more = 7;
  CHECK_ERR(co_key_new(&more, NULL), EAGAIN);
  CHECK_EQ(more, 7);
  for (int i = 0; i < made; i++)
    CHECK_OK(co_local_set(keys[i], &keys[i]));
  for (int i = 0; i < made; i++)
    CHECK(co_local_get(keys[i]) == &keys[i]);
  for (int i = 0; i < made; i++)
    CHECK_OK(co_key_free(keys[i]));
  CHECK_OK(co_key_new(&more, NULL));
  CHECK_OK(co_key_free(more));
}

static void body(void) {
  static char places[100];
  co_t cos[COUNT_OF(places)];
  CHECK_OK(co_key_new(&shared, NULL));
  CHECK_OK(co_local_set(shared, places));
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    cos[i] = conf_spawn(alone, &places[i]);
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    CHECK(conf_join(cos[i]) == &places[i]);
  CHECK(co_local_get(shared) == places);
  CHECK(conf_on_thread(on_thread, &places[1]) == &places[1]);
  co_attr_t attr = conf_attr();
  attr.flags = CO_MIGRATABLE;
  co_t co;
  CHECK_OK(co_spawn(&co, &attr, migrates, &places[2]));
  CHECK(conf_join(co) == &places[2]);
  stale();
  exhausted();
  CHECK(co_local_get(shared) == places);
  CHECK_OK(co_key_free(shared));
}

CASE(body)
