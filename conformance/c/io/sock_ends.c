#include "net.h"

/* How connections end, and what comes beside the stream: the same on every engine. */
static int fds[2];
static char got[64];

typedef struct {
  int fd;
  int how; /* 0 recv, 1 recvmsg, 2 recvfrom, 3 read, 4 recv MSG_WAITALL */
} call_t;

static int64_t receive(int how, int fd, void *buf, size_t len, int64_t timeout) {
  struct iovec iov = {buf, len};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  struct sockaddr_storage from;
  socklen_t from_len = sizeof from;
  switch (how) {
  case 0: return co_io_recv(fd, buf, len, 0, timeout);
  case 1: return co_io_recvmsg(fd, &m, 0, timeout);
  case 2: return co_io_recvfrom(fd, buf, len, 0, (struct sockaddr *)&from, &from_len, timeout);
  case 3: return co_io_read(fd, buf, len, timeout);
  default: return co_io_recv(fd, buf, len, MSG_WAITALL, timeout);
  }
}

static void *waits(void *arg) {
  call_t *c = arg;
  char buf[16];
  return (void *)(intptr_t)receive(c->how, c->fd, buf, sizeof buf, CO_FOREVER);
}

static void abort_connection(int fd) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  CHECK_OK(co_io_setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  CHECK_OK(co_io_close(fd));
}

/* One direction ends, the other goes on. */
static void half_close(int how, void (*pair)(int[2])) {
  pair(fds);
  call_t c = {fds[1], how};
  co_t co = conf_spawn_on(2, waits, &c);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  CHECK_EQ((intptr_t)conf_join(co), 0);
  CHECK_EQ(receive(how, fds[1], got, sizeof got, CO_NOW), 0); /* and again */
  CHECK_EQ(co_io_send(fds[1], "back", 4, 0, CO_FOREVER), 4);
  CHECK_EQ(receive(how, fds[0], got, 4, CO_FOREVER), 4);
  CHECK_ERR(co_io_send(fds[0], "x", 1, 0, CO_FOREVER), EPIPE);
  /* Our own receiving side: the end too, also for one that waits. */
  c.fd = fds[0];
  co = conf_spawn_on(2, waits, &c);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_shutdown(fds[0], SHUT_RD));
  CHECK_EQ((intptr_t)conf_join(co), 0);
  net_close(fds);
}

/* The data before a half-close is there to the last byte. */
static void data_then_end(int how, void (*pair)(int[2])) {
  pair(fds);
  CHECK_EQ(co_io_send(fds[0], "0123456789", 10, 0, CO_FOREVER), 10);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_EQ(receive(how, fds[1], got, 7, CO_FOREVER), 7);
  CHECK_EQ(receive(how, fds[1], got, sizeof got, CO_FOREVER), 3);
  CHECK_EQ(receive(how, fds[1], got, sizeof got, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fds[1]));
}

/* A reset: whoever waits learns of it, once. */
static void reset(int how) {
  net_tcp_pair(fds);
  call_t c = {fds[1], how};
  co_t co = conf_spawn_on(2, waits, &c);
  conf_until_state(co, CO_STATE_PARKED);
  abort_connection(fds[0]);
  CHECK_EQ((intptr_t)conf_join(co), -ECONNRESET);
  CHECK_EQ(receive(how, fds[1], got, sizeof got, CO_FOREVER), 0);
  CHECK_ERR(co_io_send(fds[1], "x", 1, 0, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(fds[1]));
}

static void *fill(void *arg) {
  static char block[1 << 16];
  int64_t r;
  while ((r = co_io_send((int)(intptr_t)arg, block, sizeof block, 0, CO_FOREVER)) > 0) {
  }
  return (void *)(intptr_t)r;
}

/* For a sender that waits for room: the peer's reset, its own shutdown, a local peer's close. */
static void blocked_sender(void) {
  net_tcp_pair(fds);
  co_t co = conf_spawn_on(2, fill, (void *)(intptr_t)fds[0]);
  CHECK_OK(co_sleep(5 * MS));
  abort_connection(fds[1]);
  intptr_t r = (intptr_t)conf_join(co);
  CHECK(r == -ECONNRESET || r == -EPIPE);
  CHECK_OK(co_io_close(fds[0]));
  net_tcp_pair(fds);
  co = conf_spawn_on(2, fill, (void *)(intptr_t)fds[0]);
  CHECK_OK(co_sleep(5 * MS));
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  CHECK_EQ((intptr_t)conf_join(co), -EPIPE);
  net_close(fds);
  net_unix_pair(fds);
  co = conf_spawn_on(2, fill, (void *)(intptr_t)fds[0]);
  CHECK_OK(co_sleep(5 * MS));
  CHECK_OK(co_io_close(fds[1]));
  r = (intptr_t)conf_join(co);
  CHECK(r == -ECONNRESET || r == -EPIPE);
  CHECK_OK(co_io_close(fds[0]));
}

static void *urgent_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(co_io_send(fds[0], "!", 1, MSG_OOB, CO_FOREVER), 1);
  return arg;
}

/* One urgent byte, beside the stream and in it. */
static void urgent(void) {
  char c = 0;
  net_tcp_pair(fds);
  CHECK_ERR(co_io_recv(fds[1], &c, 1, MSG_OOB, CO_FOREVER), EINVAL); /* none has been sent */
  co_t co = conf_spawn(urgent_later, NULL);
  CHECK_EQ(co_io_poll(fds[1], POLLPRI, CO_FOREVER), POLLPRI);
  conf_join(co);
  CHECK_EQ(co_io_recv(fds[1], &c, 1, MSG_OOB, CO_FOREVER), 1);
  CHECK_EQ(c, '!');
  CHECK_ERR(co_io_recv(fds[1], &c, 1, MSG_OOB, CO_FOREVER), EINVAL); /* taken */
  CHECK_ERR(co_io_recv(fds[1], &c, 1, 0, CO_NOW), EAGAIN);
  CHECK_EQ(co_io_send(fds[0], "ab", 2, 0, CO_FOREVER), 2);
  CHECK_EQ(co_io_send(fds[0], "c!", 2, MSG_OOB, CO_FOREVER), 2);
  CHECK_EQ(co_io_send(fds[0], "de", 2, 0, CO_FOREVER), 2);
  CHECK(co_io_poll(fds[1], POLLPRI | POLLIN, CO_FOREVER) & POLLPRI);
  struct iovec iov = {&c, 1};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  CHECK_EQ(co_io_recvmsg(fds[1], &m, MSG_OOB, CO_FOREVER), 1);
  CHECK(c == '!' && m.msg_flags & MSG_OOB);
  CHECK_EQ(co_io_recv(fds[1], got, 3, MSG_WAITALL, CO_FOREVER), 3);
  CHECK(!memcmp(got, "abc", 3));
  CHECK_EQ(co_io_recv(fds[1], got, sizeof got, 0, CO_FOREVER), 2);
  CHECK(!memcmp(got, "de", 2));
  net_close(fds);
}

static void all(void) {
  for (int how = 0; how < 5; how++) {
    half_close(how, net_tcp_pair);
    half_close(how, net_unix_pair);
    data_then_end(how, net_tcp_pair);
    data_then_end(how, net_unix_pair);
    reset(how);
  }
  blocked_sender();
  urgent();
}

/* Without somebody else's help: what a plain thread can see by itself. */
static void *on_a_thread(void *arg) {
  for (int how = 0; how < 5; how++) {
    data_then_end(how, net_tcp_pair);
    net_tcp_pair(fds);
    abort_connection(fds[0]);
    CHECK_ERR(receive(how, fds[1], got, sizeof got, CO_FOREVER), ECONNRESET);
    CHECK_EQ(receive(how, fds[1], got, sizeof got, CO_FOREVER), 0);
    CHECK_OK(co_io_close(fds[1]));
  }
  urgent();
  return arg;
}

static void body(void) {
  all();
  conf_on_thread(on_a_thread, NULL);
}

CASE(body)
