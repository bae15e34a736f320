#include "net.h"

/* co_io_close ends what is under way on the descriptor, in whichever coroutine, vCPU or thread,
 * before it closes. */
static int fd, other;
static atomic_int blocked;

static void *in_recv(void *arg) {
  char buf[16];
  atomic_fetch_add(&blocked, 1);
  CHECK_ERR(co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER), EBADF);
  return arg;
}

static void *in_read(void *arg) {
  char buf[16];
  atomic_fetch_add(&blocked, 1);
  CHECK_ERR(co_io_read(fd, buf, sizeof buf, 3600 * SEC), EBADF);
  return arg;
}

static void *in_poll(void *arg) {
  atomic_fetch_add(&blocked, 1);
  CHECK_ERR(co_io_poll(fd, POLLIN, CO_FOREVER), EBADF);
  return arg;
}

static void *in_accept(void *arg) {
  atomic_fetch_add(&blocked, 1);
  CHECK_ERR(co_io_accept(fd, NULL, NULL, 0, CO_FOREVER), EBADF);
  return arg;
}

static void wait_blocked(const co_t *cos, int n) {
  while (atomic_load(&blocked) < n)
    CHECK_OK(co_sleep(50 * US));
  for (int i = 0; i < n; i++)
    conf_until_state(cos[i], CO_STATE_PARKED);
}

static void close_with(co_entry_t *kinds, int n, uint32_t vcpu) {
  co_t cos[3];
  atomic_store(&blocked, 0);
  for (int i = 0; i < n; i++)
    cos[i] = conf_spawn_on(vcpu ? vcpu : (uint32_t)i % 2 + 1, kinds[i], NULL);
  wait_blocked(cos, n);
  CHECK_OK(co_io_close(fd));
  for (int i = 0; i < n; i++)
    conf_join(cos[i]);
  CHECK_ERR(co_io_close(fd), EBADF);
}

static void body(void) {
  int fds[2];
  char buf[8];
  for (uint32_t round = 0; round < 60; round++) {
    uint32_t vcpu = round % 3; /* both, the first, the second */
    net_unix_pair(fds);
    fd = fds[1], other = fds[0];
    close_with((co_entry_t[]){in_recv, in_read, in_poll}, 3, vcpu);
    CHECK_EQ(co_io_recv(other, buf, sizeof buf, 0, CO_FOREVER), 0); /* the peer sees the end */
    CHECK_OK(co_io_close(other));

    net_tcp_pair(fds);
    fd = fds[0], other = fds[1];
    close_with((co_entry_t[]){in_recv, in_recv}, 2, vcpu);
    CHECK_EQ(co_io_recv(other, buf, sizeof buf, 0, CO_FOREVER), 0);
    CHECK_OK(co_io_close(other));

    CHECK_SYS(pipe2(fds, O_CLOEXEC));
    fd = fds[0], other = fds[1];
    close_with((co_entry_t[]){in_read, in_poll}, 2, vcpu);
    CHECK_ERR(co_io_write(other, "x", 1, CO_FOREVER), EPIPE);
    CHECK_OK(co_io_close(other));

    fd = net_listen();
    close_with((co_entry_t[]){in_accept, in_accept, in_poll}, 3, vcpu);
  }
}

CASE(body)
