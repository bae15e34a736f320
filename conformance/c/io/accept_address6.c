#include "net.h"

static int connect6(uint16_t port) {
  struct sockaddr_in6 a;
  memset(&a, 0, sizeof a);
  a.sin6_family = AF_INET6;
  a.sin6_addr = in6addr_loopback;
  a.sin6_port = htons(port);
  int fd = co_io_socket(AF_INET6, SOCK_STREAM, 0);
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_connect(fd, (struct sockaddr *)&a, sizeof a, CO_FOREVER));
  return fd;
}

static void body(void) {
  int listener = co_tcp_listen("::1", 0, 5);
  CHECK_GE(listener, 0);
  struct sockaddr_in6 peer, own;
  socklen_t len = sizeof peer, own_len = sizeof own;
  int client = connect6(net_port(listener));
  int fd = co_io_accept(listener, (struct sockaddr *)&peer, &len, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(len, sizeof peer);
  CHECK_EQ(peer.sin6_family, AF_INET6);
  CHECK(!memcmp(&peer.sin6_addr, &in6addr_loopback, sizeof peer.sin6_addr));
  CHECK_SYS(getsockname(client, (struct sockaddr *)&own, &own_len));
  CHECK_EQ(peer.sin6_port, own.sin6_port);
  net_close((int[2]){fd, client});
  CHECK_OK(co_io_close(listener));

  /* NULL listens on every address of both families. */
  listener = co_tcp_listen(NULL, 0, 0);
  CHECK_GE(listener, 0);
  int clients[2] = {connect6(net_port(listener)), net_connect(net_port(listener))};
  for (int i = 0; i < 2; i++) {
    fd = co_io_accept(listener, NULL, NULL, 0, 10 * SEC);
    CHECK_GE(fd, 0);
    CHECK_OK(co_io_close(fd));
  }
  net_close(clients);
  CHECK_OK(co_io_close(listener));
}

CASE(body)
