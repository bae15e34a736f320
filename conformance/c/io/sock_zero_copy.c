#include "net.h"

/* MSG_ZEROCOPY changes no result: the buffer may be overwritten when the call has returned, and what
 * arrives is what was in it. */
enum { SIZE = 1 << 20, ROUNDS = 6 };
static unsigned char out[SIZE], in[SIZE];
static int fds[2];

static int64_t send_piece(int round, const unsigned char *p, size_t n) {
  if (round % 2 == 0)
    return co_io_send(fds[0], p, n, MSG_ZEROCOPY, CO_FOREVER);
  struct iovec iov[2] = {{(void *)(uintptr_t)p, n / 2}, {(void *)(uintptr_t)(p + n / 2), n - n / 2}};
  struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
  return co_io_sendmsg(fds[0], &m, MSG_ZEROCOPY, CO_FOREVER);
}

static void *sender(void *arg) {
  size_t sizes[] = {SIZE, 300000, 70000, 4096, 1, SIZE};
  for (int round = 0; round < ROUNDS; round++) {
    for (size_t done = 0, n = sizes[round]; done < n;) {
      net_fill(out, n - done, (uint64_t)round, done);
      int64_t r = send_piece(round, out, n - done);
      CHECK_GE(r, 1);
      CHECK(r <= (int64_t)(n - done));
      memset(out, 0xee, sizeof out); /* ours again */
      done += (size_t)r;
    }
  }
  return arg;
}

static void transfer(void (*pair)(int[2])) {
  size_t sizes[] = {SIZE, 300000, 70000, 4096, 1, SIZE};
  pair(fds);
  co_t co = conf_spawn_on(2, sender, NULL);
  for (int round = 0; round < ROUNDS; round++) {
    net_recv_all(fds[1], in, sizes[round]);
    net_same(in, sizes[round], (uint64_t)round, 0);
  }
  conf_join(co);
  net_close(fds);
}

/* A peer that does not read: the call may wait for it beyond its timeout, a close ends it. */
static void *send_much(void *arg) {
  return (void *)(intptr_t)co_io_send(fds[0], arg, (size_t)16 << 20, MSG_ZEROCOPY, 5 * MS);
}

static void *drain(void *arg) {
  int64_t n, sum = 0;
  while ((n = co_io_recv(fds[1], in, sizeof in, 0, CO_FOREVER)) > 0)
    sum += n;
  CHECK_EQ(n, 0);
  return (void *)(intptr_t)(sum + (intptr_t)arg);
}

static void stalled(void) {
  void *much = calloc(16, 1 << 20);
  CHECK(much != NULL);
  net_tcp_pair(fds);
  co_t co = conf_spawn_on(2, send_much, much);
  CHECK_OK(co_sleep(20 * MS));
  CHECK_OK(co_io_close(fds[0]));
  CHECK_GE((intptr_t)conf_join(co), 1);
  CHECK_OK(co_io_close(fds[1]));
  /* One that reads late. */
  net_tcp_pair(fds);
  co = conf_spawn_on(2, send_much, much);
  CHECK_OK(co_sleep(20 * MS));
  co_t reader = conf_spawn(drain, NULL);
  intptr_t sent = (intptr_t)conf_join(co);
  CHECK_GE(sent, 1);
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  CHECK_EQ((intptr_t)conf_join(reader), sent);
  net_close(fds);
  free(much);
}

static void errors(void) {
  net_tcp_pair(fds);
  CHECK_ERR(co_io_send(fds[0], (void *)8, SIZE, MSG_ZEROCOPY, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_sendmsg(fds[0], (void *)8, MSG_ZEROCOPY, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_send(-1, out, SIZE, MSG_ZEROCOPY, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_send(fds[0], out, SIZE, MSG_ZEROCOPY, -2), EINVAL);
  int64_t r = co_io_send(fds[0], out, SIZE, MSG_ZEROCOPY, CO_NOW);
  CHECK_GE(r, 1);
  CHECK_OK(co_io_close(fds[1]));
  for (int i = 0; (r = co_io_send(fds[0], out, SIZE, MSG_ZEROCOPY, CO_FOREVER)) > 0; i++)
    CHECK(i < 1000);
  CHECK(r == -ECONNRESET || r == -EPIPE);
  CHECK_ERR(co_io_send(fds[0], out, SIZE, MSG_ZEROCOPY, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(fds[0]));
  /* Datagrams are copied. */
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
  CHECK_EQ(co_io_send(fds[0], out, 100000, MSG_ZEROCOPY, CO_FOREVER), 100000);
  CHECK_EQ(co_io_recv(fds[1], in, sizeof in, 0, CO_FOREVER), 100000);
  net_close(fds);
}

static void *on_a_thread(void *arg) {
  transfer(net_tcp_pair);
  errors();
  return arg;
}

static void body(void) {
  transfer(net_tcp_pair);
  transfer(net_unix_pair);
  stalled();
  errors();
  conf_on_thread(on_a_thread, NULL);
}

CASE(body)
