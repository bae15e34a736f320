#include "net.h"

/* Timeouts, interrupts and data arrive at once, over and over. A receive has either its bytes or
 * an error, never both: the stream has no hole and nothing twice. */
enum { BYTES = 20000 };
static int fds[2];
static atomic_int done;
static co_t receiver;

static void *sender(void *arg) {
  uint64_t rng = 21;
  for (uint64_t at = 0; at < BYTES; at++) {
    unsigned char byte = net_byte(5, at);
    int64_t until = co_now() + (int64_t)(conf_rand(&rng) % 40) * US;
    while (co_now() < until)
      co_yield_now();
    CHECK_EQ(co_io_send(fds[0], &byte, 1, 0, CO_FOREVER), 1);
  }
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  return arg;
}

static void *interrupter(void *arg) {
  uint64_t rng = 22;
  while (!atomic_load(&done)) {
    CHECK_OK(co_sleep((int64_t)(conf_rand(&rng) % 100) * US));
    int r = co_interrupt(receiver, EINTR);
    CHECK(r == 0 || r == -ESRCH);
  }
  return arg;
}

static void *receive(void *arg) {
  uint64_t at = 0, rng = 23, failed = 0;
  unsigned char buf[64];
  for (;;) {
    memset(buf, 0xaa, sizeof buf);
    int64_t timeout = (int64_t)(conf_rand(&rng) % 30) * US;
    int64_t r = at % 2 ? co_io_read(fds[1], buf, sizeof buf, timeout)
                       : co_io_recv(fds[1], buf, sizeof buf, 0, timeout);
    if (r == -ETIMEDOUT || r == -EAGAIN || r == -EINTR) {
      CHECK_EQ(buf[0], 0xaa);
      failed++;
      if (r == -EAGAIN)
        co_yield_now();
      continue;
    }
    CHECK_GE(r, 0);
    if (r == 0)
      break;
    net_same(buf, (size_t)r, 5, at);
    at += (uint64_t)r;
  }
  CHECK_EQ(at, BYTES);
  CHECK_GE(failed, 1);
  atomic_store(&done, 1);
  return arg;
}

static void body(void) {
  for (int tcp = 0; tcp < 2; tcp++) {
    tcp ? net_tcp_pair(fds) : net_unix_pair(fds);
    atomic_store(&done, 0);
    receiver = conf_spawn_on(1, receive, NULL);
    co_t interrupting = conf_spawn_on(1, interrupter, NULL), sending = conf_spawn_on(2, sender, NULL);
    conf_join(sending);
    conf_join(receiver);
    conf_join(interrupting);
    net_close(fds);
  }
}

CASE(body)
