#include "net.h"

static void body(void) {
  int listener = net_listen();
  struct sockaddr_in a = net_local(net_port(listener));
  const struct sockaddr *to = (struct sockaddr *)&a;

  int fd = co_io_socket(AF_INET, SOCK_STREAM, 0);
  CHECK_GE(fd, 0);
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  CHECK_ERR(co_io_connect(fd, to, sizeof a, -2), EINVAL);
  CHECK_ERR(co_io_connect(fd, to, 3, CO_FOREVER), EINVAL);
  CHECK_OK(co_io_connect(fd, to, sizeof a, 10 * SEC));
  CHECK_ERR(co_io_connect(fd, to, sizeof a, CO_FOREVER), EISCONN);
  CHECK_OK(co_io_close(fd));
  CHECK_OK(co_io_close(listener)); /* nobody listens there any more */
  for (int i = 0; i < 20; i++) {
    fd = co_io_socket(AF_INET, SOCK_STREAM | (i % 2 ? SOCK_NONBLOCK : 0), 0);
    CHECK_GE(fd, 0);
    CHECK_ERR(co_io_connect(fd, to, sizeof a, CO_FOREVER), ECONNREFUSED);
    CHECK_OK(co_io_close(fd));
  }

  fd = co_io_socket(AF_INET, SOCK_DGRAM, 0); /* of a datagram socket: at once */
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_connect(fd, to, sizeof a, CO_NOW));
  CHECK_OK(co_io_close(fd));
  CHECK_ERR(co_io_socket(AF_INET, 77, 0), EINVAL);
  CHECK_ERR(co_io_socket(7777, SOCK_STREAM, 0), EAFNOSUPPORT);
}

CASE(body)
