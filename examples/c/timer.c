/* Timers: a heartbeat that does not drift, a timeout that is put off as long as something happens, and
 * a callback that is slower than its period. */
#include <inttypes.h>
#include <photonrt.h>
#include <stdio.h>

#define MS INT64_C(1000000)

typedef struct {
  uint64_t calls, expiries;
  int64_t last;
} count_t;

/* Runs in a coroutine, so it may block; two calls of one timer never overlap. */
static void heartbeat(co_timer_t timer, uint64_t expiries, void *arg) {
  count_t *c = arg;
  (void)timer;
  c->calls++;
  c->expiries += expiries;
  c->last = co_now();
}

static void slow(co_timer_t timer, uint64_t expiries, void *arg) {
  heartbeat(timer, expiries, arg);
  co_sleep(5 * MS);
}

static co_timer_t start(int64_t delay, int64_t period, co_timer_fn_t fn, count_t *count) {
  const co_timer_attr_t attr = {.size = sizeof attr, .delay_ns = delay, .period_ns = period};
  co_timer_t timer = 0;
  int r = co_timer_start(&timer, &attr, fn, count);
  if (r < 0)
    fprintf(stderr, "co_timer_start: %s\n", co_strerror(r));
  return timer;
}

static void *co_main(void *arg) {
  count_t beats = {0}, idle = {0}, behind = {0};
  int64_t begun = co_now();
  co_timer_t every = start(2 * MS, 2 * MS, heartbeat, &beats);
  co_timer_t busy = start(0, 1 * MS, slow, &behind);
  co_timer_t timeout = start(20 * MS, 0, heartbeat, &idle);

  /* As long as messages come, the timeout does not. */
  int64_t message = begun;
  for (int i = 0; i < 20; i++) {
    co_sleep(3 * MS);
    message = co_now();
    co_timer_reset(timeout, 20 * MS);
  }
  while (!idle.calls)
    co_sleep(1 * MS);

  /* Stopping waits for a callback that is running: its argument may go then. */
  co_timer_stop(every, CO_FOREVER);
  co_timer_stop(busy, CO_FOREVER);
  co_timer_stop(timeout, CO_FOREVER);
  int64_t took = beats.last - begun;
  printf("heartbeats %" PRIu64 "\n", beats.expiries);
  printf("drift %.3f ms\n", (double)(took - (int64_t)beats.expiries * 2 * MS) / 1e6);
  printf("idle_after %.1f ms\n", (double)(idle.last - message) / 1e6);
  printf("slow_calls %" PRIu64 "\n", behind.calls);
  printf("slow_expiries %" PRIu64 "\n", behind.expiries);
  int right = took >= (int64_t)beats.expiries * 2 * MS && idle.last - message >= 20 * MS &&
              behind.expiries > behind.calls;
  return right ? arg : NULL;
}

int main(void) {
  void *ok = NULL;
  int r = co_run(NULL, co_main, &ok, &ok);
  if (r < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return r < 0 || !ok;
}
