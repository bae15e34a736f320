#include "net.h"

static void ipv4(void) {
  int listener = net_listen();
  struct sockaddr_in peer, own;
  socklen_t len = sizeof peer, own_len = sizeof own;
  memset(&peer, 0xaa, sizeof peer);
  int client = net_connect(net_port(listener));
  int fd = co_io_accept(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(len, sizeof peer);
  CHECK_EQ(peer.sin_family, AF_INET);
  CHECK_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  CHECK_SYS(getsockname(client, (struct sockaddr *)&own, &own_len));
  CHECK_EQ(peer.sin_port, own.sin_port);
  CHECK(net_flags(fd) & O_NONBLOCK);
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  net_close((int[2]){fd, client});

  /* Too little room: cut, and the length that it would have had. */
  unsigned char room[sizeof peer];
  memset(room, 0xaa, sizeof room);
  len = 4;
  client = net_connect(net_port(listener));
  fd = co_io_accept(listener, (struct sockaddr *)room, &len, SOCK_CLOEXEC, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(len, sizeof peer);
  for (size_t i = 4; i < sizeof room; i++)
    CHECK_EQ(room[i], 0xaa);
  CHECK(!(net_flags(fd) & O_NONBLOCK));
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  net_close((int[2]){fd, client});

  client = net_connect(net_port(listener));
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 1 << 29, CO_FOREVER), EINVAL); /* no such flag */
  fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  net_close((int[2]){fd, client});
  CHECK_OK(co_io_close(listener));
}

static void local(void) {
  struct sockaddr_un a, peer;
  socklen_t len = sizeof peer;
  memset(&a, 0, sizeof a);
  a.sun_family = AF_UNIX;
  strcpy(a.sun_path, "socket");
  int listener = co_io_socket(AF_UNIX, SOCK_STREAM, 0), client = co_io_socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_ERR(co_io_connect(client, (struct sockaddr *)&a, sizeof a, CO_FOREVER), ENOENT);
  CHECK_SYS(bind(listener, (struct sockaddr *)&a, sizeof a));
  CHECK_ERR(co_io_connect(client, (struct sockaddr *)&a, sizeof a, CO_FOREVER), ECONNREFUSED);
  CHECK_SYS(listen(listener, 4));
  CHECK_OK(co_io_connect(client, (struct sockaddr *)&a, sizeof a, CO_FOREVER));
  int fd = co_io_accept(listener, (struct sockaddr *)&peer, &len, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(len, sizeof(sa_family_t)); /* the client has no name */
  CHECK_EQ(peer.sun_family, AF_UNIX);
  net_close((int[2]){fd, client});
  CHECK_OK(co_io_close(listener));
}

static void body(void) {
  ipv4();
  local();
}

CASE(body)
