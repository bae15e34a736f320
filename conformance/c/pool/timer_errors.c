/* Bad arguments, no runtime, stale and forged handles; a group's end ends its timers; timers keep
 * nothing running. */
#include "timer.h"

static void bad(void) {
  co_timer_attr_t attr = {.size = sizeof attr};
  co_timer_t timer = 7;
  ticks_t t = {0};
  CHECK_ERR(co_timer_start(&timer, NULL, NULL, NULL), EINVAL);
  attr.delay_ns = -2;
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), EINVAL);
  attr.delay_ns = CO_FOREVER;
  CHECK_ERR(co_timer_start(NULL, &attr, tick, &t), EINVAL);
  attr.period_ns = -1;
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), EINVAL);
  attr.period_ns = 0;
  attr.reserved = 1;
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), EINVAL);
  attr.reserved = 0;
  attr.stack_size = UINT64_C(1) << 40;
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), EINVAL);
  attr.stack_size = 0;
  attr.group = UINT64_C(1) << 40;
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), ESRCH);
  attr.group = 0;
  struct {
    co_timer_attr_t attr;
    uint64_t newer;
  } longer = {{.size = sizeof longer, .delay_ns = CO_FOREVER}, 1};
  CHECK_ERR(co_timer_start(&timer, &longer.attr, tick, &t), E2BIG);
  attr.size = 4;
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), EINVAL);
  CHECK_EQ(timer, 7); /* untouched by what failed */
  longer.newer = 0;
  CHECK_OK(co_timer_start(&timer, &longer.attr, tick, &t));
  CHECK_ERR(co_timer_reset(timer, -1), EINVAL);
  CHECK_ERR(co_timer_stop(timer, -2), EINVAL);
  const co_timer_t forged[] = {0, 1, UINT64_MAX, timer + 1, timer ^ (UINT64_C(1) << 32), timer ^ (UINT64_C(1) << 63)};
  for (size_t i = 0; i < COUNT_OF(forged); i++) {
    CHECK_ERR(co_timer_cancel(forged[i]), ESRCH);
    CHECK_ERR(co_timer_reset(forged[i], 0), ESRCH);
    CHECK_ERR(co_timer_stop(forged[i], CO_FOREVER), ESRCH);
  }
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  CHECK_EQ(t.calls, 0);
}

static void *where(void *arg) {
  *(co_group_t *)arg = co_group_self();
  return NULL;
}

static co_group_t ran_in;

static void note_group(co_timer_t timer, uint64_t expiries, void *arg) {
  ran_in = co_group_self();
  tick(timer, expiries, arg);
}

static void groups(void) {
  co_group_t group = 0, seen = 0;
  co_group_attr_t ga = {.size = sizeof ga};
  ticks_t t = {0};
  CHECK_OK(co_group_create(&group, &ga));
  co_timer_attr_t attr = {.size = sizeof attr, .period_ns = 200 * US, .group = group};
  co_timer_t timer = 0, armed = 0;
  CHECK_OK(co_timer_start(&timer, &attr, note_group, &t));
  until_calls(&t, 3);
  CHECK_EQ(ran_in, group);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  attr.delay_ns = 3600 * SEC;
  CHECK_OK(co_timer_start(&armed, &attr, tick, &t));
  co_attr_t ca = conf_attr();
  co_t co;
  ca.group = group;
  CHECK_OK(co_spawn(&co, &ca, where, &seen));
  conf_join(co);
  CHECK_EQ(seen, group);
  CHECK_OK(co_group_destroy(group, CO_FOREVER)); /* an armed timer holds nobody up */
  CHECK_ERR(co_timer_stop(armed, CO_FOREVER), ESRCH);
  CHECK_ERR(co_timer_start(&timer, &attr, tick, &t), ESRCH);
}

static ticks_t left;
static co_timer_t left_armed;

static void *leave(void *arg) {
  left_armed = timer_start(100 * US, 100 * US, tick, &left);
  timer_start(3600 * SEC, 0, tick, &left);
  until_calls(&left, 2);
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  co_timer_t timer = 7;
  CHECK_ERR(co_timer_start(&timer, NULL, tick, &left), ESRCH);
  CHECK_EQ(timer, 7);
  CHECK_ERR(co_timer_stop(1, CO_FOREVER), ESRCH);
  for (int i = 0; i < 3; i++) {
    /* Main's end is the end, whatever is armed. */
    cfg.flags = i == 2 ? CO_RUN_CANCEL : 0;
    CHECK_OK(co_run(&cfg, leave, NULL, NULL));
    CHECK_EQ(left.inside, 0);
    uint64_t calls = left.calls;
    struct timespec ms = {0, 2000000};
    nanosleep(&ms, NULL);
    CHECK_EQ(left.calls, calls);
    CHECK_ERR(co_timer_cancel(left_armed), ESRCH);
  }
  conf_init();
  bad();
  groups();
  CHECK_OK(co_shutdown(CO_FOREVER));
}

PLAIN_CASE(body)
