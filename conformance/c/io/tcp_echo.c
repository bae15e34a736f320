#include "net.h"

/* 64 clients at once send random pieces and compare what comes back. */
enum { CLIENTS = 64, BYTES = 100000 };
static int listener;
static uint16_t port;

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  char buf[3000];
  for (;;) {
    int64_t n = co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER);
    CHECK_GE(n, 0);
    if (n == 0)
      break;
    net_send_all(fd, buf, (size_t)n);
  }
  CHECK_OK(co_io_close(fd));
  return NULL;
}

static void *acceptor(void *arg) {
  for (int i = 0; i < CLIENTS; i++) {
    int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
    CHECK_GE(fd, 0);
    CHECK_OK(co_spawn(NULL, NULL, serve, (void *)(intptr_t)fd));
  }
  return arg;
}

static void *sender(void *arg) {
  int fd = *(int *)arg;
  unsigned char buf[5000];
  uint64_t rng = (uint64_t)fd;
  for (size_t at = 0; at < BYTES;) {
    size_t n = conf_rand(&rng) % sizeof buf + 1;
    n = n < BYTES - at ? n : BYTES - at;
    net_fill(buf, n, (uint64_t)fd, at);
    net_send_all(fd, buf, n);
    at += n;
    if (conf_rand(&rng) % 8 == 0)
      CHECK_OK(co_sleep(100 * US));
  }
  CHECK_OK(co_io_shutdown(fd, SHUT_WR));
  return arg;
}

static void *client(void *arg) {
  int fd = net_connect(port);
  unsigned char buf[4000];
  size_t at = 0;
  co_t sending = conf_spawn(sender, &fd); /* both directions of a socket at once */
  for (;;) {
    int64_t n = co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER);
    CHECK_GE(n, 0);
    if (n == 0)
      break;
    net_same(buf, (size_t)n, (uint64_t)fd, at);
    at += (size_t)n;
  }
  CHECK_EQ(at, BYTES);
  conf_join(sending);
  CHECK_OK(co_io_close(fd));
  return arg;
}

static void body(void) {
  co_t cos[CLIENTS];
  listener = net_listen();
  port = net_port(listener);
  co_t accepting = conf_spawn(acceptor, NULL);
  for (int i = 0; i < CLIENTS; i++)
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, client, NULL);
  for (int i = 0; i < CLIENTS; i++)
    conf_join(cos[i]);
  conf_join(accepting);
  CHECK_OK(co_io_close(listener));
  conf_until_live(1);
}

CASE(body)
