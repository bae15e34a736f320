#include "net.h"

/* A peer that sends without end meets receivers that are slow, stopped, on another vCPU, and
 * migratable: the stream has no hole and nothing twice, and what waits for its reader is bounded. */
enum { BYTES = 24 << 20 };
static int fds[2];
static co_t receiver;
static atomic_int done;

static void *sender(void *arg) {
  static unsigned char chunk[60000];
  uint64_t rng = 31;
  for (uint64_t at = 0; at < BYTES;) {
    size_t n = 1 + conf_rand(&rng) % sizeof chunk;
    if (n > BYTES - at)
      n = (size_t)(BYTES - at);
    net_fill(chunk, n, 9, at);
    net_send_all(fds[0], chunk, n);
    at += n;
  }
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  return arg;
}

static void *interrupter(void *arg) {
  uint64_t rng = 32;
  while (!atomic_load(&done)) {
    CHECK_OK(co_sleep((int64_t)(conf_rand(&rng) % 200) * US));
    int r = co_interrupt(receiver, EINTR);
    CHECK(r == 0 || r == -ESRCH);
  }
  return arg;
}

static void *receive(void *arg) {
  uint64_t at = 0, rng = 33, held = 0;
  co_buf_t bufs[8];
  for (;;) {
    uint64_t dice = conf_rand(&rng) % 64;
    int64_t timeout = dice == 0 ? CO_NOW : dice < 4 ? (int64_t)dice * 5 * US : CO_FOREVER;
    int64_t r = co_io_recv_buf(fds[1], &bufs[held], dice == 5 ? 0 : CO_IO_AHEAD, timeout);
    if (r == -ETIMEDOUT || r == -EAGAIN || r == -EINTR)
      continue;
    CHECK_GE(r, 0);
    if (r == 0)
      break;
    net_same(bufs[held].data, bufs[held].len, 9, at);
    at += bufs[held].len;
    /* Held for a while, given back in another order. */
    if (++held == COUNT_OF(bufs)) {
      for (; held > 0; held--)
        CHECK_OK(co_buf_release(&bufs[held - 1]));
      if (dice % 8 == 0)
        co_sleep(100 * US);
    }
  }
  while (held > 0)
    CHECK_OK(co_buf_release(&bufs[--held]));
  CHECK_EQ(at, BYTES);
  atomic_store(&done, 1);
  return arg;
}

/* The stream begins on one vCPU and goes on on another. */
static void *begin(void *arg) {
  co_buf_t buf;
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, CO_IO_AHEAD, MS), ETIMEDOUT);
  return arg;
}

static void body(void) {
  for (int round = 0; round < 4; round++) {
    round % 2 ? net_tcp_pair(fds) : net_unix_pair(fds);
    atomic_store(&done, 0);
    if (round >= 2)
      conf_join(conf_spawn_on(2, begin, NULL));
    co_attr_t attr = conf_attr();
    attr.flags = round == 3 ? CO_MIGRATABLE : 0;
    attr.vcpu = round == 3 ? 0 : 1;
    CHECK_OK(co_spawn(&receiver, &attr, receive, NULL));
    co_t interrupting = conf_spawn_on(1, interrupter, NULL), sending = conf_spawn_on(2, sender, NULL);
    conf_join(sending);
    conf_join(receiver);
    conf_join(interrupting);
    net_close(fds);
  }
}

CASE(body)
