/* What the I/O cases share: sockets that are connected, and data that can be told apart. */
#ifndef CONFORMANCE_NET_H
#define CONFORMANCE_NET_H

#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

HELPER struct sockaddr_in net_local(uint16_t port) {
  struct sockaddr_in a;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(port);
  return a;
}

HELPER uint16_t net_port(int fd) {
  struct sockaddr_storage a;
  socklen_t len = sizeof a;
  CHECK_SYS(getsockname(fd, (struct sockaddr *)&a, &len));
  return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                       : ((struct sockaddr_in *)&a)->sin_port);
}

/* A listener on a port that the system picks. */
HELPER int net_listen(void) {
  int fd = co_tcp_listen("127.0.0.1", 0, 0);
  CHECK_GE(fd, 0);
  return fd;
}

HELPER int net_connect(uint16_t port) {
  struct sockaddr_in a = net_local(port);
  int fd = co_io_socket(AF_INET, SOCK_STREAM, 0);
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_connect(fd, (struct sockaddr *)&a, sizeof a, CO_FOREVER));
  return fd;
}

/* Two ends of a TCP connection. */
HELPER void net_tcp_pair(int fds[2]) {
  int listener = net_listen();
  fds[0] = net_connect(net_port(listener));
  fds[1] = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
  CHECK_GE(fds[1], 0);
  CHECK_OK(co_io_close(listener));
}

HELPER void net_unix_pair(int fds[2]) {
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
}

HELPER void net_close(const int fds[2]) {
  CHECK_OK(co_io_close(fds[0]));
  CHECK_OK(co_io_close(fds[1]));
}

HELPER int net_flags(int fd) {
  return CHECK_SYS(fcntl(fd, F_GETFL));
}

/* Byte `i` of the endless stream `seed`: a lost, doubled or swapped byte does not fit. */
HELPER unsigned char net_byte(uint64_t seed, uint64_t i) {
  return (unsigned char)((i * UINT64_C(0x9e3779b97f4a7c15) + seed) >> 56);
}

HELPER void net_fill(unsigned char *p, size_t n, uint64_t seed, uint64_t at) {
  for (size_t i = 0; i < n; i++)
    p[i] = net_byte(seed, at + i);
}

HELPER void net_same(const unsigned char *p, size_t n, uint64_t seed, uint64_t at) {
  for (size_t i = 0; i < n; i++)
    if (p[i] != net_byte(seed, at + i))
      FAIL("byte %llu of the stream differs", (unsigned long long)(at + i));
}

HELPER void net_send_all(int fd, const void *p, size_t n) {
  for (size_t done = 0; done < n;) {
    int64_t r = co_io_send(fd, (const char *)p + done, n - done, 0, CO_FOREVER);
    CHECK_GE(r, 1);
    done += (size_t)r;
  }
}

HELPER void net_recv_all(int fd, void *p, size_t n) {
  for (size_t done = 0; done < n;) {
    int64_t r = co_io_recv(fd, (char *)p + done, n - done, 0, CO_FOREVER);
    CHECK_GE(r, 1);
    done += (size_t)r;
  }
}

#endif
