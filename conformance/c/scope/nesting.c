#include "scope.h"

#define DEPTH 200

static atomic_int cancelled, started;
static atomic_int go;

static void *leaf(void *arg) {
  atomic_fetch_add(&started, 1);
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *tidies_up(void *arg) {
  CHECK_OK(co_sleep(MS));
  return arg;
}

/* Stands between: shielded, and waiting for what no cancel reaches. */
static void *shielded_middle(void *arg) {
  CHECK_EQ(co_cancel_shield(1), 0);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_GE(co_scope_spawn(s, leaf, NULL), 0);
  CHECK_GE(co_scope_spawn(s, leaf, NULL), 0);
  while (atomic_load(&cancelled) < 2)
    CHECK_OK(co_sleep(100 * US)); /* it sees the cancel only by what its children do */
  CHECK_EQ(co_scope_spawn(s, leaf, NULL), -ECANCELED);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  co_scope_t none = 5;
  CHECK_ERR(co_scope_open(&none, NULL), ECANCELED);
  CHECK_EQ(none, 5);
  /* What must be done all the same. */
  s = scope_open(CO_SCOPE_ALL, CO_SCOPE_SHIELDED, 0);
  CHECK_GE(co_scope_spawn(s, tidies_up, NULL), 0);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
  return arg;
}

static void shielded(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_GE(co_scope_spawn(s, shielded_middle, NULL), 0);
  while (atomic_load(&started) < 2)
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_scope_cancel(s));
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ECANCELED);
  CHECK_EQ(atomic_load(&cancelled), 2);
  CHECK_ERR(co_scope_close(s), ECANCELED);
}

/* Each opens a scope and spawns the next into it: a cancel at the top reaches the bottom while all
 * in between are shielded. */
static void *link_of(void *arg) {
  intptr_t depth = (intptr_t)arg;
  CHECK_EQ(co_cancel_shield(1), 0);
  if (depth == DEPTH) {
    CHECK_EQ(co_cancel_shield(0), 1);
    return leaf(arg);
  }
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, link_of, (void *)(depth + 1)), 0);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ECANCELED);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  return NULL;
}

static void deep(void) {
  atomic_store(&started, 0);
  atomic_store(&cancelled, 0);
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_EQ(co_scope_spawn(s, link_of, (void *)1), 0);
  while (!atomic_load(&started))
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_scope_cancel(s));
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ECANCELED);
  CHECK_EQ(atomic_load(&cancelled), 1);
  CHECK_ERR(co_scope_close(s), ECANCELED);
}

/* One coroutine with scopes inside of each other, closed in turn; children in each. */
static void own_nesting(void) {
  co_scope_t s[50];
  atomic_store(&started, 0);
  atomic_store(&cancelled, 0);
  for (size_t i = 0; i < COUNT_OF(s); i++) {
    s[i] = scope_open(CO_SCOPE_ALL, 0, 0);
    CHECK_EQ(co_scope_spawn(s[i], leaf, NULL), 0);
  }
  while (atomic_load(&started) < (int)COUNT_OF(s))
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_scope_cancel(s[20])); /* and all inside of it, but nothing around */
  for (size_t i = COUNT_OF(s); i-- > 20;) {
    CHECK_ERR(co_scope_wait(s[i], CO_FOREVER), ECANCELED);
    CHECK_ERR(co_scope_close(s[i]), ECANCELED);
  }
  CHECK_EQ(atomic_load(&cancelled), (int)COUNT_OF(s) - 20);
  for (size_t i = 20; i-- > 0;) {
    CHECK_EQ(scope_info(s[i]).cancelled, 0);
    CHECK_ERR(co_scope_wait(s[i], CO_NOW), EAGAIN);
    CHECK_ERR(co_scope_close(s[i]), ECANCELED);
  }
}

/* Cancelled before they have run, children run all the same, with the cancel pending. */
static void *fresh(void *arg) {
  CHECK_EQ(co_cancel_pending(), 1);
  atomic_fetch_add((atomic_int *)arg, 1);
  return arg;
}

static void never_begun(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  co_attr_t attr = conf_attr();
  attr.vcpu = co_vcpu_self();
  atomic_store(&go, 0);
  for (int i = 0; i < 100; i++)
    CHECK_EQ(co_scope_spawn_with(s, &attr, fresh, &go), i);
  CHECK_OK(co_scope_cancel(s));
  CHECK_EQ(atomic_load(&go), 0);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  CHECK_EQ(atomic_load(&go), 100);
}

static void *cancels_from_inside(void *arg) {
  CHECK_OK(co_scope_cancel(co_scope_self()));
  CHECK_EQ(co_cancel_pending(), 1);
  CHECK_ERR(co_sleep(MS), ECANCELED);
  return arg;
}

static void *cancels_on_thread(void *arg) {
  CHECK_OK(co_scope_cancel(*(co_scope_t *)arg));
  return arg;
}

static void by_others(void) {
  co_scope_t s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_GE(co_scope_spawn(s, leaf, NULL), 0);
  CHECK_GE(co_scope_spawn(s, cancels_from_inside, NULL), 0);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ECANCELED);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_GE(co_scope_spawn(s, leaf, NULL), 0);
  conf_on_thread(cancels_on_thread, &s);
  CHECK_ERR(co_scope_wait(s, CO_FOREVER), ECANCELED);
  CHECK_ERR(co_scope_close(s), ECANCELED);
  s = scope_open(CO_SCOPE_ALL, 0, 0);
  CHECK_OK(co_scope_cancel(s)); /* finds nobody */
  CHECK_ERR(co_scope_spawn(s, leaf, NULL), ECANCELED);
  CHECK_OK(co_scope_wait(s, CO_FOREVER));
  CHECK_OK(co_scope_close(s));
}

static void body(void) {
  shielded();
  deep();
  own_nesting();
  never_begun();
  by_others();
}

CASE(body)
