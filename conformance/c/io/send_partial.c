#include "net.h"

/* What is larger than the buffers goes in parts; a send that gives up has sent what it says and
 * not a byte more. */
enum { TOTAL = 4 << 20 };

static void *slow_reader(void *arg) {
  static unsigned char buf[30000];
  int fd = *(int *)arg;
  size_t at = 0;
  for (;;) {
    int64_t r = co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER);
    CHECK_GE(r, 0);
    if (r == 0)
      return (void *)at;
    net_same(buf, (size_t)r, 3, at);
    at += (size_t)r;
    if (at % 7 == 0)
      CHECK_OK(co_sleep(100 * US));
  }
}

static void transfer(int fds[2]) {
  static unsigned char data[300000];
  co_t reading = conf_spawn_on(2, slow_reader, &fds[1]);
  size_t at = 0;
  uint64_t rng = 11;
  while (at < TOTAL) {
    size_t n = conf_rand(&rng) % sizeof data + 1;
    n = n < TOTAL - at ? n : TOTAL - at;
    net_fill(data, n, 3, at);
    int64_t r = co_io_send(fds[0], data, n, 0, conf_rand(&rng) % 3 ? CO_FOREVER : 20 * US);
    if (r == -ETIMEDOUT)
      continue;
    CHECK_GE(r, 1);
    CHECK((uint64_t)r <= n);
    at += (size_t)r;
  }
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  CHECK_EQ((size_t)conf_join(reading), TOTAL);
  net_close(fds);
}

static void full(int fds[2]) {
  static unsigned char data[100000];
  int64_t r;
  size_t sent = 0, got = 0;
  for (;;) {
    net_fill(data, sizeof data, 4, sent);
    if ((r = co_io_send(fds[0], data, sizeof data, 0, CO_NOW)) < 0)
      break;
    sent += (size_t)r;
  }
  CHECK_ERR(r, EAGAIN);
  for (int i = 0; i < 20; i++) {
    int64_t before = co_now();
    net_fill(data, sizeof data, 4, sent);
    r = co_io_send(fds[0], data, sizeof data, 0, 500 * US);
    if (r > 0) { /* TCP may find some room */
      sent += (size_t)r;
      continue;
    }
    CHECK_ERR(r, ETIMEDOUT);
    CHECK_GE(co_now() - before, 500 * US);
  }
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  while ((r = co_io_recv(fds[1], data, sizeof data, 0, CO_FOREVER)) > 0) {
    net_same(data, (size_t)r, 4, got);
    got += (size_t)r;
  }
  CHECK_EQ(r, 0);
  CHECK_EQ(got, sent);
  net_close(fds);
}

static void body(void) {
  int fds[2];
  for (int i = 0; i < 2; i++) {
    i ? net_tcp_pair(fds) : net_unix_pair(fds);
    transfer(fds);
    i ? net_tcp_pair(fds) : net_unix_pair(fds);
    full(fds);
  }
}

CASE(body)
