#include "check.h"

static co_chan_t ch;
static int64_t sent, received;

static void *sender(void *arg) {
  int64_t n = (int64_t)(intptr_t)arg;
  CHECK_OK(co_chan_send(ch, &n, CO_FOREVER));
  sent++;
  return NULL;
}

static void *receiver(void *arg) {
  int64_t n = -1;
  CHECK_OK(co_chan_recv(ch, &n, CO_FOREVER));
  CHECK_EQ(n, (intptr_t)arg);
  received++;
  return NULL;
}

static void body(void) {
  enum { N = 20 };
  co_t co[N];
  int64_t n;
  CHECK_OK(co_chan_new(&ch, sizeof n, 0));
  CHECK_EQ(co_chan_cap(ch), 0);
  n = 5;
  CHECK_ERR(co_chan_send(ch, &n, CO_NOW), EAGAIN);
  CHECK_ERR(co_chan_recv(ch, &n, CO_NOW), EAGAIN);
  CHECK_EQ(n, 5);
  /* Senders that wait, in order. */
  for (intptr_t i = 0; i < N; i++) {
    co[i] = conf_spawn(sender, (void *)i);
    conf_until_state(co[i], CO_STATE_PARKED);
  }
  CHECK_EQ(sent, 0);
  CHECK_EQ(co_chan_len(ch), 0);
  for (int i = 0; i < N; i++) {
    CHECK_OK(co_chan_recv(ch, &n, i % 2 ? CO_NOW : CO_FOREVER));
    CHECK_EQ(n, i);
    conf_join(co[i]);
    CHECK_EQ(sent, i + 1);
  }
  /* Receivers that wait, in order. */
  for (intptr_t i = 0; i < N; i++) {
    co[i] = conf_spawn(receiver, (void *)i);
    conf_until_state(co[i], CO_STATE_PARKED);
  }
  for (int64_t i = 0; i < N; i++) {
    CHECK_EQ(received, i);
    CHECK_OK(co_chan_send(ch, &i, i % 2 ? CO_NOW : CO_FOREVER));
    conf_join(co[i]);
  }
  CHECK_ERR(co_chan_recv(ch, &n, CO_NOW), EAGAIN);
  CHECK_OK(co_chan_free(ch));
}

CASE(body)
