#include "net.h"

static int fds[2];

static void *in_recv(void *arg) {
  char buf[8];
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), 0);
  return arg;
}

static void body(void) {
  char buf[8];
  for (int round = 0; round < 40; round++) {
    round % 2 ? net_tcp_pair(fds) : net_unix_pair(fds);
    /* Our own SHUT_RD ends a receive that waits; the peer's SHUT_WR does too. */
    co_t co = conf_spawn_on((uint32_t)round / 2 % 2 + 1, in_recv, NULL);
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(round % 4 < 2 ? co_io_shutdown(fds[1], SHUT_RD) : co_io_shutdown(fds[0], SHUT_WR));
    conf_join(co);
    if (round % 4 >= 2) { /* the other direction is open */
      CHECK_EQ(co_io_send(fds[1], "abc", 3, 0, CO_FOREVER), 3);
      CHECK_EQ(co_io_recv(fds[0], buf, sizeof buf, 0, CO_FOREVER), 3);
      CHECK_ERR(co_io_send(fds[0], "x", 1, 0, CO_FOREVER), EPIPE);
    }
    CHECK_ERR(co_io_shutdown(fds[0], 77), EINVAL);
    CHECK_OK(co_io_shutdown(fds[1], SHUT_RDWR));
    net_close(fds);
  }
  int fd = co_io_socket(AF_INET, SOCK_STREAM, 0);
  CHECK_GE(fd, 0);
  CHECK_ERR(co_io_shutdown(fd, SHUT_WR), ENOTCONN);
  CHECK_ERR(co_io_recv(fd, buf, 1, 0, CO_FOREVER), ENOTCONN);
  CHECK_OK(co_io_close(fd));
}

CASE(body)
