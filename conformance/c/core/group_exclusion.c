#include "check.h"

/* A group of one vCPU runs its coroutines one at a time: plain variables are safe between blocking calls. */
enum { MEMBERS = 60, ROUNDS = 300 };
static int inside, counter, entered;
static co_group_t group;

static void *member(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_EQ(inside, 0);
    inside = 1;
    int seen = counter;
    for (volatile int spin = 0; spin < 20; spin++) {
    }
    counter = seen + 1;
    inside = 0;
    entered++;
    if (i % 10)
      co_yield_now();
    else
      CHECK_OK(co_sleep((int64_t)(i % 7) * 10 * US));
  }
  return arg;
}

static void *spawn_some(void *arg) {
  co_t cos[MEMBERS / 3];
  co_attr_t attr = conf_attr();
  attr.group = group;
  for (int i = 0; i < MEMBERS / 3; i++)
    CHECK_OK(co_spawn(&cos[i], &attr, member, NULL));
  for (int i = 0; i < MEMBERS / 3; i++)
    conf_join(cos[i]);
  return arg;
}

static void body(void) {
  CHECK_OK(co_group_create(&group, NULL));
  co_t elsewhere[2] = {conf_spawn_on(1, spawn_some, NULL), conf_spawn_on(2, spawn_some, NULL)};
  conf_on_thread(spawn_some, NULL);
  conf_join(elsewhere[0]);
  conf_join(elsewhere[1]);
  CHECK_EQ(counter, MEMBERS * ROUNDS);
  CHECK_EQ(entered, MEMBERS * ROUNDS);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

CASE(body)
