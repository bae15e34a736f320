#include "check.h"

static co_chan_t a, b;
static co_future_t f;
static co_event_t event;
static co_select_t cases[5];
static int64_t in, out, value;

/* Send into a, receive from b, a future, an event, a time. */
static co_select_t *prepare(void) {
  in = value = -1;
  out = 11;
  cases[0] = (co_select_t){.kind = CO_SELECT_SEND, .handle = a, .elem = &out, .result = 99};
  cases[1] = (co_select_t){.kind = CO_SELECT_RECV, .handle = b, .elem = &in, .result = 99};
  cases[2] = (co_select_t){.kind = CO_SELECT_FUTURE, .handle = f, .elem = &value, .result = 99};
  cases[3] = (co_select_t){.kind = CO_SELECT_EVENT, .elem = &event, .result = 99};
  cases[4] = (co_select_t){.kind = CO_SELECT_TIMEOUT, .timeout_ns = CO_FOREVER, .result = 99};
  return cases;
}

static void check_result(int done, int result) {
  for (int i = 0; i < 5; i++)
    CHECK_EQ(cases[i].result, i == done ? result : 99);
}

static void none_done(void) {
  check_result(-1, 0);
  CHECK_EQ(in, -1);
  CHECK_EQ(value, -1);
  CHECK_EQ(co_chan_len(b), 0);
}

/* What another one does while the select waits. */
static void *helper(void *arg) {
  int64_t n = 0;
  CHECK_OK(co_sleep(200 * US));
  switch ((intptr_t)arg) {
  case 0:
    CHECK_OK(co_chan_recv(a, &n, CO_FOREVER));
    CHECK_EQ(n, 11);
    break;
  case 1:
    n = 22;
    CHECK_OK(co_chan_send(b, &n, CO_FOREVER));
    break;
  case 2:
    n = 33;
    CHECK_OK(co_future_complete(f, &n));
    break;
  case 3:
    CHECK_OK(co_event_set(&event));
    break;
  default:
    break;
  }
  return NULL;
}

static void done(int i) {
  CHECK_EQ(in, i == 1 ? 22 : -1);
  CHECK_EQ(value, i == 2 ? 33 : -1);
  check_result(i, 0);
}

static void fresh(void) {
  CHECK_OK(co_chan_new(&a, sizeof(int64_t), 0));
  CHECK_OK(co_chan_new(&b, sizeof(int64_t), 0));
  CHECK_OK(co_future_new(&f, sizeof(int64_t)));
  memset(&event, 0, sizeof event);
}

static void release(void) {
  CHECK_OK(co_chan_free(a));
  CHECK_OK(co_chan_free(b));
  CHECK_OK(co_future_free(f));
}

/* Each case by itself, while the select waits; helpers are coroutines or threads. */
static void *each(void *threads) {
  for (intptr_t i = 0; i < 4; i++) {
    pthread_t thread;
    co_t co = 0;
    fresh();
    if (threads)
      thread = conf_thread(helper, (void *)i);
    else
      co = conf_spawn_on(2, helper, (void *)i);
    CHECK_EQ(co_select(prepare(), 5, CO_FOREVER), i);
    done((int)i);
    if (threads)
      conf_thread_join(thread);
    else
      conf_join(co);
    /* Nothing of the select is left behind. */
    CHECK_ERR(co_chan_recv(a, &in, CO_NOW), EAGAIN);
    CHECK_ERR(co_chan_send(b, &out, CO_NOW), EAGAIN);
    release();
  }
  return NULL;
}

static void *sender(void *arg) {
  int64_t n = (intptr_t)arg;
  CHECK_OK(co_chan_send(b, &n, CO_FOREVER));
  return NULL;
}

static void *receiver(void *arg) {
  int64_t n = 0;
  CHECK_OK(co_chan_recv(a, &n, CO_FOREVER));
  CHECK_EQ(n, (intptr_t)arg);
  return NULL;
}

/* Ready before: done at once, whatever the timeout. */
static void at_once(int64_t timeout) {
  co_t co;
  fresh();
  co = conf_spawn(receiver, (void *)11);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_EQ(co_select(prepare(), 5, timeout), 0);
  done(0);
  conf_join(co);
  co = conf_spawn(sender, (void *)22);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_EQ(co_select(prepare(), 5, timeout), 1);
  done(1);
  conf_join(co);
  CHECK_OK(co_event_set(&event));
  CHECK_EQ(co_select(prepare(), 5, timeout), 3);
  done(3);
  CHECK_OK(co_event_reset(&event));
  value = 33;
  CHECK_OK(co_future_complete(f, &value));
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(co_select(prepare(), 5, timeout), 2);
    done(2);
  }
  release();
}

static void never(void) {
  fresh();
  CHECK_ERR(co_select(prepare(), 5, CO_NOW), EAGAIN);
  none_done();
  for (int i = 1; i < 5; i++) {
    int64_t before = co_now();
    CHECK_ERR(co_select(prepare(), 5, i * 100 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 100 * US);
    none_done();
    before = co_now();
    prepare()[4].timeout_ns = i * 100 * US;
    CHECK_EQ(co_select(cases, 5, i % 2 ? CO_FOREVER : SEC), 4);
    CHECK_GE(co_now() - before, i * 100 * US);
    done(4);
  }
  prepare()[4].timeout_ns = 0;
  CHECK_EQ(co_select(cases, 5, CO_FOREVER), 4);
  prepare()[4].timeout_ns = SEC;
  CHECK_ERR(co_select(cases, 5, 100 * US), ETIMEDOUT);
  none_done();
  /* Nothing to wait for but time. */
  CHECK_ERR(co_select(NULL, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_select(NULL, 0, 100 * US), ETIMEDOUT);
  prepare();
  cases[0].handle = cases[1].handle = cases[2].handle = 0;
  cases[3].elem = NULL;
  CHECK_ERR(co_select(cases, 5, 100 * US), ETIMEDOUT);
  none_done();
  release();
}

static void bad(void) {
  fresh();
  CHECK_ERR(co_select(NULL, 1, CO_FOREVER), EINVAL);
  CHECK_ERR(co_select(prepare(), 5, -2), EINVAL);
  CHECK_ERR(co_select(cases, SIZE_MAX, CO_FOREVER), EINVAL);
  cases[1].kind = 0;
  CHECK_ERR(co_select(cases, 5, CO_FOREVER), EINVAL);
  cases[1].kind = 6;
  CHECK_ERR(co_select(cases, 5, CO_FOREVER), EINVAL);
  prepare()[4].timeout_ns = -2;
  CHECK_ERR(co_select(cases, 5, CO_FOREVER), EINVAL);
  none_done();
  prepare()[0].elem = NULL; /* a case that can go on, to its failure */
  CHECK_EQ(co_select(cases, 5, CO_FOREVER), 0);
  check_result(0, -EINVAL);
  release();
}

static void *on_thread(void *arg) {
  never();
  bad();
  return arg;
}

static void body(void) {
  each(NULL);
  each(&a);
  at_once(CO_NOW);
  at_once(CO_FOREVER);
  at_once(SEC);
  never();
  bad();
  conf_on_thread(on_thread, NULL);
  conf_on_thread(each, NULL);
  conf_on_thread(each, &a);
}

CASE(body)
