#include "net.h"

/* A descriptor's own mode is left as it is, and one in blocking mode does not block the vCPU. */
static int ticks;
static atomic_int stop;

static void *ticker(void *arg) {
  while (!atomic_load(&stop)) {
    ticks++;
    CHECK_OK(co_sleep(200 * US));
  }
  return arg;
}

static void same_flags(int fd, int nonblocking) {
  CHECK_EQ((net_flags(fd) & O_NONBLOCK) != 0, nonblocking);
}

static void exercise(int in, int out, int nonblocking, int is_socket) {
  char buf[4];
  int before = ticks;
  CHECK_ERR(co_io_read(in, buf, 1, 3 * MS), ETIMEDOUT);
  CHECK_GE(ticks, before + 1); /* another ran on this vCPU meanwhile */
  same_flags(in, nonblocking);
  if (is_socket) {
    CHECK_ERR(co_io_recv(in, buf, 1, 0, 3 * MS), ETIMEDOUT);
    CHECK_EQ(co_io_send(out, "a", 1, 0, CO_FOREVER), 1);
    CHECK_EQ(co_io_recv(in, buf, 4, 0, CO_FOREVER), 1);
    same_flags(in, nonblocking);
    same_flags(out, nonblocking);
  }
  CHECK_EQ(co_io_write(out, "ab", 2, CO_FOREVER), 2);
  CHECK_EQ(co_io_poll(in, POLLIN, CO_FOREVER), POLLIN);
  CHECK_EQ(co_io_read(in, buf, 4, CO_FOREVER), 2);
  CHECK_ERR(co_io_read(in, buf, 4, CO_NOW), EAGAIN);
  same_flags(in, nonblocking);
  same_flags(out, nonblocking);
}

static void body(void) {
  co_t ticking = conf_spawn_on(co_vcpu_self(), ticker, NULL);
  for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
    int fds[2], type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    CHECK_SYS(pipe2(fds, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)));
    exercise(fds[0], fds[1], nonblocking, 0);
    net_close(fds);
    CHECK_SYS(socketpair(AF_UNIX, type, 0, fds));
    exercise(fds[0], fds[1], nonblocking, 1);
    net_close(fds);

    int listener = CHECK_SYS(socket(AF_INET, type, 0)), client = CHECK_SYS(socket(AF_INET, type, 0));
    struct sockaddr_in a = net_local(0);
    CHECK_SYS(bind(listener, (struct sockaddr *)&a, sizeof a));
    CHECK_SYS(listen(listener, 8));
    CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, 2 * MS), ETIMEDOUT);
    a = net_local(net_port(listener));
    CHECK_OK(co_io_connect(client, (struct sockaddr *)&a, sizeof a, CO_FOREVER));
    int server = co_io_accept(listener, NULL, NULL, nonblocking ? SOCK_NONBLOCK : 0, CO_FOREVER);
    CHECK_GE(server, 0);
    same_flags(listener, nonblocking);
    same_flags(client, nonblocking);
    same_flags(server, nonblocking);
    exercise(server, client, nonblocking, 1);
    CHECK_OK(co_io_close(listener));
    net_close((int[2]){server, client});
  }
  atomic_store(&stop, 1);
  conf_join(ticking);
}

CASE(body)
