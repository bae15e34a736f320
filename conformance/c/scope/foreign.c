#include "scope.h"

static char key_of_value;
static co_key_t key;
static atomic_int ended;

static void *echo(void *arg) {
  CHECK(strcmp(co_value_get(&key_of_value), "bound") == 0);
  return arg;
}

static void destroy(void *value) {
  CHECK(strcmp(value, "mine") == 0);
  atomic_fetch_add(&ended, 1);
}

/* Inside of brackets it is still itself: what it carries is its own, not its thread's. */
static void *body_of(void *arg) {
  co_binding_t b;
  size_t used = co_arena_used();
  CHECK_OK(co_value_begin(&b, &key_of_value, "bound"));
  CHECK_EQ(co_blocking_enter(), 1);
  CHECK_EQ(co_arena_used(), used);
  CHECK(co_local_get(key) == NULL);
  CHECK_OK(co_local_set(key, "mine"));
  CHECK(co_arena_alloc(100, 8) != NULL);
  CHECK(strcmp(co_value_get(&key_of_value), "bound") == 0);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 100 * SEC);
  CHECK_EQ(co_blocking_leave(), 0);
  CHECK_EQ(co_scope_spawn(s, echo, arg), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_EQ(co_blocking_enter(), 1);
  CHECK_OK(co_scope_close(s)); /* the owner is the same */
  CHECK_EQ(co_blocking_leave(), 0);
  CHECK_EQ(co_arena_used(), used + 100);
  CHECK(strcmp(co_local_get(key), "mine") == 0);
  CHECK_OK(co_value_end(&b));
  return arg;
}

/* Ends in the midst of them, with a scope open. */
static void *ends_inside(void *arg) {
  body_of(arg);
  scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_GE(co_blocking_enter(), 1);
  CHECK_GE(co_blocking_enter(), 2);
  return arg;
}

static void each(uint32_t flags) {
  co_attr_t attr = conf_attr();
  attr.flags = flags;
  atomic_store(&ended, 0);
  for (int i = 0; i < 20; i++) {
    co_t co = 0;
    CHECK_OK(co_spawn(&co, &attr, body_of, &attr));
    CHECK(conf_join(co) == &attr);
    CHECK_OK(co_spawn(&co, &attr, ends_inside, &attr));
    CHECK(conf_join(co) == &attr);
  }
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  for (int i = 0; i < 20; i++)
    CHECK_EQ(co_scope_spawn_with(s, &attr, i % 2 ? ends_inside : body_of, NULL), i);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), EBUSY);
  for (int i = 0; i < 20; i++)
    CHECK_EQ(co_scope_result(s, i, NULL), i % 2 ? -EBUSY : 0);
  CHECK_ERR(co_scope_close(s), EBUSY);
  CHECK_EQ(atomic_load(&ended), 60);
}

static void body(void) {
  CHECK_OK(co_key_new(&key, destroy));
  each(0);
  each(CO_MIGRATABLE);
  conf_until_live(1);
}

CASE(body)
