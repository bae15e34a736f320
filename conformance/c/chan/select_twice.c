#include "check.h"

enum { ROUNDS = 3000 };
static co_chan_t ch;
static atomic_int sent, received;
static atomic_llong sum;

/* Sends or receives, whichever comes. */
static int both(int64_t *out, int64_t timeout) {
  int64_t in = -1;
  co_select_t c[4];
  memset(c, 0, sizeof c);
  for (int i = 0; i < 4; i++) {
    c[i].kind = i % 2 ? CO_SELECT_RECV : CO_SELECT_SEND;
    c[i].handle = ch;
    c[i].elem = i % 2 ? (void *)&in : (void *)out;
  }
  int i = co_select(c, 4, timeout);
  if (i < 0)
    return i;
  CHECK_EQ(c[i].result, 0);
  if (i % 2) {
    CHECK(in > 0);
    atomic_fetch_sub(&sum, in);
    atomic_fetch_add(&received, 1);
  } else {
    CHECK_EQ(in, -1);
    atomic_fetch_add(&sum, *out);
    atomic_fetch_add(&sent, 1);
  }
  return i;
}

static void *player(void *arg) {
  int64_t n = (intptr_t)arg;
  for (int i = 0; i < ROUNDS; i++) {
    int r;
    do
      r = both(&n, i % 8 ? 10 * MS : 1000);
    while (r == -ETIMEDOUT && atomic_load(&sent) < ROUNDS);
    if (r == -ETIMEDOUT)
      break;
    CHECK_GE(r, 0);
  }
  return NULL;
}

static void body(void) {
  co_t co[4];
  int64_t n = 3;
  CHECK_OK(co_chan_new(&ch, sizeof n, 0));
  CHECK_ERR(both(&n, CO_NOW), EAGAIN);
  CHECK_ERR(both(&n, 2 * MS), ETIMEDOUT);
  CHECK_ERR(both(&n, CO_NOW), EAGAIN); /* nothing was left in the queues */
  for (intptr_t i = 0; i < 4; i++)
    co[i] = conf_spawn_on((uint32_t)i % 2 + 1, player, (void *)(i + 1));
  for (int i = 0; i < 4; i++)
    conf_join(co[i]);
  CHECK_EQ(atomic_load(&sent), atomic_load(&received));
  CHECK_EQ(atomic_load(&sum), 0);
  CHECK_GE(atomic_load(&sent), ROUNDS / 2);
  CHECK_OK(co_chan_free(ch));
}

CASE(body)
