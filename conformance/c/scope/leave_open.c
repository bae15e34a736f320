#include "scope.h"

static atomic_int ended;

static void *child(void *arg) {
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  co_yield_now();
  atomic_fetch_add(&ended, 1);
  return arg;
}

/* Ends with three scopes open and children in them. */
static void *forgets(void *arg) {
  for (int i = 0; i < 3; i++) {
    co_scope_t s = scope_open(CO_SCOPE_ALL, 0, i ? 100 * SEC : 0);
    CHECK_EQ(co_scope_spawn(s, child, NULL), 0);
    CHECK_EQ(co_scope_spawn(s, child, NULL), 1);
  }
  CHECK_OK(co_sleep(MS));
  return arg;
}

static void *forgets_and_fails(void *arg) {
  forgets(arg);
  return co_scope_fail(-EIO);
}

static void plain_coroutine(void) {
  atomic_store(&ended, 0);
  CHECK(conf_join(conf_spawn(forgets, &ended)) == &ended); /* its end waits for them */
  CHECK_EQ(atomic_load(&ended), 6);
  atomic_store(&ended, 0);
  CHECK_OK(co_spawn(NULL, NULL, forgets, NULL)); /* detached: the same */
  while (atomic_load(&ended) < 6)
    CHECK_OK(co_sleep(MS));
}

static void as_child(void) {
  atomic_store(&ended, 0);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, forgets, &ended), 0);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), EBUSY); /* reported as its failure */
  CHECK_EQ(atomic_load(&ended), 6);
  void *r = NULL;
  CHECK_ERR(co_scope_result(s, 0, &r), EBUSY);
  CHECK(r == &ended);
  CHECK_EQ(co_scope_spawn(s, forgets_and_fails, NULL), 1);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), EBUSY);
  CHECK_ERR(co_scope_result(s, 1, NULL), EIO); /* its own error comes first */
  CHECK_ERR(co_scope_close(s), EBUSY);
  CHECK_EQ(atomic_load(&ended), 12);
}

static co_key_t key;

/* Even a destructor's. */
static void opens(void *value) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, child, NULL), 0);
  CHECK_OK(co_sleep(MS));
  (void)value;
}

static void *has_local(void *arg) {
  CHECK_OK(co_local_set(key, arg));
  return arg;
}

static void in_destructor(void) {
  atomic_store(&ended, 0);
  CHECK_OK(co_key_new(&key, opens));
  conf_join(conf_spawn(has_local, &key));
  CHECK_EQ(atomic_load(&ended), 1);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, has_local, &key), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER)); /* waits for destructors */
  CHECK_EQ(atomic_load(&ended), 2);
  CHECK_OK(co_scope_close(s));
  CHECK_OK(co_key_free(key));
}

static void *thread(void *arg) {
  forgets(NULL);
  return arg;
}

static void body(void) {
  plain_coroutine();
  as_child();
  in_destructor();
  atomic_store(&ended, 0);
  pthread_t t = conf_thread(thread, NULL);
  while (atomic_load(&ended) < 6) /* a thread's end, too; pthread_join would keep them from running */
    CHECK_OK(co_sleep(MS));
  conf_thread_join(t);
  conf_until_live(1);
}

CASE(body)
