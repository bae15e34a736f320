/* Timers in groups that a host runs: the descriptor tells when one is due, also when it is set, brought
 * forward or put off from elsewhere while the host sleeps; the callback runs on the host's thread. */
#include "timer.h"
#include <poll.h>

static co_group_t group;
static co_token_t tokens[64];
static size_t ready;

static void on_ready(void *ctx, co_token_t token, co_t co) {
  (void)ctx, (void)co;
  CHECK(ready < COUNT_OF(tokens));
  tokens[ready++] = token;
}

/* Sleeps on the descriptor as a host does, and runs what there is, until there were `calls`. */
static void run_until(ticks_t *t, uint64_t calls) {
  struct pollfd p = {.fd = co_group_fd(group), .events = POLLIN};
  while (atomic_load(&t->calls) < calls || atomic_load(&t->inside)) {
    CHECK_EQ(CHECK_SYS(poll(&p, 1, 20000)), 1);
    CHECK_GE(co_group_poll(group, CO_NOW), 0);
    for (size_t i = 0; i < ready; i++)
      CHECK_GE(co_token_run(tokens[i]), 0);
    ready = 0;
  }
}

static pthread_t host;
static int on_host = 1;

static void at_host(co_timer_t timer, uint64_t expiries, void *arg) {
  on_host &= pthread_equal(pthread_self(), host) != 0;
  CHECK_EQ(co_group_self(), group);
  tick(timer, expiries, arg);
}

static co_timer_t start(int64_t delay, int64_t period, ticks_t *t) {
  co_timer_attr_t attr = {.size = sizeof attr, .delay_ns = delay, .period_ns = period, .group = group};
  co_timer_t timer = 0;
  CHECK_OK(co_timer_start(&timer, &attr, at_host, t));
  return timer;
}

typedef struct {
  co_timer_t timer;
  int64_t delay;
} change_t;

static void *change(void *arg) {
  change_t *c = arg;
  usleep(2000);
  CHECK_EQ(co_timer_reset(c->timer, c->delay), 1);
  return NULL;
}

static void *hosted(void *arg) {
  ticks_t t = {0}, held = {.hold = 1 * MS};
  host = pthread_self();
  int64_t begun = co_now();
  co_timer_t timer = start(3 * MS, 1 * MS, &t);
  run_until(&t, 5);
  CHECK_GE(co_now() - begun, 3 * MS);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  /* One whose callback sleeps. */
  timer = start(0, 0, &held);
  run_until(&held, 1);
  CHECK_OK(co_timer_stop(timer, CO_FOREVER));
  /* Brought forward, and put off, by another thread. */
  t.calls = 0;
  change_t sooner = {start(3600 * SEC, 0, &t), 1 * MS};
  pthread_t other = conf_thread(change, &sooner);
  run_until(&t, 1);
  conf_thread_join(other);
  CHECK_EQ(co_timer_reset(sooner.timer, 20 * MS), 0);
  change_t later = {sooner.timer, 25 * MS};
  begun = co_now();
  other = conf_thread(change, &later);
  run_until(&t, 2);
  conf_thread_join(other);
  CHECK_GE(co_now() - begun, 20 * MS);
  CHECK_OK(co_timer_stop(later.timer, CO_FOREVER));
  CHECK(on_host);
  return arg;
}

static void in(uint32_t flags) {
  co_group_attr_t ga = {.size = sizeof ga, .flags = flags};
  if (flags == CO_GROUP_CUSTOM)
    ga.on_ready = on_ready;
  CHECK_OK(co_group_create(&group, &ga));
  conf_on_thread(hosted, NULL);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

static void body(void) {
  in(CO_GROUP_EXTERNAL);
  in(CO_GROUP_CUSTOM);
}

CASE(body)
