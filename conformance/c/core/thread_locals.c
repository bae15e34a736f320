#include "check.h"

/* Half a MiB of thread-locals, which the C library takes off each thread's stack: more than some of the
 * runtime's own threads would have. */
static _Thread_local volatile char mine[512 << 10];

static void *touch(void *arg) {
  mine[0] = 1;
  mine[sizeof mine - 1] = 1;
  return arg;
}

static void body(void) {
  static const int signals[] = {SIGUSR1};
  void *result = NULL;
  int value;
  touch(NULL);
  conf_join(conf_spawn_on(2, touch, NULL));
  CHECK_OK(co_blocking(touch, &value, &result, CO_FOREVER));
  CHECK(result == &value);
  CHECK_OK(co_signal_subscribe(signals, 1));
  CHECK_OK(raise(SIGUSR1));
  CHECK_EQ(co_signal_wait(signals, 1, CO_FOREVER), SIGUSR1);
  CHECK_OK(co_signal_release(SIGUSR1));
  co_group_t group;
  CHECK_OK(co_group_create(&group, NULL));
  CHECK_OK(co_group_call(group, touch, NULL, NULL, CO_FOREVER));
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

CASE(body)
