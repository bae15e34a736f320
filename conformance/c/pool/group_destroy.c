/* Destroying a group that a host is polling, without a limit, on another thread: the poll comes back, and
 * the group is gone. By a coroutine, which goes on as one afterwards. */
#include "../check.h"

static void on_ready(void *ctx, co_token_t token, co_t co) {
  (void)ctx, (void)token, (void)co;
}

static void *poller(void *arg) {
  int64_t r;
  while ((r = co_group_poll(*(co_group_t *)arg, CO_FOREVER)) == 0)
    sched_yield();
  CHECK_ERR(r, ESRCH);
  return arg;
}

static void *destroyer(void *arg) {
  CHECK_OK(co_group_destroy(*(co_group_t *)arg, CO_FOREVER));
  return arg;
}

static void body(void) {
  for (int i = 0; i < 20; i++) {
    co_group_attr_t ga = {.size = sizeof ga, .flags = i % 2 ? CO_GROUP_CUSTOM : CO_GROUP_EXTERNAL};
    if (i % 2)
      ga.on_ready = on_ready;
    co_group_t group = 0;
    co_t me = co_self();
    CHECK_OK(co_group_create(&group, &ga));
    pthread_t thread = conf_thread(poller, &group);
    if (i % 3)
      CHECK_OK(co_sleep(1 * MS));
    if (i % 4 < 2)
      destroyer(&group);
    else
      conf_on_thread(destroyer, &group);
    CHECK_EQ(co_self(), me);
    CHECK_OK(co_sleep(10 * US)); /* as a coroutine */
    CHECK(conf_thread_join(thread) == &group);
  }
}

CASE(body)
