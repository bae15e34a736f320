#include "check.h"

/* co_pin and co_unpin: counting, and what a pinned coroutine does not do. */
enum { N = 200 };
static atomic_int stop, moved;

/* Asked anew each time: compilers take pthread_self for a constant of the function. */
__attribute__((noinline)) static pthread_t this_thread(void) {
  __asm__ volatile("");
  return pthread_self();
}

static void *counts(void *arg) {
  CHECK_ERR(co_unpin(), EINVAL);
  for (int round = 0; round < 2; round++) {
    CHECK_EQ(co_pin(), 1);
    CHECK_EQ(co_pin(), 2);
    CHECK_EQ(co_unpin(), 1);
    CHECK_EQ(co_pin(), 2);
    CHECK_EQ(co_unpin(), 1);
    CHECK_EQ(co_unpin(), 0);
    CHECK_ERR(co_unpin(), EINVAL);
  }
  for (int i = 1; i <= 65535; i++)
    CHECK_EQ(co_pin(), i);
  CHECK_ERR(co_pin(), EOVERFLOW);
  return arg; /* pinned still: the next in its control block is not */
}

static void *stays(void *arg) {
  uint32_t last = conf_vcpus(), here = co_vcpu_self();
  pthread_t thread = this_thread();
  CHECK_EQ(co_pin(), 1);
  CHECK_ERR(co_migrate(co_self(), 0, here == 1 ? last : 1), EBUSY);
  CHECK_EQ(co_blocking_enter(), 1); /* keeps the thread, though migratable */
  CHECK(pthread_equal(thread, this_thread()));
  CHECK_EQ(co_blocking_leave(), 0);
  for (int i = 0; i < 20; i++) {
    CHECK_OK(co_sleep(i % 2 ? 0 : 100 * US));
    CHECK_EQ(co_vcpu_self(), here);
    CHECK(pthread_equal(thread, this_thread()));
  }
  CHECK_EQ(co_unpin(), 0);
  CHECK_OK(co_migrate(co_self(), 0, last));
  CHECK_EQ(co_vcpu_self(), last);
  return arg;
}

/* Told to move while it is pinned, in each state: it does so when it no longer is. */
static void *moves_later(void *arg) {
  co_group_t group = *(co_group_t *)arg, before = co_group_self();
  pthread_t thread = this_thread();
  CHECK_EQ(co_pin(), 1);
  CHECK_EQ(co_pin(), 2);
  atomic_store(&moved, 1);
  CHECK_OK(co_park(CO_FOREVER));
  while (atomic_load(&moved) != 2)
    co_yield_now();
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_unpin(), 1);
  CHECK_EQ(co_group_self(), before);
  CHECK(pthread_equal(thread, this_thread()));
  CHECK_EQ(co_unpin(), 0);
  CHECK_EQ(co_group_self(), group);
  CHECK(!pthread_equal(thread, this_thread()));

  /* The same in brackets. */
  thread = this_thread();
  CHECK_EQ(co_blocking_enter(), 1);
  atomic_store(&moved, 3);
  while (atomic_load(&moved) != 4)
    CHECK_OK(co_sleep(100 * US));
  CHECK_EQ(co_blocking_leave(), 0);
  for (int i = 0; co_group_self() != before; i++) /* the order may still be on its way */
    CHECK_OK(co_sleep(100 * US));
  return arg;
}

static void *wanders(void *arg) {
  pthread_t thread = this_thread();
  CHECK_EQ(co_pin(), 1);
  for (int i = 0; !atomic_load(&stop); i++) {
    if (i % 3)
      co_yield_now();
    else
      CHECK_OK(co_sleep(10 * US));
    CHECK(pthread_equal(thread, this_thread()));
  }
  return arg;
}

static void body(void) {
  co_attr_t attr = conf_attr();
  co_group_t group, home = co_group_self();
  co_t co, many[N];
  char place;
  CHECK_OK(co_group_create(&group, NULL));
  for (uint32_t flags = 0; flags <= CO_MIGRATABLE; flags += CO_MIGRATABLE) {
    attr.flags = flags;
    CHECK_OK(co_spawn(&co, &attr, counts, &place));
    conf_join(co);
  }
  CHECK_OK(co_spawn(&co, &attr, counts, &place));
  conf_join(co);
  CHECK_OK(co_spawn(&co, &attr, stays, &place));
  conf_join(co);

  CHECK_OK(co_spawn(&co, &attr, moves_later, &group));
  while (atomic_load(&moved) != 1)
    CHECK_OK(co_sleep(100 * US));
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_migrate(co, group, 1));
  CHECK_OK(co_unpark(co));
  CHECK_OK(co_sleep(MS));
  CHECK_OK(co_migrate(co, group, 1)); /* in its turn */
  atomic_store(&moved, 2);
  while (atomic_load(&moved) != 3)
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_migrate(co, home, 1));
  atomic_store(&moved, 4);
  conf_join(co);

  /* Others have nothing to do, and take what they can get. */
  for (int i = 0; i < N; i++)
    CHECK_OK(co_spawn(&many[i], &attr, wanders, &place));
  CHECK_OK(co_sleep(20 * MS));
  atomic_store(&stop, 1);
  for (int i = 0; i < N; i++)
    conf_join(many[i]);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

CASE(body)
