#include "net.h"

static void stream(void) {
  int fds[2];
  char buf[16];
  net_unix_pair(fds);
  CHECK_EQ(co_io_send(fds[0], "hello", 5, 0, CO_FOREVER), 5);
  CHECK_EQ(co_io_recv(fds[1], buf, 2, MSG_PEEK, CO_FOREVER), 2);
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, MSG_PEEK, CO_FOREVER), 5);
  CHECK_EQ(co_io_recv(fds[1], buf, 2, 0, CO_FOREVER), 2); /* part, then the rest */
  CHECK(!memcmp(buf, "he", 2));
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), 3);
  CHECK(!memcmp(buf, "llo", 3));
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, MSG_DONTWAIT, CO_FOREVER), EAGAIN); /* as recv(2) */
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, -2), EINVAL);
  CHECK_ERR(co_io_send(fds[1], buf, sizeof buf, 0, -2), EINVAL);
  CHECK_EQ(co_io_send(fds[0], "", 0, 0, CO_FOREVER), 0); /* nothing, at once */

  CHECK_EQ(co_io_send(fds[0], "last", 4, 0, CO_FOREVER), 4);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), 4); /* what was sent comes before the end */
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), 0);
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_NOW), 0);
  signal(SIGPIPE, SIG_DFL);
  CHECK_ERR(co_io_send(fds[1], "x", 1, 0, CO_FOREVER), EPIPE); /* and no signal */
  signal(SIGPIPE, SIG_IGN);
  CHECK_ERR(co_io_write(fds[1], "x", 1, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(fds[1]));
}

static void datagrams(void) {
  int fds[2];
  char buf[16];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
  CHECK_EQ(co_io_send(fds[0], "first", 5, 0, CO_FOREVER), 5);
  CHECK_EQ(co_io_send(fds[0], "", 0, 0, CO_FOREVER), 0);
  CHECK_EQ(co_io_send(fds[0], "third", 5, 0, CO_FOREVER), 5);
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), 5); /* each one by itself */
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), 0); /* an empty one is no end */
  CHECK_EQ(co_io_recv(fds[1], buf, 2, 0, CO_FOREVER), 2);          /* cut */
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, CO_NOW), EAGAIN);
  net_close(fds);
}

static void body(void) {
  for (int i = 0; i < 50; i++) {
    stream();
    datagrams();
  }
}

CASE(body)
