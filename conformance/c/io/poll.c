#include "net.h"

static int fds[2];

static void *write_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(co_io_send(fds[0], "x", 1, 0, CO_FOREVER), 1);
  return arg;
}

static void *close_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  CHECK_OK(co_io_close(fds[0]));
  return arg;
}

static void sockets(void) {
  char buf[8];
  net_unix_pair(fds);
  CHECK_ERR(co_io_poll(fds[1], POLLIN, CO_NOW), EAGAIN);
  int64_t before = co_now();
  CHECK_ERR(co_io_poll(fds[1], POLLIN, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_ERR(co_io_poll(fds[1], POLLIN, -2), EINVAL);
  CHECK_EQ(co_io_poll(fds[1], POLLOUT, CO_NOW), POLLOUT);
  CHECK_EQ(co_io_poll(fds[1], POLLIN | POLLOUT, CO_FOREVER), POLLOUT); /* those that hold, no others */
  co_t later = conf_spawn(write_later, NULL);
  CHECK_EQ(co_io_poll(fds[1], POLLIN, CO_FOREVER), POLLIN);
  conf_join(later);
  CHECK_EQ(co_io_poll(fds[1], POLLIN | POLLOUT, CO_NOW), POLLIN | POLLOUT);
  CHECK_EQ(co_io_poll(fds[1], POLLIN, CO_NOW), POLLIN); /* it takes nothing */
  CHECK_EQ(co_io_recv(fds[1], buf, sizeof buf, 0, CO_NOW), 1);
  CHECK_ERR(co_io_poll(fds[1], POLLIN, CO_NOW), EAGAIN);
  later = conf_spawn(close_later, NULL);
  int got = co_io_poll(fds[1], POLLIN | POLLRDHUP, CO_FOREVER);
  CHECK_GE(got, 0);
  CHECK(got & POLLRDHUP);
  conf_join(later);
  got = co_io_poll(fds[1], POLLIN, CO_NOW);
  CHECK_GE(got, 0);
  CHECK((got & POLLHUP) && (got & POLLIN));
  CHECK_OK(co_io_close(fds[1]));
  CHECK_ERR(co_io_poll(fds[1], POLLIN, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_poll(-1, POLLIN, CO_NOW), EBADF);
}

static void pipes(void) {
  CHECK_SYS(pipe2(fds, O_CLOEXEC));
  CHECK_ERR(co_io_poll(fds[0], POLLIN, CO_NOW), EAGAIN);
  CHECK_EQ(co_io_poll(fds[1], POLLOUT, CO_FOREVER), POLLOUT);
  CHECK_OK(co_io_close(fds[1]));
  int got = co_io_poll(fds[0], POLLIN, CO_FOREVER);
  CHECK_GE(got, 0);
  CHECK(got & POLLHUP);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_SYS(pipe2(fds, O_CLOEXEC));
  CHECK_OK(co_io_close(fds[0]));
  got = co_io_poll(fds[1], POLLOUT, CO_FOREVER);
  CHECK_GE(got, 0);
  CHECK(got & POLLERR);
  CHECK_OK(co_io_close(fds[1]));
}

static void others(void) {
  int file = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(file, 0);
  CHECK_EQ(co_io_poll(file, POLLIN | POLLOUT, CO_FOREVER), POLLIN | POLLOUT); /* files are always ready */
  CHECK_ERR(co_io_poll(file, POLLPRI, 2 * MS), ETIMEDOUT); /* and for nothing else */
  CHECK_ERR(co_io_poll(file, 0, CO_NOW), EAGAIN);
  CHECK_OK(co_io_close(file));
  int listener = net_listen();
  CHECK_ERR(co_io_poll(listener, POLLIN, CO_NOW), EAGAIN);
  int client = net_connect(net_port(listener));
  CHECK_EQ(co_io_poll(listener, POLLIN, CO_FOREVER), POLLIN);
  int server = co_io_accept(listener, NULL, NULL, 0, CO_NOW);
  CHECK_GE(server, 0);
  net_close((int[2]){client, server});
  CHECK_OK(co_io_close(listener));
}

static void body(void) {
  for (int i = 0; i < 5; i++) {
    sockets();
    pipes();
    others();
  }
}

CASE(body)
