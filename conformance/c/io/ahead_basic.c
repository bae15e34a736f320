#include "net.h"

/* A receive into a buffer of the runtime's: what it gives and refuses, with and without receiving
 * ahead; who mixes is told; a call without the flag ends it and loses nothing. */
static void release(co_buf_t *buf) {
  co_buf_t copy = *buf;
  CHECK_OK(co_buf_release(buf));
  CHECK(buf->data == NULL && buf->len == 0 && buf->id == 0);
  CHECK_OK(co_buf_release(buf)); /* an empty one */
  CHECK_ERR(co_buf_release(&copy), EINVAL);
}

static void expect(int fd, int flags, const char *text) {
  co_buf_t buf;
  size_t n = strlen(text);
  for (size_t at = 0; at < n;) {
    int64_t r = co_io_recv_buf(fd, &buf, flags, CO_FOREVER);
    CHECK_GE(r, 1);
    CHECK_EQ(buf.len, r);
    CHECK(!memcmp(buf.data, text + at, buf.len));
    memset(buf.data, 0xee, buf.len);
    at += buf.len;
    release(&buf);
  }
}

static void streams(int flags, int tcp) {
  int fds[2];
  co_buf_t buf;
  tcp ? net_tcp_pair(fds) : net_unix_pair(fds);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, CO_NOW), EAGAIN);
  CHECK(buf.data == NULL && buf.id == 0);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, -2), EINVAL);
  net_send_all(fds[0], "hello", 5);
  expect(fds[1], flags, "hello");
  net_send_all(fds[0], "world", 5);
  CHECK_EQ(co_io_recv_buf(fds[1], &buf, flags, tcp ? CO_FOREVER : CO_NOW), 5);
  release(&buf);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, CO_NOW), EAGAIN);
  net_send_all(fds[0], "!", 1);
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  expect(fds[1], flags, "!");
  for (int i = 0; i < 3; i++)
    CHECK_EQ(co_io_recv_buf(fds[1], &buf, flags, CO_FOREVER), 0);
  CHECK(buf.data == NULL);
  net_send_all(fds[1], "back", 4); /* the other direction is open */
  char back[4];
  net_recv_all(fds[0], back, 4);
  net_close(fds);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, CO_FOREVER), EBADF);
}

static void reset(int flags) {
  int fds[2];
  co_buf_t buf;
  net_tcp_pair(fds);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, MS), ETIMEDOUT);
  struct linger now = {1, 0};
  CHECK_SYS(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &now, sizeof now));
  CHECK_OK(co_io_close(fds[0]));
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, flags, CO_FOREVER), ECONNRESET);
  CHECK_EQ(co_io_recv_buf(fds[1], &buf, flags, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fds[1]));
}

static void datagrams(int flags) {
  int fds[2];
  static char big[40000];
  co_buf_t buf;
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
  for (int i = 0; i < 5; i++)
    CHECK_EQ(co_io_send(fds[0], "datagram", (size_t)i, 0, CO_FOREVER), i);
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(co_io_recv_buf(fds[1], &buf, flags, CO_FOREVER), i);
    CHECK_EQ(buf.len, i);
    CHECK_OK(co_buf_release(&buf));
  }
  CHECK_EQ(co_io_send(fds[0], big, sizeof big, 0, CO_FOREVER), sizeof big);
  CHECK_EQ(co_io_send(fds[0], "next", 4, 0, CO_FOREVER), 4);
  CHECK_EQ(co_io_recv_buf(fds[1], &buf, flags, CO_FOREVER), 16384);
  release(&buf);
  expect(fds[1], flags, "next");
  net_close(fds);
}

static void errors(int flags) {
  co_buf_t buf = {NULL, 0, 12345};
  int pipes[2], listener = net_listen();
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  CHECK_ERR(co_io_recv_buf(pipes[0], &buf, flags, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_recv_buf(listener, &buf, flags, CO_FOREVER), ENOTCONN);
  CHECK_ERR(co_io_recv_buf(-1, &buf, flags, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_recv_buf(1000000, &buf, flags, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_recv_buf(listener, &buf, MSG_PEEK, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_recv_buf(listener, NULL, flags, CO_FOREVER), EINVAL);
  CHECK_ERR(co_buf_release(NULL), EINVAL);
  buf = (co_buf_t){NULL, 0, 12345};
  CHECK_ERR(co_buf_release(&buf), EINVAL);
  net_close(pipes);
  CHECK_OK(co_io_close(listener));
}

static void mixing(void) {
  int fds[2];
  char buf[16];
  co_buf_t lent;
  net_tcp_pair(fds);
  net_send_all(fds[0], "one", 3);
  expect(fds[1], CO_IO_AHEAD, "one");
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), EBUSY);
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, CO_NOW), EBUSY);
  CHECK_ERR(co_io_read(fds[1], buf, sizeof buf, CO_FOREVER), EBUSY);
  net_send_all(fds[0], "twothree", 8);
  CHECK_OK(co_sleep(2 * MS)); /* received ahead, where that is done */
  expect(fds[1], 0, "twothree");
  while (co_io_recv_buf(fds[1], &lent, 0, CO_NOW) != -EAGAIN)
    FAIL("more than was sent");
  net_send_all(fds[0], "four", 4);
  net_recv_all(fds[1], buf, 4);
  CHECK(!memcmp(buf, "four", 4));
  net_send_all(fds[0], "five", 4);
  expect(fds[1], CO_IO_AHEAD, "five");
  /* Ended while it waits: without the flag a call waits in the ordinary way. */
  CHECK_ERR(co_io_recv_buf(fds[1], &lent, 0, 2 * MS), ETIMEDOUT);
  net_send_all(fds[0], "six", 3);
  net_recv_all(fds[1], buf, 3);
  net_close(fds);
}

static void body(void) {
  for (int ahead = 0; ahead < 2; ahead++) {
    int flags = ahead ? CO_IO_AHEAD : 0;
    streams(flags, 0);
    streams(flags, 1);
    reset(flags);
    datagrams(flags);
    errors(flags);
  }
  mixing();
}

CASE(body)
