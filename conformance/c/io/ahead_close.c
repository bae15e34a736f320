#include "net.h"

/* co_io_close on what is received or accepted ahead: calls end, what nobody took is gone, the peer
 * sees the end at once, and the number's next life has nothing of the last. */
static int fd, other;

static void *in_recv(void *arg) {
  co_buf_t buf;
  CHECK_ERR(co_io_recv_buf(fd, &buf, CO_IO_AHEAD, CO_FOREVER), EBADF);
  return arg;
}

static void *in_accept(void *arg) {
  CHECK_ERR(co_io_accept(fd, NULL, NULL, CO_IO_AHEAD, CO_FOREVER), EBADF);
  return arg;
}

static void *plain(void *arg) {
  co_buf_t buf;
  CHECK_ERR(co_io_recv_buf(fd, &buf, 0, CO_FOREVER), EBUSY);
  CHECK_ERR(co_io_recv(fd, &buf, sizeof buf, 0, CO_FOREVER), EBUSY);
  net_send_all(other, "x", 1);
  int fds[2];
  net_unix_pair(fds);
  CHECK_ERR(co_io_recv_buf(fds[0], &buf, CO_IO_AHEAD, 2 * MS), ETIMEDOUT);
  net_send_all(fds[1], "plain", 5);
  CHECK_EQ(co_io_recv_buf(fds[0], &buf, CO_IO_AHEAD, CO_FOREVER), 5);
  CHECK(!memcmp(buf.data, "plain", 5));
  CHECK_OK(co_buf_release(&buf));
  net_close(fds);
  return arg;
}

static void close_under(co_entry_t in, uint32_t vcpu) {
  co_t cos[3];
  for (uint32_t i = 0; i < 3; i++) {
    cos[i] = conf_spawn_on(vcpu ? vcpu : i % 2 + 1, in, NULL);
    conf_until_state(cos[i], CO_STATE_PARKED);
  }
  CHECK_OK(co_io_close(fd));
  for (int i = 0; i < 3; i++)
    conf_join(cos[i]);
}

static void receives(uint32_t vcpu) {
  int fds[2];
  char c;
  co_buf_t buf;
  net_tcp_pair(fds);
  fd = fds[1], other = fds[0];
  close_under(in_recv, vcpu);
  CHECK_EQ(co_io_recv(other, &c, 1, 0, CO_FOREVER), 0);
  CHECK_OK(co_io_close(other));
  /* With something untaken. */
  net_unix_pair(fds);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, CO_IO_AHEAD, MS), ETIMEDOUT);
  net_send_all(fds[0], "untaken", 7);
  CHECK_OK(co_sleep(MS));
  CHECK_OK(co_io_close(fds[1]));
  int again[2];
  net_unix_pair(again);
  for (int i = 0; i < 2; i++)
    CHECK_ERR(co_io_recv_buf(again[i], &buf, CO_IO_AHEAD, CO_NOW), EAGAIN);
  net_send_all(again[0], "new", 3);
  CHECK_EQ(co_io_recv_buf(again[1], &buf, CO_IO_AHEAD, CO_FOREVER), 3);
  CHECK(!memcmp(buf.data, "new", 3));
  CHECK_OK(co_buf_release(&buf));
  net_close(again);
  CHECK_OK(co_io_close(fds[0]));
}

static void accepts(uint32_t vcpu) {
  char c;
  fd = net_listen();
  uint16_t port = net_port(fd);
  struct sockaddr_in peer, name;
  socklen_t len = sizeof peer, name_len = sizeof name;
  CHECK_ERR(co_io_accept(fd, NULL, NULL, CO_IO_AHEAD, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_accept(fd, NULL, NULL, CO_IO_AHEAD, MS), ETIMEDOUT);
  int client = net_connect(port);
  int server = co_io_accept(fd, (struct sockaddr *)&peer, &len, CO_IO_AHEAD, CO_FOREVER);
  CHECK_GE(server, 0);
  CHECK_EQ(len, sizeof peer);
  CHECK_SYS(getsockname(client, (struct sockaddr *)&name, &name_len));
  CHECK_EQ(peer.sin_port, name.sin_port);
  CHECK(fcntl(server, F_GETFD) & FD_CLOEXEC);
  net_send_all(server, "s", 1);
  net_recv_all(client, &c, 1);
  CHECK_OK(co_io_close(client));
  CHECK_OK(co_io_close(server));
  /* Many at once, in order. */
  int clients[40];
  for (unsigned i = 0; i < COUNT_OF(clients); i++)
    clients[i] = net_connect(port);
  for (unsigned i = 0; i < COUNT_OF(clients) / 2; i++) {
    server = co_io_accept(fd, NULL, NULL, CO_IO_AHEAD, CO_FOREVER);
    CHECK_GE(server, 0);
    net_send_all(clients[i], "c", 1);
    net_recv_all(server, &c, 1);
    CHECK_OK(co_io_close(server));
  }
  /* Without the flag: what has come already first. */
  for (unsigned i = COUNT_OF(clients) / 2; i < COUNT_OF(clients) - 5; i++) {
    server = co_io_accept(fd, NULL, NULL, 0, CO_FOREVER);
    CHECK_GE(server, 0);
    net_send_all(clients[i], "c", 1);
    net_recv_all(server, &c, 1);
    CHECK_OK(co_io_close(server));
  }
  CHECK_EQ(co_io_close(co_io_accept(fd, NULL, NULL, CO_IO_AHEAD, CO_FOREVER)), 0);
  CHECK_OK(co_sleep(MS));
  /* Four are left, accepted ahead or not: the close ends them all. */
  CHECK_OK(co_io_close(fd));
  for (unsigned i = 0; i < COUNT_OF(clients); i++) {
    int64_t r = co_io_recv(clients[i], &c, 1, 0, CO_FOREVER);
    CHECK(r == 0 || r == -ECONNRESET);
    CHECK_OK(co_io_close(clients[i]));
  }
  fd = net_listen();
  close_under(in_accept, vcpu);
}

static void body(void) {
  int fds[2];
  co_buf_t buf;
  for (uint32_t round = 0; round < 12; round++) {
    receives(round % 3);
    accepts(round % 3);
  }
  net_tcp_pair(fds);
  fd = fds[0], other = fds[1];
  CHECK_ERR(co_io_recv_buf(fd, &buf, CO_IO_AHEAD, MS), ETIMEDOUT);
  pthread_t thread = conf_thread(plain, NULL);
  CHECK_EQ(co_io_recv_buf(fd, &buf, CO_IO_AHEAD, CO_FOREVER), 1);
  CHECK_OK(co_buf_release(&buf));
  pthread_join(thread, NULL);
  net_close(fds);
}

CASE(body)
