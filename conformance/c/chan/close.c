#include "check.h"

static co_chan_t ch;
static atomic_int out;

static void *send_one(void *arg) {
  int n = 99, want = *(int *)arg;
  CHECK_EQ(co_chan_send(ch, &n, CO_FOREVER), want);
  atomic_fetch_add(&out, 1);
  return NULL;
}

static void *recv_one(void *arg) {
  int n = 5, want = *(int *)arg;
  CHECK_EQ(co_chan_recv(ch, &n, CO_FOREVER), want);
  CHECK_EQ(n, 5);
  atomic_fetch_add(&out, 1);
  return NULL;
}

/* Coroutines and a plain thread wait; `end` sends them away. */
static void waiting(co_entry_t fn, int (*end)(co_chan_t), int want) {
  enum { N = 4 };
  co_t co[N];
  pthread_t thread = conf_thread(fn, &want);
  atomic_store(&out, 0);
  for (int i = 0; i < N; i++) {
    co[i] = conf_spawn_on(1 + (uint32_t)i % 2, fn, &want);
    conf_until_state(co[i], CO_STATE_PARKED);
  }
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(atomic_load(&out), 0);
  CHECK_OK(end(ch));
  for (int i = 0; i < N; i++)
    conf_join(co[i]);
  while (atomic_load(&out) != N + 1)
    CHECK_OK(co_sleep(100 * US));
  conf_thread_join(thread);
}

static void drained(size_t cap, int left) {
  int n;
  CHECK_OK(co_chan_new(&ch, sizeof n, cap));
  for (n = 0; n < left; n++)
    CHECK_OK(co_chan_send(ch, &n, CO_NOW));
  if (cap == (size_t)left)
    waiting(send_one, co_chan_close, -EPIPE);
  else
    CHECK_OK(co_chan_close(ch));
  CHECK_ERR(co_chan_close(ch), EPIPE);
  CHECK_ERR(co_chan_send(ch, &n, CO_NOW), EPIPE);
  CHECK_ERR(co_chan_send(ch, &n, CO_FOREVER), EPIPE);
  CHECK_EQ(co_chan_len(ch), left);
  for (int i = 0; i < left; i++) {
    CHECK_OK(co_chan_recv(ch, &n, i % 2 ? CO_NOW : CO_FOREVER));
    CHECK_EQ(n, i);
  }
  CHECK_ERR(co_chan_recv(ch, &n, CO_NOW), EPIPE);
  CHECK_ERR(co_chan_recv(ch, &n, CO_FOREVER), EPIPE);
  CHECK_OK(co_chan_free(ch));
}

static void stale(co_chan_t old) {
  int n = 3;
  CHECK_ERR(co_chan_send(old, &n, CO_FOREVER), EBADF);
  CHECK_ERR(co_chan_recv(old, &n, CO_FOREVER), EBADF);
  CHECK_ERR(co_chan_close(old), EBADF);
  CHECK_ERR(co_chan_free(old), EBADF);
  CHECK_EQ(co_chan_len(old), -EBADF);
  CHECK_EQ(co_chan_cap(old), -EBADF);
  CHECK_EQ(n, 3);
}

static void body(void) {
  int n = 0;
  drained(0, 0);
  drained(1, 1);
  drained(20, 20);
  drained(20, 7);
  drained(CO_CHAN_UNBOUNDED, 2000);
  CHECK_OK(co_chan_new(&ch, sizeof(int), 3));
  waiting(recv_one, co_chan_close, -EPIPE);
  CHECK_OK(co_chan_free(ch));
  CHECK_OK(co_chan_new(&ch, sizeof(int), 3));
  waiting(recv_one, co_chan_free, -EBADF);
  stale(ch);
  CHECK_OK(co_chan_new(&ch, sizeof(int), 1));
  CHECK_OK(co_chan_send(ch, &n, CO_NOW));
  waiting(send_one, co_chan_free, -EBADF);
  stale(ch);
  stale(0);
  stale(1);
  stale(UINT64_MAX);
  stale(UINT64_C(1) << 32);
  for (uint64_t i = 1; i < 64; i++)
    stale(ch + (i << 32));
  for (uint64_t i = 0; i < 64; i++)
    stale(ch ^ (UINT64_C(1) << i));
}

CASE(body)
