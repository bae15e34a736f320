#include "scope.h"

static char user, depth, nothing;

#define USER ((const char *)co_value_get(&user))

static void *sees(void *arg) {
  CHECK(arg == NULL ? USER == NULL : strcmp(USER, arg) == 0);
  co_yield_now();
  CHECK(arg == NULL ? USER == NULL : strcmp(USER, arg) == 0);
  return arg;
}

/* Binds itself, for itself only. */
static void *rebinds(void *arg) {
  void *r = NULL;
  CHECK_OK(co_value_call(&user, "mine", sees, "mine", &r));
  CHECK(strcmp(r, "mine") == 0);
  return sees(arg);
}

static void *in_anna(void *arg) {
  sees("anna");
  CHECK_EQ(co_value_bound(&user), 1);
  CHECK_EQ(co_value_bound(&depth), 0);
  /* Children see it, by reference, each with its own changes. */
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0), t;
  for (int i = 0; i < 20; i++)
    CHECK_EQ(co_scope_spawn(s, i % 2 ? sees : rebinds, "anna"), i);
  /* What is bound after the opening is not seen by its children, wherever they are spawned. */
  co_binding_t b;
  CHECK_OK(co_value_begin(&b, &user, "bert"));
  sees("bert");
  CHECK_EQ(co_scope_spawn(s, sees, "anna"), 20);
  t = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(t, sees, "bert"), 0);
  CHECK_OK(co_scope_wait(t, CO_FOREVER));
  CHECK_OK(co_scope_close(t));
  CHECK_OK(co_value_end(&b));
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
  /* Others, spawned without a scope, see nothing. */
  conf_join(conf_spawn(sees, NULL));
  return sees(arg);
}

static void *recurse(void *arg) {
  intptr_t n = (intptr_t)arg;
  CHECK(co_value_get(&depth) == arg);
  if (n < 100)
    CHECK_OK(co_value_call(&depth, (void *)(n + 1), recurse, (void *)(n + 1), NULL));
  CHECK(co_value_get(&depth) == arg);
  return arg;
}

static void *errors_in_child(void *arg) {
  CHECK_ERR(co_value_end(arg), EPERM); /* the innermost in force, and not its own */
  return arg;
}

static void begin_and_end(void) {
  co_binding_t a, b;
  CHECK_ERR(co_value_begin(NULL, &user, NULL), EINVAL);
  CHECK_ERR(co_value_begin(&a, NULL, NULL), EINVAL);
  CHECK_ERR(co_value_call(NULL, NULL, sees, NULL, NULL), EINVAL);
  CHECK_ERR(co_value_call(&user, NULL, NULL, NULL, NULL), EINVAL);
  CHECK_ERR(co_value_end(NULL), EINVAL);
  CHECK_OK(co_value_begin(&a, &user, NULL)); /* bound to NULL is bound */
  CHECK_EQ(co_value_bound(&user), 1);
  CHECK(co_value_get(&user) == NULL);
  CHECK_OK(co_value_begin(&b, &nothing, "x"));
  CHECK_ERR(co_value_begin(&a, &user, "y"), EBUSY);
  CHECK_ERR(co_value_end(&a), EINVAL); /* the inner one first */
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, errors_in_child, &b), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
  CHECK_OK(co_value_end(&b));
  CHECK_ERR(co_value_end(&b), EINVAL);
  CHECK_OK(co_value_end(&a));
  CHECK_EQ(co_value_bound(&user), 0);
}

static void *on_thread(void *arg) {
  CHECK_EQ(co_value_bound(&user), 0);
  CHECK_OK(co_value_call(&user, "anna", in_anna, "anna", NULL));
  begin_and_end();
  return arg;
}

static void *migrates(void *arg) {
  for (uint32_t i = 0; i < 6; i++) {
    CHECK_OK(co_migrate(co_self(), 0, i % conf_vcpus() + 1));
    sees(arg);
  }
  return arg;
}

/* A block is used again by the next coroutine: what was begun and never ended is gone. */
static void *never_ends(void *arg) {
  co_binding_t *b = malloc(sizeof *b);
  CHECK_EQ(co_value_bound(&user), 0);
  CHECK_OK(co_value_begin(b, &user, arg));
  free(b);
  return arg;
}

static void body(void) {
  void *r = NULL;
  CHECK_EQ(co_value_bound(&user), 0);
  CHECK(co_value_get(&user) == NULL);
  CHECK(co_value_get(NULL) == NULL);
  CHECK_OK(co_value_call(&user, "anna", in_anna, "anna", &r));
  CHECK(strcmp(r, "anna") == 0);
  CHECK_EQ(co_value_bound(&user), 0);
  CHECK_OK(co_value_call(&depth, (void *)1, recurse, (void *)1, NULL));
  begin_and_end();
  conf_on_thread(on_thread, NULL);
  for (int i = 0; i < 10; i++)
    conf_join(conf_spawn(never_ends, "lost"));
  co_attr_t attr = conf_attr();
  attr.flags = CO_MIGRATABLE;
  co_binding_t b;
  CHECK_OK(co_value_begin(&b, &user, "away"));
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  for (int i = 0; i < 10; i++)
    CHECK_EQ(co_scope_spawn_with(s, &attr, migrates, "away"), i);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
  CHECK_OK(co_value_end(&b));
}

CASE(body)
