#include "net.h"

/* All buffers are held; no descriptors are left; the runtime ends and begins again while something
 * is received ahead. */
#include <sys/resource.h>

enum { ALL = 16384 };
static int fds[2], listener;

static void buffers(int flags) {
  static co_buf_t bufs[ALL + 1];
  co_buf_t one;
  int64_t r = 0;
  size_t held = 0;
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
  while (r != -ENOBUFS) {
    CHECK(held <= ALL);
    CHECK_EQ(co_io_send(fds[0], &held, sizeof held, 0, CO_FOREVER), sizeof held);
    r = co_io_recv_buf(fds[1], &bufs[held], flags, CO_FOREVER);
    if (r != -ENOBUFS) {
      CHECK_EQ(r, sizeof held);
      held++;
    }
  }
  CHECK_GE(held, ALL - 200); /* some are with the system */
  CHECK_ERR(co_io_recv_buf(fds[1], &one, flags, CO_FOREVER), ENOBUFS);
  for (size_t i = 0; i < held; i++) {
    CHECK(!memcmp(bufs[i].data, &i, sizeof i));
    CHECK_OK(co_buf_release(&bufs[i]));
  }
  CHECK_EQ(co_io_recv_buf(fds[1], &one, flags, CO_FOREVER), sizeof held);
  CHECK(!memcmp(one.data, &held, sizeof held));
  CHECK_OK(co_buf_release(&one));
  net_close(fds);
}

static void no_descriptors(void) {
  struct rlimit old, few;
  char c;
  int fill[64], filled = 0;
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &old));
  few = old;
  few.rlim_cur = COUNT_OF(fill);
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &few));
  listener = net_listen();
  CHECK_ERR(co_io_accept(listener, NULL, NULL, CO_IO_AHEAD, MS), ETIMEDOUT);
  int client = net_connect(net_port(listener));
  int server = co_io_accept(listener, NULL, NULL, CO_IO_AHEAD, CO_FOREVER);
  CHECK_GE(server, 0);
  int late = co_io_socket(AF_INET, SOCK_STREAM, 0);
  while ((fill[filled] = dup(late)) >= 0)
    filled++;
  struct sockaddr_in a = net_local(net_port(listener));
  CHECK_OK(co_io_connect(late, (struct sockaddr *)&a, sizeof a, CO_FOREVER));
  for (int i = 0; i < 3; i++)
    CHECK_ERR(co_io_accept(listener, NULL, NULL, CO_IO_AHEAD, CO_FOREVER), EMFILE);
  while (filled > 0)
    CHECK_OK(close(fill[--filled]));
  int last;
  do
    last = co_io_accept(listener, NULL, NULL, CO_IO_AHEAD, SEC);
  while (last == -EMFILE);
  CHECK_GE(last, 0);
  net_send_all(late, "l", 1);
  net_recv_all(last, &c, 1);
  const int all[] = {client, server, late, last, listener};
  for (unsigned i = 0; i < COUNT_OF(all); i++)
    CHECK_OK(co_io_close(all[i]));
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &old));
}

static void *leave_behind(void *arg) {
  co_buf_t buf;
  buffers(0);
  buffers(CO_IO_AHEAD);
  no_descriptors();
  net_tcp_pair(fds);
  listener = net_listen();
  CHECK_ERR(co_io_accept(listener, NULL, NULL, CO_IO_AHEAD, MS), ETIMEDOUT);
  CHECK_ERR(co_io_recv_buf(fds[1], &buf, CO_IO_AHEAD, MS), ETIMEDOUT);
  return arg;
}

static void *find_again(void *arg) {
  co_buf_t buf;
  char c;
  net_send_all(fds[0], "again", 5);
  CHECK_EQ(co_io_recv_buf(fds[1], &buf, CO_IO_AHEAD, CO_FOREVER), 5);
  CHECK(!memcmp(buf.data, "again", 5));
  /* Given back by a thread that outlives the runtime. */
  *(co_buf_t *)arg = buf;
  int client = net_connect(net_port(listener));
  int server = co_io_accept(listener, NULL, NULL, CO_IO_AHEAD, CO_FOREVER);
  CHECK_GE(server, 0);
  net_send_all(client, "c", 1);
  net_recv_all(server, &c, 1);
  CHECK_OK(co_io_close(client));
  CHECK_OK(co_io_close(server));
  net_close(fds);
  CHECK_OK(co_io_close(listener));
  return NULL;
}

static void body(void) {
  co_config_t cfg = conf_config();
  co_buf_t kept = {NULL, 0, 0};
  CHECK_OK(co_run(&cfg, leave_behind, NULL, NULL));
  CHECK_OK(co_run(&cfg, find_again, &kept, NULL));
  CHECK(!memcmp(kept.data, "again", 5));
  CHECK_OK(co_buf_release(&kept));
}

PLAIN_CASE(body)
