#include "net.h"

/* What is refused, and that nothing is lost by it: descriptors that are none, no sockets, pointers to
 * nowhere, lengths beyond all memory, timeouts that are none. */
enum { CALLS = 13 };
static const char *const names[CALLS] = {"recv", "send", "recvfrom", "sendto", "recvmsg", "sendmsg", "accept",
                                         "connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt"};
static void *const nowhere[] = {(void *)8, (void *)(UINTPTR_MAX - 4095)};
static int fds[2];

/* Each call on `fd`, with `p` in the place of its memory and `n` of its length. */
static int64_t call(int which, int fd, void *p, size_t n, int64_t timeout) {
  struct iovec iov = {p, n};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  socklen_t len = n > 128 ? 128 : (socklen_t)n;
  switch (which) {
  case 0: return co_io_recv(fd, p, n, 0, timeout);
  case 1: return co_io_send(fd, p, n, 0, timeout);
  case 2: return co_io_recvfrom(fd, p, n, 0, NULL, NULL, timeout);
  case 3: return co_io_sendto(fd, p, n, 0, NULL, 0, timeout);
  case 4: return co_io_recvmsg(fd, &m, 0, timeout);
  case 5: return co_io_sendmsg(fd, &m, 0, timeout);
  case 6: return co_io_accept(fd, p, &len, 0, timeout);
  case 7: return co_io_connect(fd, p, len, timeout);
  case 8: return co_io_bind(fd, p, len);
  case 9: return co_io_getsockname(fd, p, &len);
  case 10: return co_io_getpeername(fd, p, &len);
  case 11: return co_io_getsockopt(fd, SOL_SOCKET, SO_TYPE, p, &len);
  default: return co_io_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, p, len);
  }
}

static void gives(int which, int64_t got, int want, const char *what) {
  if (got != -want)
    FAIL("%s with %s gives %lld (%s), expected %d", names[which], what, (long long)got,
         got < 0 ? co_strerror((int)got) : "", -want);
}

static void descriptors(void) {
  char buf[128] = {0};
  struct sockaddr_in a = net_local(1);
  memcpy(buf, &a, sizeof a);
  int file = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER), closed = 1000;
  int pipes[2];
  CHECK_GE(file, 0);
  CHECK_EQ(CHECK_SYS(dup2(file, closed)), closed);
  CHECK_OK(co_io_close(closed));
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  for (int which = 0; which < CALLS; which++) {
    size_t n = which == 7 || which == 8 ? sizeof a : sizeof buf;
    gives(which, call(which, -1, buf, n, CO_FOREVER), EBADF, "fd -1");
    gives(which, call(which, INT_MIN, buf, n, CO_FOREVER), EBADF, "the least fd");
    gives(which, call(which, INT_MAX, buf, n, CO_FOREVER), EBADF, "the greatest fd");
    gives(which, call(which, closed, buf, n, CO_FOREVER), EBADF, "a closed fd");
    gives(which, call(which, closed, buf, n, CO_NOW), EBADF, "a closed fd, now");
    gives(which, call(which, file, buf, n, CO_FOREVER), ENOTSOCK, "a file");
    gives(which, call(which, pipes[which % 2], buf, n, CO_FOREVER), ENOTSOCK, "a pipe");
    gives(which, call(which, pipes[which % 2], buf, n, CO_NOW), ENOTSOCK, "a pipe, now");
    if (which < 8)
      gives(which, call(which, file, buf, n, -2), EINVAL, "timeout -2");
  }
  net_close(pipes);
  CHECK_OK(co_io_close(file));
}

static void *send_soon(void *arg) {
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_io_send(fds[0], arg, 1, 0, CO_FOREVER), 1);
  return NULL;
}

/* The byte that is there, or comes, stays for a call that can take it. */
static void pointers(void (*pair)(int[2]), bool later) {
  char c;
  pair(fds);
  for (size_t i = 0; i < COUNT_OF(nowhere); i++)
    for (int which = 0; which < 6; which++) {
      bool receives = which % 2 == 0;
      co_t co = 0;
      if (receives && later)
        co = conf_spawn(send_soon, "x");
      else if (receives)
        CHECK_EQ(co_io_send(fds[0], "x", 1, 0, CO_FOREVER), 1);
      gives(which, call(which, receives ? fds[1] : fds[0], nowhere[i], 16, CO_FOREVER), EFAULT, "a bad pointer");
      if (co)
        conf_join(co);
      if (receives)
        CHECK_EQ(co_io_recv(fds[1], &c, 1, 0, CO_FOREVER), 1);
    }
  for (int which = 7; which < CALLS; which++)
    for (size_t i = 0; i < COUNT_OF(nowhere); i++)
      gives(which, call(which, fds[0], nowhere[i], 16, CO_FOREVER), EFAULT, "a bad pointer");
  CHECK_ERR(co_io_getsockname(fds[0], (struct sockaddr *)&c, nowhere[0]), EFAULT);
  CHECK_ERR(co_io_getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &c, NULL), EFAULT);
  CHECK_ERR(co_io_socketpair(AF_UNIX, SOCK_STREAM, 0, nowhere[0]), EFAULT);
  net_close(fds);
}

/* An address that can't be written: the connection, the datagram is gone, as with the system's calls. */
static void bad_addresses(void) {
  struct sockaddr_in a;
  socklen_t len = sizeof a;
  char c;
  int listener = net_listen(), client = net_connect(net_port(listener));
  CHECK_ERR(co_io_accept(listener, nowhere[0], &len, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, 2 * MS), ETIMEDOUT);
  CHECK_OK(co_io_close(client));
  CHECK_OK(co_io_close(listener));
  int x = co_io_socket(AF_INET, SOCK_DGRAM, 0);
  a = net_local(0);
  CHECK_OK(co_io_bind(x, (struct sockaddr *)&a, sizeof a));
  a = net_local(net_port(x));
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(co_io_sendto(x, "x", 1, 0, (struct sockaddr *)&a, sizeof a, CO_FOREVER), 1);
    len = sizeof a;
    CHECK_ERR(co_io_recvfrom(x, &c, 1, 0, i ? nowhere[0] : (void *)&a, i ? &len : nowhere[0], CO_FOREVER), EFAULT);
  }
  CHECK_ERR(co_io_sendto(x, "x", 1, 0, nowhere[0], sizeof a, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_sendto(x, "x", 1, 0, (struct sockaddr *)&a, 3, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_sendto(x, "x", 1, 0, (struct sockaddr *)&a, 1 << 20, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_recv(x, &c, 1, 0, CO_NOW), EAGAIN);
  CHECK_OK(co_io_close(x));
}

/* Lengths are cut, not believed. */
static void lengths(void) {
  char buf[16];
  net_unix_pair(fds);
  for (int which = 0; which < 6; which += 2) {
    CHECK_EQ(co_io_send(fds[0], "0123", 4, 0, CO_FOREVER), 4);
    CHECK_EQ(call(which, fds[1], buf, (size_t)SSIZE_MAX, CO_FOREVER), 4);
    CHECK_EQ(co_io_send(fds[0], "0123", 4, 0, CO_FOREVER), 4);
    if (which != 4)
      CHECK_EQ(call(which, fds[1], buf, SIZE_MAX, CO_FOREVER), 4);
    else
      CHECK_ERR(call(which, fds[1], buf, SIZE_MAX, CO_FOREVER), EINVAL); /* an iovec's is checked */
    if (which == 4)
      CHECK_EQ(co_io_recv(fds[1], buf, 4, 0, CO_FOREVER), 4);
  }
  net_close(fds);
}

static void others(void) {
  CHECK_ERR(co_io_listen(-1, 5), EBADF);
  CHECK_ERR(co_io_shutdown(-1, SHUT_WR), EBADF);
  CHECK_ERR(co_io_socketpair(AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
  CHECK_ERR(co_io_socketpair(AF_UNIX, 99, 0, fds), EINVAL);
  CHECK_OK(co_io_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds));
  CHECK(net_flags(fds[0]) & O_NONBLOCK);
  CHECK(CHECK_SYS(fcntl(fds[1], F_GETFD)) & FD_CLOEXEC);
  CHECK_ERR(co_io_listen(fds[0], 5), EINVAL);
  CHECK_ERR(co_io_setsockopt(fds[0], SOL_SOCKET, 9999, fds, sizeof fds), ENOPROTOOPT);
  int value = 0;
  socklen_t len = sizeof value;
  CHECK_OK(co_io_getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &value, &len));
  CHECK_EQ(value, SOCK_SEQPACKET);
  net_close(fds);
  fds[0] = co_io_socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a;
  len = sizeof a;
  CHECK_ERR(co_io_getpeername(fds[0], (struct sockaddr *)&a, &len), ENOTCONN);
  a = net_local(0);
  CHECK_OK(co_io_bind(fds[0], (struct sockaddr *)&a, sizeof a));
  CHECK_ERR(co_io_bind(fds[0], (struct sockaddr *)&a, sizeof a), EINVAL);
  CHECK_OK(co_io_listen(fds[0], 5));
  fds[1] = net_connect(net_port(fds[0]));
  int accepted = co_io_accept(fds[0], NULL, NULL, 0, CO_FOREVER);
  CHECK_GE(accepted, 0);
  CHECK_OK(co_io_getpeername(accepted, (struct sockaddr *)&a, &len));
  CHECK_EQ(ntohs(a.sin_port), net_port(fds[1]));
  CHECK_OK(co_io_close(accepted));
  net_close(fds);
}

static void *all(void *arg) {
  descriptors();
  pointers(net_unix_pair, false);
  pointers(net_tcp_pair, false);
  pointers(net_unix_pair, true);
  pointers(net_tcp_pair, true);
  bad_addresses();
  lengths();
  others();
  return arg;
}

static void body(void) {
  all(NULL);
  conf_on_thread(all, NULL);
}

CASE(body)
