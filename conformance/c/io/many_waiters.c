#include "net.h"

/* Many coroutines wait on one descriptor: each datagram, and each connection, goes to exactly one of them. */
enum { WAITERS = 16, MESSAGES = 2000, CONNECTIONS = 200 };
static int fds[2], listener, seen[MESSAGES];
static atomic_int received, accepted;

static void *receiver(void *arg) {
  int number;
  for (;;) {
    int64_t r = co_io_recv(fds[1], &number, sizeof number, 0, CO_FOREVER);
    CHECK_EQ(r, sizeof number);
    if (number < 0)
      return arg;
    seen[number]++;
    atomic_fetch_add(&received, 1);
  }
}

static void *acceptor(void *arg) {
  for (;;) {
    int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
    if (fd == -EBADF)
      return arg;
    CHECK_GE(fd, 0);
    atomic_fetch_add(&accepted, 1);
    CHECK_OK(co_io_close(fd));
  }
}

static void body(void) {
  co_t cos[WAITERS];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
  for (int i = 0; i < WAITERS; i++)
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, receiver, NULL);
  for (int i = 0; i < MESSAGES; i++)
    CHECK_EQ(co_io_send(fds[0], &i, sizeof i, 0, CO_FOREVER), sizeof i);
  for (int i = 0, end = -1; i < WAITERS; i++)
    CHECK_EQ(co_io_send(fds[0], &end, sizeof end, 0, CO_FOREVER), sizeof end);
  for (int i = 0; i < WAITERS; i++)
    conf_join(cos[i]);
  CHECK_EQ(atomic_load(&received), MESSAGES);
  for (int i = 0; i < MESSAGES; i++)
    CHECK_EQ(seen[i], 1);
  net_close(fds);

  listener = net_listen();
  for (int i = 0; i < WAITERS; i++)
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, acceptor, NULL);
  for (int i = 0; i < CONNECTIONS; i++) {
    char byte;
    int fd = net_connect(net_port(listener));
    CHECK_EQ(co_io_recv(fd, &byte, 1, 0, CO_FOREVER), 0);
    CHECK_OK(co_io_close(fd));
  }
  CHECK_EQ(atomic_load(&accepted), CONNECTIONS);
  CHECK_OK(co_io_close(listener));
  for (int i = 0; i < WAITERS; i++)
    conf_join(cos[i]);
}

CASE(body)
