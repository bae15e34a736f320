#include "check.h"

static co_chan_t full, empty;

static void *blocked(void *arg) {
  int n = 1, sends = arg != NULL;
  int r = sends ? co_chan_send(full, &n, CO_FOREVER) : co_chan_recv(empty, &n, CO_FOREVER);
  CHECK_EQ(n, 1);
  return (void *)(intptr_t)r;
}

static void *shielded(void *arg) {
  int n = 0;
  CHECK_GE(co_cancel_shield(1), 0);
  CHECK_OK(co_chan_recv(empty, &n, CO_FOREVER));
  CHECK_EQ(n, 42);
  CHECK_EQ(co_cancel_shield(0), 1);
  CHECK_ERR(co_chan_send(empty, &n, CO_NOW), ECANCELED);
  CHECK_ERR(co_chan_recv(full, &n, CO_NOW), ECANCELED);
  return arg;
}

static void timeouts(void) {
  int n = 1;
  for (int i = 1; i <= 10; i++) {
    int64_t before = co_now();
    CHECK_ERR(co_chan_send(full, &n, i * 50 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 50 * US);
    before = co_now();
    CHECK_ERR(co_chan_recv(empty, &n, i * 50 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 50 * US);
  }
  CHECK_ERR(co_chan_send(full, &n, -2), EINVAL);
  CHECK_ERR(co_chan_recv(empty, &n, INT64_MIN), EINVAL);
  CHECK_EQ(n, 1);
}

static void *on_thread(void *arg) {
  timeouts();
  return arg;
}

// A coroutine that has made many calls without waiting gives way in one of them: here in the very call
// that is to wait, for some number of calls before it. A cancel that comes just then counts.
static int calls, arrived;
static void *gives_way(void *arg) {
  int n = 1;
  for (int i = 0; i < calls; i++) {
    CHECK_OK(co_chan_send(empty, &n, CO_NOW));
    CHECK_OK(co_chan_recv(empty, &n, CO_NOW));
  }
  __atomic_store_n(&arrived, 1, __ATOMIC_RELEASE);
  CHECK_ERR(co_chan_recv(empty, &n, CO_FOREVER), ECANCELED);
  return arg;
}

static void giving_way(void) {
  for (calls = 0; calls < 300; calls++) {
    arrived = 0;
    co_t co = conf_spawn(gives_way, NULL);
    while (!__atomic_load_n(&arrived, __ATOMIC_ACQUIRE)) co_yield_now();
    CHECK_OK(co_cancel(co));
    conf_join(co);
  }
}

static void body(void) {
  int n = 7;
  co_t co;
  CHECK_OK(co_chan_new(&full, sizeof n, 1));
  CHECK_OK(co_chan_send(full, &n, CO_NOW));
  CHECK_OK(co_chan_new(&empty, sizeof n, 1));
  timeouts();
  conf_on_thread(on_thread, NULL);
  for (int sends = 0; sends < 2; sends++)
    for (int interrupts = 0; interrupts < 2; interrupts++) {
      co = conf_spawn(blocked, sends ? &n : NULL);
      conf_until_state(co, CO_STATE_PARKED);
      CHECK_OK(interrupts ? co_interrupt(co, ENXIO) : co_cancel(co));
      CHECK_EQ((intptr_t)conf_join(co), interrupts ? -ENXIO : -ECANCELED);
    }
  co = conf_spawn(shielded, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(conf_info(co).state, CO_STATE_PARKED);
  n = 42;
  CHECK_OK(co_chan_send(empty, &n, CO_FOREVER));
  conf_join(co);
  giving_way();
  CHECK_EQ(co_chan_len(full), 1);
  CHECK_EQ(co_chan_len(empty), 0);
  CHECK_OK(co_chan_recv(full, &n, CO_NOW));
  CHECK_EQ(n, 7);
  CHECK_ERR(co_chan_recv(full, &n, CO_NOW), EAGAIN);
  CHECK_OK(co_chan_free(full));
  CHECK_OK(co_chan_free(empty));
}

CASE(body)
