#include "net.h"

/* Every call from plain threads: they block the thread, with the same answers. */
static int fds[2], listener;

static void *peer(void *arg) {
  char buf[64];
  int64_t n;
  while ((n = co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER)) > 0)
    net_send_all(fds[1], buf, (size_t)n);
  CHECK_EQ(n, 0);
  return arg;
}

static void sockets(void) {
  char buf[64];
  int64_t before = co_now();
  CHECK_ERR(co_io_recv(fds[0], buf, 1, 0, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_ERR(co_io_read(fds[0], buf, 1, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_io_recv(fds[0], buf, 1, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_recv(fds[0], buf, 1, 0, -2), EINVAL);
  CHECK_ERR(co_io_poll(fds[0], POLLIN, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_poll(fds[0], POLLIN, MS), ETIMEDOUT);
  for (int i = 0; i < 200; i++) {
    CHECK_EQ(co_io_send(fds[0], "ping", 4, 0, CO_FOREVER), 4);
    if (i % 2)
      CHECK_EQ(co_io_poll(fds[0], POLLIN, CO_FOREVER), POLLIN);
    CHECK_EQ(co_io_read(fds[0], buf, 4, CO_FOREVER), 4);
    CHECK(!memcmp(buf, "ping", 4));
  }
  CHECK(!(net_flags(fds[0]) & O_NONBLOCK));
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
}

static void connections(void) {
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, 2 * MS), ETIMEDOUT);
  int client = net_connect(net_port(listener));
  int server = co_io_accept(listener, (struct sockaddr *)&from, &len, 0, CO_FOREVER);
  CHECK_GE(server, 0);
  CHECK_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  net_send_all(client, "x", 1);
  net_close((int[2]){server, client});
}

static void files(void) {
  char buf[16];
  int fd = co_io_open("file", O_CREAT | O_TRUNC | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_write(fd, "content", 7, CO_FOREVER), 7);
  CHECK_EQ(co_io_pread(fd, buf, sizeof buf, 3, CO_FOREVER), 4);
  CHECK_EQ(co_io_pwrite(fd, "!", 1, 7, CO_FOREVER), 1);
  CHECK_ERR(co_io_pread(fd, buf, 1, -1, CO_FOREVER), EINVAL);
  CHECK_OK(co_io_fsync(fd, CO_FOREVER));
  CHECK_OK(co_io_close(fd));
  CHECK_ERR(co_io_close(fd), EBADF);
  CHECK_ERR(co_io_open("absent", O_RDONLY, 0, CO_FOREVER), ENOENT);
  CHECK_ERR(co_io_read(-1, buf, 1, CO_FOREVER), EBADF);
}

static void *on_thread(void *arg) {
  CHECK_EQ(co_self(), 0);
  sockets();
  connections();
  files();
  return arg;
}

static void body(void) {
  for (int round = 0; round < 5; round++) {
    net_unix_pair(fds);
    listener = net_listen();
    co_t answering = conf_spawn(peer, NULL);
    conf_on_thread(on_thread, NULL);
    conf_join(answering);
    CHECK_OK(co_io_close(listener));
    net_close(fds);
  }
}

CASE(body)
