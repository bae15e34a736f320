#include "scope.h"

static char key;
static atomic_int ended;

/* Reads through the binding until it is cancelled: it must still be there. */
static void *reads(void *arg) {
  const int *value = arg;
  int err;
  do {
    CHECK_EQ(*(const int *)co_value_get(&key), *value);
    err = co_sleep(50 * US);
  } while (err == 0);
  CHECK_ERR(err, ECANCELED);
  CHECK_EQ(*(const int *)co_value_get(&key), *value);
  atomic_fetch_add(&ended, 1);
  return arg;
}

static void *leaves_open(void *arg) {
  for (int i = 0; i < 2; i++) {
    co_scope_t s = scope_open(CO_SCOPE_ALL, i ? CO_SCOPE_SHIELDED : 0, 0);
    CHECK_EQ(co_scope_spawn(s, reads, arg), 0);
  }
  CHECK_OK(co_sleep(MS));
  return arg;
}

static void *leaves_begun(void *arg) {
  static co_binding_t b;
  CHECK_OK(co_value_begin(&b, &key, arg));
  return leaves_open(arg);
}

static co_scope_t outer;

/* Closes a scope from outside of the binding, and leaves one open under it. */
static void *crosses(void *arg) {
  CHECK_ERR(co_scope_close(outer), ECANCELED);
  return leaves_open(arg);
}

static void *sleeps(void *arg) {
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  return arg;
}

static void twice(void) {
  int value = 42;
  void *r = NULL;
  atomic_store(&ended, 0);
  CHECK_ERR(co_value_call(&key, &value, leaves_open, &value, &r), EBUSY);
  CHECK(r == &value);
  CHECK_EQ(atomic_load(&ended), 2); /* cancelled and waited for before the binding went */
  CHECK_EQ(co_value_bound(&key), 0);

  CHECK_ERR(co_value_call(&key, &r, leaves_begun, &value, NULL), EBUSY);
  CHECK_EQ(atomic_load(&ended), 4);
  CHECK_EQ(co_value_bound(&key), 0);

  co_binding_t b;
  CHECK_OK(co_value_begin(&b, &key, &value));
  leaves_open(&value);
  CHECK_ERR(co_value_end(&b), EBUSY);
  CHECK_EQ(atomic_load(&ended), 6);
  CHECK_ERR(co_value_end(&b), EINVAL); /* it has ended */

  co_scope_t around = scope_open(CO_SCOPE_ALL, 0, 0);
  outer = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(outer, sleeps, NULL), 0);
  CHECK_ERR(co_value_call(&key, &value, crosses, &value, NULL), EBUSY);
  CHECK_EQ(atomic_load(&ended), 8);
  CHECK_OK(co_scope_close(around)); /* that one it has not touched */
  CHECK_EQ(co_scope_deadline(), CO_FOREVER);
}

static void *again(void *arg) {
  twice();
  return arg;
}

static void body(void) {
  twice();
  conf_join(conf_spawn(again, NULL));
  conf_on_thread(again, NULL);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, again, NULL), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
}

CASE(body)
