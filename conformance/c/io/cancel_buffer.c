#include "net.h"

/* When a call has returned, for whatever reason, the system no longer holds its buffer: the next
 * data goes to the next reader, whole, and nothing is written where the first one had its
 * buffer. */
enum { ROUNDS = 3000, SIZE = 512 };
static int fds[2];
static unsigned char *poisoned;
static atomic_int waiting;

static void *victim(void *arg) {
  int how = (int)(intptr_t)arg;
  memset(poisoned, 0xaa, SIZE);
  atomic_store(&waiting, 1);
  int64_t timeout = how == 0 ? 30 * US : CO_FOREVER;
  int64_t r = how % 2 ? co_io_read(fds[1], poisoned, SIZE, timeout)
                      : co_io_recv(fds[1], poisoned, SIZE, 0, timeout);
  CHECK_EQ(r, how == 0 ? -ETIMEDOUT : how == 1 ? -ECANCELED : -EINTR);
  return NULL;
}

static void body(void) {
  unsigned char got[SIZE];
  poisoned = malloc(SIZE);
  CHECK(poisoned != NULL);
  for (int round = 0; round < ROUNDS; round++) {
    if (round % 100 == 0) {
      if (round)
        net_close(fds);
      round % 200 ? net_tcp_pair(fds) : net_unix_pair(fds);
    }
    atomic_store(&waiting, 0);
    co_t co = conf_spawn_on((uint32_t)round % 2 + 1, victim, (void *)(intptr_t)(round % 3));
    while (!atomic_load(&waiting))
      co_yield_now();
    if (round % 5 == 0)
      CHECK_OK(co_sleep(60 * US));
    if (round % 3 == 1)
      CHECK_OK(co_cancel(co));
    if (round % 3 == 2)
      CHECK_OK(co_interrupt(co, EINTR));
    conf_join(co);

    unsigned char sent[SIZE];
    net_fill(sent, SIZE, (uint64_t)round, 0);
    net_send_all(fds[0], sent, SIZE);
    net_recv_all(fds[1], got, SIZE);
    net_same(got, SIZE, (uint64_t)round, 0);
    for (int i = 0; i < SIZE; i++)
      CHECK_EQ(poisoned[i], 0xaa);
  }
  net_close(fds);
  free(poisoned);
}

CASE(body)
