#include "net.h"
#include <netinet/udp.h>

/* recvmsg and sendmsg: several buffers, what is cut, waiting for all of it, the error queue. */
static int fds[2];

typedef struct {
  struct msghdr hdr;
  struct iovec iov[3];
  char a[4], b[8], c[100];
  _Alignas(struct cmsghdr) char control[256];
} message_t;

static struct msghdr *message(message_t *m) {
  memset(m, 0, sizeof *m);
  m->iov[0] = (struct iovec){m->a, sizeof m->a};
  m->iov[1] = (struct iovec){m->b, sizeof m->b};
  m->iov[2] = (struct iovec){m->c, sizeof m->c};
  m->hdr.msg_iov = m->iov;
  m->hdr.msg_iovlen = 3;
  m->hdr.msg_control = m->control;
  m->hdr.msg_controllen = sizeof m->control;
  m->hdr.msg_flags = 0x5555;
  return &m->hdr;
}

static void *send_pieces(void *arg) {
  char piece[16];
  for (int i = 0; i < 7; i++) {
    CHECK_OK(co_sleep(MS / 2));
    net_fill((unsigned char *)piece, sizeof piece, 9, (uint64_t)i * 16);
    CHECK_EQ(co_io_send((int)(intptr_t)arg, piece, sizeof piece, 0, CO_FOREVER), 16);
  }
  return NULL;
}

static void check_stream(const message_t *m, size_t n) {
  unsigned char flat[112];
  memcpy(flat, m->a, 4);
  memcpy(flat + 4, m->b, 8);
  memcpy(flat + 12, m->c, 100);
  net_same(flat, n, 9, 0);
}

static void streams(void) {
  message_t m;
  CHECK_ERR(co_io_recvmsg(fds[1], message(&m), 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_recvmsg(fds[1], message(&m), 0, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_io_recvmsg(fds[1], message(&m), MSG_WAITALL, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_io_recvmsg(fds[1], message(&m), MSG_DONTWAIT, CO_FOREVER), EAGAIN);
  /* What there is. */
  message(&m);
  net_fill((unsigned char *)m.a, 4, 9, 0);
  net_fill((unsigned char *)m.b, 8, 9, 4);
  m.hdr.msg_iovlen = 2;
  m.hdr.msg_controllen = 0;
  CHECK_EQ(co_io_sendmsg(fds[0], &m.hdr, 0, CO_FOREVER), 12);
  CHECK_EQ(co_io_recvmsg(fds[1], message(&m), MSG_PEEK, CO_FOREVER), 12);
  CHECK_EQ(co_io_recvmsg(fds[1], message(&m), 0, CO_FOREVER), 12);
  check_stream(&m, 12);
  CHECK_EQ(m.hdr.msg_flags & ~MSG_EOR, 0);
  CHECK_EQ(m.hdr.msg_controllen, 0);
  /* All of it. */
  co_t co = conf_spawn(send_pieces, (void *)(intptr_t)fds[0]);
  CHECK_EQ(co_io_recvmsg(fds[1], message(&m), MSG_WAITALL, CO_FOREVER), 112);
  check_stream(&m, 112);
  CHECK(m.iov[0].iov_base == m.a && m.iov[0].iov_len == 4 && m.hdr.msg_iov == m.iov);
  CHECK_EQ(m.hdr.msg_flags & ~MSG_EOR, 0);
  conf_join(co);
  /* As much as came until the time was up. */
  CHECK_EQ(co_io_send(fds[0], "0123456", 7, 0, CO_FOREVER), 7);
  CHECK_EQ(co_io_recvmsg(fds[1], message(&m), MSG_WAITALL, 3 * MS), 7);
  CHECK(!memcmp(m.a, "0123", 4) && !memcmp(m.b, "456", 3));
  CHECK_EQ(co_io_send(fds[0], "01234", 5, 0, CO_FOREVER), 5);
  CHECK_EQ(co_io_recvmsg(fds[1], message(&m), MSG_WAITALL, CO_NOW), 5);
}

static void *wait_for_message(void *arg) {
  message_t m;
  return (void *)(intptr_t)co_io_recvmsg(fds[1], message(&m), (int)(intptr_t)arg, CO_FOREVER);
}

/* Ended by a cancel, an interrupt, a close, the peer. */
static void ends(int flags, void (*pair)(int[2])) {
  void *how = (void *)(intptr_t)flags;
  co_t co = conf_spawn_on(2, wait_for_message, how);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  CHECK_EQ((intptr_t)conf_join(co), -ECANCELED);
  co = conf_spawn_on(2, wait_for_message, how);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EIO));
  CHECK_EQ((intptr_t)conf_join(co), -EIO);
  co = conf_spawn_on(2, wait_for_message, how);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  CHECK_EQ((intptr_t)conf_join(co), 0);
  net_close(fds);
  pair(fds);
  co = conf_spawn_on(2, wait_for_message, how);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_close(fds[1]));
  CHECK_EQ((intptr_t)conf_join(co), -EBADF);
  CHECK_OK(co_io_close(fds[0]));
  pair(fds);
}

static int udp(struct sockaddr_in *own) {
  socklen_t len = sizeof *own;
  int fd = co_io_socket(AF_INET, SOCK_DGRAM, 0), one = 1;
  CHECK_GE(fd, 0);
  *own = net_local(0);
  CHECK_OK(co_io_bind(fd, (struct sockaddr *)own, sizeof *own));
  CHECK_OK(co_io_getsockname(fd, (struct sockaddr *)own, &len));
  CHECK_OK(co_io_setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one));
  return fd;
}

/* Cut data, cut control messages, the sender's address. */
static void datagrams(void) {
  struct sockaddr_in a, b, from;
  int x = udp(&a), y = udp(&b);
  message_t m;
  char text[200] = "datagram";
  struct iovec iov = {text, sizeof text};
  struct msghdr out = {.msg_name = &b, .msg_namelen = sizeof b, .msg_iov = &iov, .msg_iovlen = 1};
  CHECK_EQ(co_io_sendmsg(x, &out, 0, CO_FOREVER), 200);
  CHECK_EQ(co_io_sendmsg(x, &out, 0, CO_FOREVER), 200);
  message(&m);
  m.hdr.msg_name = &from;
  m.hdr.msg_namelen = sizeof from;
  CHECK_EQ(co_io_recvmsg(y, &m.hdr, 0, CO_FOREVER), 112);
  CHECK_EQ(m.hdr.msg_flags, MSG_TRUNC);
  CHECK_EQ(m.hdr.msg_namelen, sizeof from);
  CHECK_EQ(from.sin_port, a.sin_port);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m.hdr);
  CHECK(c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO);
  CHECK_EQ(((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
  message(&m);
  m.hdr.msg_controllen = 4;
  m.iov[2].iov_len = 188;
  static char room[188];
  m.iov[2].iov_base = room;
  CHECK_EQ(co_io_recvmsg(y, &m.hdr, 0, CO_FOREVER), 200);
  CHECK_EQ(m.hdr.msg_flags, MSG_CTRUNC);
  CHECK_ERR(co_io_recvmsg(y, message(&m), 0, CO_NOW), EAGAIN);
  net_close((int[2]){x, y});
}

typedef struct {
  int fd;
  int64_t got;
  message_t m;
} queue_t;

static void *read_errors(void *arg) {
  queue_t *q = arg;
  message(&q->m);
  q->got = co_io_recvmsg(q->fd, &q->m.hdr, MSG_ERRQUEUE, CO_FOREVER);
  return NULL;
}

/* With MSG_ERRQUEUE the wait is for an error. */
static void errors(void) {
  struct sockaddr_in a, b;
  int x = udp(&a), y = udp(&b), one = 1;
  CHECK_OK(co_io_setsockopt(x, IPPROTO_IP, IP_RECVERR, &one, sizeof one));
  CHECK_OK(co_io_connect(x, (struct sockaddr *)&b, sizeof b, CO_FOREVER));
  queue_t q = {.fd = x};
  message(&q.m);
  CHECK_ERR(co_io_recvmsg(x, &q.m.hdr, MSG_ERRQUEUE, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_recvmsg(x, &q.m.hdr, MSG_ERRQUEUE, 2 * MS), ETIMEDOUT);
  CHECK_OK(co_io_close(y));
  co_t co = conf_spawn(read_errors, &q);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_io_send(x, "lost", 4, 0, CO_FOREVER), 4);
  conf_join(co);
  CHECK_EQ(q.got, 4);
  CHECK(q.m.hdr.msg_flags & MSG_ERRQUEUE);
  CHECK(!memcmp(q.m.a, "lost", 4));
  CHECK_OK(co_io_close(x));
}

static void bad(void) {
  message_t m;
  struct msghdr *hdr = message(&m);
  void *nowhere = (void *)8;
  for (int wait = 0; wait < 2; wait++) {
    int flags = wait ? MSG_WAITALL : 0;
    CHECK_EQ(co_io_send(fds[0], "x", 1, 0, CO_FOREVER), 1);
    CHECK_ERR(co_io_recvmsg(fds[1], nowhere, flags, CO_FOREVER), EFAULT);
    CHECK_ERR(co_io_recvmsg(fds[1], NULL, flags, CO_FOREVER), EFAULT);
    message(&m);
    m.hdr.msg_iov = nowhere;
    CHECK_ERR(co_io_recvmsg(fds[1], hdr, flags, CO_FOREVER), EFAULT);
    message(&m);
    m.hdr.msg_iovlen = 1025;
    CHECK_ERR(co_io_recvmsg(fds[1], hdr, flags, CO_FOREVER), EMSGSIZE);
    message(&m);
    m.iov[0].iov_base = nowhere;
    CHECK_ERR(co_io_recvmsg(fds[1], hdr, flags, CO_FOREVER), EFAULT);
    message(&m);
    m.hdr.msg_iovlen = 1;
    m.iov[0].iov_len = 1;
    CHECK_EQ(co_io_recvmsg(fds[1], hdr, flags, CO_FOREVER), 1);
  }
  CHECK_ERR(co_io_sendmsg(fds[1], NULL, 0, CO_FOREVER), EFAULT);
  message(&m);
  m.iov[1].iov_base = nowhere;
  m.hdr.msg_controllen = 0;
  int64_t r = co_io_sendmsg(fds[1], hdr, 0, CO_FOREVER);
  CHECK(r == -EFAULT || r == 4); /* a stream may take what it can read */
  if (r == 4)
    CHECK_EQ(co_io_recv(fds[0], m.a, 4, 0, CO_FOREVER), 4);
  message(&m);
  CHECK_ERR(co_io_recvmsg(-1, hdr, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_sendmsg(-1, hdr, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_recvmsg(fds[1], hdr, 0, -2), EINVAL);
  int file = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER), pipes[2];
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  CHECK_ERR(co_io_recvmsg(file, hdr, 0, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_sendmsg(file, hdr, 0, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_recvmsg(pipes[0], hdr, MSG_WAITALL, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_recvfrom(pipes[0], m.a, 4, 0, NULL, NULL, CO_FOREVER), ENOTSOCK);
  net_close(pipes);
  CHECK_OK(co_io_close(file));
}

static void *on_a_thread(void *arg) {
  streams();
  datagrams();
  errors();
  bad();
  return arg;
}

static void body(void) {
  void (*const pairs[])(int[2]) = {net_unix_pair, net_tcp_pair};
  for (size_t i = 0; i < COUNT_OF(pairs); i++) {
    pairs[i](fds);
    streams();
    bad();
    ends(0, pairs[i]);
    ends(MSG_WAITALL, pairs[i]);
    conf_on_thread(on_a_thread, NULL);
    net_close(fds);
  }
  datagrams();
  errors();
}

CASE(body)
