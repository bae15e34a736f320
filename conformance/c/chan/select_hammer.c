#include "check.h"

enum { CHANNELS = 4, WORKERS = 8, ROUNDS = 1500 };
static co_chan_t ch[CHANNELS];
static atomic_llong sum, in_flight;
static atomic_int running, cancelled;
static co_t co[WORKERS];

static void *worker(void *arg) {
  int me = (int)(intptr_t)arg;
  uint64_t seed = (uint64_t)me + 1;
  for (int i = 0; i < ROUNDS; i++) {
    co_select_t c[6];
    int64_t in[6], out[6];
    int n = 1 + (int)(conf_rand(&seed) % 6);
    for (int k = 0; k < n; k++) {
      uint64_t r = conf_rand(&seed);
      in[k] = -1;
      out[k] = (int64_t)(r >> 40) + 1;
      c[k] = (co_select_t){.kind = r & 1 ? CO_SELECT_SEND : CO_SELECT_RECV, .result = 77};
      c[k].handle = ch[(r >> 1) % CHANNELS];
      c[k].elem = r & 1 ? &out[k] : &in[k];
    }
    int done = co_select(c, (size_t)n, (int64_t)(conf_rand(&seed) % 3) * 20 * US);
    if (done == -ECANCELED) {
      atomic_fetch_add(&cancelled, 1);
      CHECK_EQ(co_cancel_clear(), 1);
    } else if (done < 0)
      CHECK(done == -EAGAIN || done == -ETIMEDOUT || done == -EINTR);
    for (int k = 0; k < n; k++) {
      CHECK_EQ(c[k].result, k == done ? 0 : 77);
      if (c[k].kind == CO_SELECT_RECV)
        CHECK((in[k] != -1) == (k == done));
    }
    if (done >= 0 && c[done].kind == CO_SELECT_SEND) {
      atomic_fetch_add(&sum, out[done]);
      atomic_fetch_add(&in_flight, 1);
    } else if (done >= 0) {
      atomic_fetch_sub(&sum, in[done]);
      atomic_fetch_sub(&in_flight, 1);
    }
  }
  atomic_fetch_sub(&running, 1);
  return NULL;
}

static void *pest(void *arg) {
  uint64_t seed = 99;
  while (atomic_load(&running) > 0) {
    co_t target = co[conf_rand(&seed) % WORKERS];
    if (conf_rand(&seed) & 1)
      co_cancel(target);
    else
      co_interrupt(target, EINTR);
    CHECK_OK(co_sleep(20 * US));
  }
  return arg;
}

static void body(void) {
  static const size_t caps[CHANNELS] = {0, 0, 3, CO_CHAN_UNBOUNDED};
  pthread_t thread;
  co_t p;
  int64_t left = 0, n;
  for (int i = 0; i < CHANNELS; i++)
    CHECK_OK(co_chan_new(&ch[i], sizeof(int64_t), caps[i]));
  atomic_store(&running, WORKERS + 1);
  for (intptr_t i = 0; i < WORKERS; i++)
    co[i] = conf_spawn_on((uint32_t)i % 2 + 1, worker, (void *)i);
  thread = conf_thread(worker, (void *)(intptr_t)WORKERS);
  p = conf_spawn(pest, NULL);
  for (int i = 0; i < WORKERS; i++)
    CHECK_OK(co_wait(co[i], CO_FOREVER));
  conf_join(p);
  for (int i = 0; i < WORKERS; i++)
    conf_join(co[i]);
  conf_thread_join(thread);
  for (int i = 0; i < CHANNELS; i++) {
    left += co_chan_len(ch[i]);
    while (co_chan_recv(ch[i], &n, CO_NOW) == 0)
      atomic_fetch_sub(&sum, n);
  }
  CHECK_EQ(atomic_load(&in_flight), left);
  CHECK_EQ(atomic_load(&sum), 0);
}

CASE(body)
