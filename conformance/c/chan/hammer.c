#include "check.h"

enum { SIDES = 6, EACH = 3000 };
static co_chan_t ch;
static atomic_uchar seen[SIDES * EACH];
static atomic_int received;

static void *sender(void *arg) {
  uint32_t me = (uint32_t)(intptr_t)arg;
  uint64_t seed = me + 1;
  for (uint32_t i = 0; i < EACH;) {
    uint32_t n = me * EACH + i;
    int r = co_chan_send(ch, &n, conf_rand(&seed) % 8 ? CO_FOREVER : 1000);
    if (r == 0)
      i++;
    else
      CHECK_ERR(r, ETIMEDOUT);
  }
  return NULL;
}

static void *receiver(void *arg) {
  uint64_t seed = (uint64_t)(intptr_t)arg + 100;
  int64_t last[SIDES];
  memset(last, -1, sizeof last);
  for (;;) {
    uint32_t n = UINT32_MAX;
    int r = co_chan_recv(ch, &n, conf_rand(&seed) % 8 ? CO_FOREVER : 1000);
    if (r == -EPIPE)
      return NULL;
    if (r) {
      CHECK_ERR(r, ETIMEDOUT);
      CHECK_EQ(n, UINT32_MAX);
      continue;
    }
    CHECK(n < SIDES * EACH);
    CHECK_EQ(atomic_fetch_add(&seen[n], 1), 0);
    CHECK(last[n / EACH] < (int64_t)n);
    last[n / EACH] = n;
    atomic_fetch_add(&received, 1);
  }
}

static void *wait_all(void *arg) {
  while (atomic_load(&received) < SIDES * EACH)
    CHECK_OK(co_sleep(MS));
  return arg;
}

static void round_of(size_t cap) {
  co_t co[2 * SIDES];
  pthread_t threads[2];
  memset((void *)seen, 0, sizeof seen);
  atomic_store(&received, 0);
  CHECK_OK(co_chan_new(&ch, sizeof(uint32_t), cap));
  for (intptr_t i = 0; i < SIDES; i++) {
    co[2 * i] = i ? conf_spawn_on((uint32_t)i % 2 + 1, sender, (void *)i) : 0;
    co[2 * i + 1] = i ? conf_spawn_on((uint32_t)(i / 2) % 2 + 1, receiver, (void *)i) : 0;
  }
  threads[0] = conf_thread(sender, (void *)0);
  threads[1] = conf_thread(receiver, (void *)0);
  wait_all(NULL);
  CHECK_OK(co_chan_close(ch));
  for (int i = 2; i < 2 * SIDES; i++)
    conf_join(co[i]);
  conf_thread_join(threads[0]);
  conf_thread_join(threads[1]);
  CHECK_EQ(atomic_load(&received), SIDES * EACH);
  CHECK_OK(co_chan_free(ch));
}

static void body(void) {
  round_of(0);
  round_of(1);
  round_of(100);
  round_of(CO_CHAN_UNBOUNDED);
}

CASE(body)
