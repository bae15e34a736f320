#include "check.h"

static co_group_t group;
static atomic_int other_polls;

static void *from_coroutine(void *arg) {
  CHECK_ERR(co_group_poll(group, CO_NOW), EDEADLK);
  CHECK_ERR(co_group_poll(group, CO_FOREVER), EDEADLK);
  return arg;
}

static void *poll_until_woken(void *arg) {
  atomic_store(&other_polls, 1);
  int64_t r;
  while ((r = co_group_poll(group, CO_FOREVER)) == -EBUSY) /* the other one is trying just now */
    sched_yield();
  CHECK_GE(r, 1);
  return arg;
}

static void *end(void *arg) {
  return arg;
}

static void body(void) {
  co_group_attr_t ga = {.size = sizeof ga, .flags = CO_GROUP_EXTERNAL};
  co_group_t ordinary;
  co_attr_t attr = conf_attr();
  co_t co;

  conf_init();
  CHECK_OK(co_group_create(&group, &ga));
  CHECK_OK(co_group_create(&ordinary, NULL));
  CHECK_ERR(co_group_poll(ordinary, CO_NOW), EINVAL);
  CHECK_ERR(co_group_fd(ordinary), EINVAL);
  CHECK_ERR(co_group_poll(group, -2), EINVAL);
  CHECK_ERR(co_group_poll(0, CO_NOW), EINVAL); /* the default group is not external */
  conf_join(conf_spawn(from_coroutine, NULL));

  CHECK_EQ(co_group_poll(group, CO_NOW), 0);
  int64_t before = co_now();
  CHECK_EQ(co_group_poll(group, 3 * MS), 0);
  CHECK_GE(co_now() - before, 3 * MS);
  attr.group = group;
  CHECK_OK(co_spawn(&co, &attr, end, NULL));
  CHECK_ERR(co_join(co, NULL, 5 * MS), ETIMEDOUT); /* nobody runs it but the host */
  CHECK_GE(co_group_poll(group, CO_NOW), 1);
  CHECK_OK(co_join(co, NULL, CO_NOW));
  CHECK_EQ(co_group_poll(group, CO_NOW), 0);

  CHECK_ERR(co_shutdown(CO_NOW), EBUSY); /* an external group exists */
  pthread_t thread = conf_thread(poll_until_woken, NULL);
  while (!atomic_load(&other_polls))
    sched_yield();
  int64_t r = 0;
  while ((r = co_group_poll(group, CO_NOW)) == 0)
    sched_yield();
  CHECK_ERR(r, EBUSY);
  CHECK_OK(co_spawn(&co, &attr, end, NULL));
  conf_thread_join(thread);
  conf_join(co);

  CHECK_OK(co_group_destroy(ordinary, CO_FOREVER));
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  CHECK_ERR(co_group_poll(group, CO_NOW), ESRCH);
  CHECK_ERR(co_group_fd(group), ESRCH);
  CHECK_OK(co_shutdown(CO_FOREVER));
}

PLAIN_CASE(body)
