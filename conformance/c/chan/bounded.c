#include "check.h"

static co_chan_t ch;
static atomic_int through;

static void *sender(void *arg) {
  int n = (int)(intptr_t)arg;
  CHECK_OK(co_chan_send(ch, &n, CO_FOREVER));
  atomic_fetch_add(&through, 1);
  return NULL;
}

static void with_capacity(int cap) {
  enum { MORE = 5 };
  co_t co[MORE];
  int n;
  atomic_store(&through, 0);
  CHECK_OK(co_chan_new(&ch, sizeof n, (size_t)cap));
  CHECK_EQ(co_chan_cap(ch), cap);
  for (int round = 0; round < 3; round++) {
    CHECK_ERR(co_chan_recv(ch, &n, CO_NOW), EAGAIN);
    for (n = 0; n < cap; n++) {
      CHECK_EQ(co_chan_len(ch), n);
      CHECK_OK(co_chan_send(ch, &n, n % 2 ? CO_NOW : CO_FOREVER));
    }
    CHECK_ERR(co_chan_send(ch, &n, CO_NOW), EAGAIN);
    CHECK_ERR(co_chan_send(ch, &n, 100 * US), ETIMEDOUT);
    for (int i = 0; i < MORE; i++) {
      co[i] = conf_spawn(sender, (void *)(intptr_t)(cap + i));
      conf_until_state(co[i], CO_STATE_PARKED);
    }
    for (int i = 0; i < cap + MORE; i++) {
      CHECK_EQ(co_chan_len(ch), i < MORE ? cap : cap + MORE - i);
      n = -1;
      CHECK_OK(co_chan_recv(ch, &n, i % 2 ? CO_NOW : CO_FOREVER));
      CHECK_EQ(n, i);
    }
    for (int i = 0; i < MORE; i++)
      conf_join(co[i]);
    CHECK_EQ(atomic_load(&through), (round + 1) * MORE);
  }
  n = 9;
  CHECK_OK(co_chan_send(ch, &n, CO_NOW));
  CHECK_OK(co_chan_recv(ch, NULL, CO_NOW)); /* dropped */
  CHECK_EQ(co_chan_len(ch), 0);
  CHECK_OK(co_chan_free(ch));
}

static void body(void) {
  static const int caps[] = {1, 2, 3, 16, 17, 1000};
  for (size_t i = 0; i < COUNT_OF(caps); i++)
    with_capacity(caps[i]);
}

CASE(body)
