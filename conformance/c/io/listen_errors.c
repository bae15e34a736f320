#include "net.h"

static void body(void) {
  static const char *const bad[] = {
      "",           " ",            "a b",   "999.1.1.1", "1.2.3",    "1.2.3.4.5",
      "127.0.0.1 ", "127.0.0.1:80", "[::1]", ":::",       "12345::1", "host/",
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    if (co_tcp_listen(bad[i], 0, 0) != -EINVAL)
      FAIL("\"%s\" is taken for an address", bad[i]);
  CHECK_ERR(co_tcp_listen("203.0.113.7", 0, 0), EADDRNOTAVAIL); /* set aside for documentation: nobody's */

  int fd = net_listen(), on = 0;
  socklen_t len = sizeof on;
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  CHECK_SYS(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, &len));
  CHECK(on);
  CHECK_SYS(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len));
  CHECK(on);
  uint16_t port = net_port(fd);
  CHECK_ERR(co_tcp_listen("127.0.0.1", port, 1), EADDRINUSE);
  /* The port can be had again at once, although a connection of it is in TIME_WAIT. */
  int client = net_connect(port), server = co_io_accept(fd, NULL, NULL, 0, CO_FOREVER);
  CHECK_GE(server, 0);
  net_close((int[2]){server, client});
  CHECK_OK(co_io_close(fd));
  fd = co_tcp_listen("127.0.0.1", port, 1);
  CHECK_GE(fd, 0);
  CHECK_EQ(net_port(fd), port);
  CHECK_OK(co_io_close(fd));
  fd = co_tcp_listen(NULL, 0, -1);
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_close(net_connect(net_port(fd))));
  CHECK_OK(co_io_close(fd));
}

CASE(body)
