#include "net.h"

/* Datagrams over UDP and over local sockets: addresses, what is cut, what is empty, what is refused. */
static char got[256];

static int udp(struct sockaddr_in *own) {
  socklen_t len = sizeof *own;
  int fd = co_io_socket(AF_INET, SOCK_DGRAM, 0);
  CHECK_GE(fd, 0);
  *own = net_local(0);
  CHECK_OK(co_io_bind(fd, (struct sockaddr *)own, sizeof *own));
  CHECK_OK(co_io_getsockname(fd, (struct sockaddr *)own, &len));
  CHECK_EQ(len, sizeof *own);
  return fd;
}

typedef struct {
  int fd;
  struct sockaddr_in to;
} later_t;

static void *send_later(void *arg) {
  later_t *l = arg;
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(co_io_sendto(l->fd, "late", 4, 0, (struct sockaddr *)&l->to, sizeof l->to, CO_FOREVER), 4);
  return NULL;
}

static void addresses(void) {
  struct sockaddr_in a, b, from;
  int x = udp(&a), y = udp(&b);
  socklen_t len = sizeof from;
  CHECK_ERR(co_io_recvfrom(y, got, sizeof got, 0, (struct sockaddr *)&from, &len, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_recvfrom(y, got, sizeof got, 0, NULL, NULL, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_io_recvfrom(y, got, sizeof got, MSG_DONTWAIT, NULL, NULL, CO_FOREVER), EAGAIN);
  /* Somebody else sends while it waits. */
  later_t later = {x, b};
  co_t co = conf_spawn(send_later, &later);
  CHECK_EQ(co_io_recvfrom(y, got, sizeof got, 0, (struct sockaddr *)&from, &len, CO_FOREVER), 4);
  CHECK(!memcmp(got, "late", 4) && len == sizeof from);
  CHECK(from.sin_port == a.sin_port && from.sin_addr.s_addr == a.sin_addr.s_addr);
  conf_join(co);
  co = conf_spawn(send_later, &later);
  CHECK_EQ(co_io_recvfrom(y, got, sizeof got, 0, NULL, NULL, CO_FOREVER), 4);
  conf_join(co);
  /* An address that is cut says how long it was. */
  CHECK_EQ(co_io_sendto(x, "cut", 3, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), 3);
  memset(&from, 0x55, sizeof from);
  len = 4;
  CHECK_EQ(co_io_recvfrom(y, got, sizeof got, 0, (struct sockaddr *)&from, &len, CO_FOREVER), 3);
  CHECK_EQ(len, sizeof from);
  CHECK(from.sin_port == a.sin_port && from.sin_addr.s_addr == 0x55555555);
  /* Peeked at, it is still there; cut, the rest is gone; with MSG_TRUNC the length is the whole one. */
  for (int i = 0; i < 3; i++)
    CHECK_EQ(co_io_sendto(x, "0123456789", 10, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), 10);
  CHECK_EQ(co_io_recvfrom(y, got, 4, MSG_PEEK, NULL, NULL, CO_FOREVER), 4);
  CHECK_EQ(co_io_recvfrom(y, got, 4, MSG_TRUNC, NULL, NULL, CO_FOREVER), 10);
  len = sizeof from;
  CHECK_EQ(co_io_recvfrom(y, got, 4, 0, (struct sockaddr *)&from, &len, CO_FOREVER), 4);
  CHECK_EQ(co_io_recvfrom(y, got, sizeof got, MSG_WAITALL, NULL, NULL, CO_FOREVER), 10);
  /* Empty ones count. */
  CHECK_EQ(co_io_sendto(x, NULL, 0, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), 0);
  CHECK_EQ(co_io_sendto(x, "z", 1, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), 1);
  CHECK_EQ(co_io_recvfrom(y, got, sizeof got, 0, (struct sockaddr *)&from, &len, CO_FOREVER), 0);
  CHECK_EQ(co_io_recv(y, got, sizeof got, 0, CO_FOREVER), 1);
  CHECK_EQ(co_io_sendto(x, NULL, 0, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), 0);
  CHECK_EQ(co_io_recv(y, NULL, 0, 0, CO_FOREVER), 0);
  /* Without an address there is nowhere to go; too long is too long. */
  CHECK_ERR(co_io_sendto(x, "q", 1, 0, NULL, 0, CO_FOREVER), EDESTADDRREQ);
  static char big[70000];
  CHECK_ERR(co_io_sendto(x, big, sizeof big, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), EMSGSIZE);
  net_close((int[2]){x, y});
}

/* A connected socket learns that nobody is there: once, from the next call. */
static void refused(void) {
  struct sockaddr_in a, b;
  int x = udp(&a), y = udp(&b);
  CHECK_OK(co_io_connect(x, (struct sockaddr *)&b, sizeof b, CO_FOREVER));
  CHECK_OK(co_io_close(y));
  CHECK_EQ(co_io_send(x, "q", 1, 0, CO_FOREVER), 1);
  CHECK_ERR(co_io_recv(x, got, sizeof got, 0, CO_FOREVER), ECONNREFUSED);
  CHECK_ERR(co_io_recv(x, got, sizeof got, 0, 2 * MS), ETIMEDOUT);
  CHECK_EQ(co_io_sendto(x, "q", 1, 0, NULL, 0, CO_FOREVER), 1);
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  CHECK_ERR(co_io_recvfrom(x, got, sizeof got, 0, (struct sockaddr *)&from, &len, CO_FOREVER), ECONNREFUSED);
  CHECK_EQ(co_io_send(x, "q", 1, 0, CO_FOREVER), 1);
  CHECK_GE(co_io_poll(x, POLLIN, CO_FOREVER), 0);
  CHECK_ERR(co_io_send(x, "q", 1, 0, CO_FOREVER), ECONNREFUSED);
  CHECK_OK(co_io_close(x));
}

static struct sockaddr_un name(const char *path) {
  struct sockaddr_un a;
  memset(&a, 0, sizeof a);
  a.sun_family = AF_UNIX;
  snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
  return a;
}

static void *drain(void *arg) {
  int fd = (int)(intptr_t)arg;
  int64_t n = 0;
  CHECK_OK(co_sleep(2 * MS));
  while (co_io_recv(fd, got, sizeof got, 0, 20 * MS) == 100)
    n++;
  return (void *)(intptr_t)n;
}

static int64_t send_in_some_way(int way, int fd, void *buf, size_t len) {
  struct iovec iov = {buf, len};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  switch (way % 5) {
  case 0: return co_io_send(fd, buf, len, 0, CO_FOREVER);
  case 1: return co_io_sendto(fd, buf, len, 0, NULL, 0, CO_FOREVER);
  case 2: return co_io_sendmsg(fd, &m, 0, CO_FOREVER);
  case 3: return co_io_writev(fd, &iov, 1, CO_FOREVER);
  default: return co_io_write(fd, buf, len, CO_FOREVER);
  }
}

/* Local ones: a full queue makes the sender wait, and nothing is lost. */
static void local(void) {
  struct sockaddr_un a = name("a"), b = name("b"), from;
  int x = co_io_socket(AF_UNIX, SOCK_DGRAM, 0), y = co_io_socket(AF_UNIX, SOCK_DGRAM, 0);
  char buf[100] = "full";
  CHECK(x >= 0 && y >= 0);
  CHECK_ERR(co_io_sendto(x, "q", 1, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), ENOENT);
  CHECK_OK(co_io_bind(x, (struct sockaddr *)&a, sizeof a));
  CHECK_OK(co_io_bind(y, (struct sockaddr *)&b, sizeof b));
  socklen_t len = sizeof from;
  CHECK_EQ(co_io_sendto(x, "q", 1, 0, (struct sockaddr *)&b, sizeof b, CO_FOREVER), 1);
  CHECK_EQ(co_io_recvfrom(y, got, sizeof got, 0, (struct sockaddr *)&from, &len, CO_FOREVER), 1);
  CHECK_EQ(strcmp(from.sun_path, "a"), 0);
  int64_t n = 0, r;
  while ((r = co_io_sendto(x, buf, sizeof buf, 0, (struct sockaddr *)&b, sizeof b, CO_NOW)) == 100)
    n++;
  CHECK_EQ(r, -EAGAIN);
  CHECK_ERR(co_io_sendto(x, buf, sizeof buf, 0, (struct sockaddr *)&b, sizeof b, 2 * MS), ETIMEDOUT);
  CHECK_OK(co_io_connect(x, (struct sockaddr *)&b, sizeof b, CO_FOREVER));
  co_t co = conf_spawn(drain, (void *)(intptr_t)y);
  for (int i = 0; i < 20; i++, n++)
    CHECK_EQ(send_in_some_way(i, x, buf, sizeof buf), 100);
  CHECK_EQ((intptr_t)conf_join(co), n);
  CHECK_OK(co_io_close(y));
  CHECK_ERR(co_io_send(x, "q", 1, 0, CO_FOREVER), ECONNREFUSED);
  CHECK_OK(co_io_close(x));
  CHECK_SYS(unlink("a"));
  CHECK_SYS(unlink("b"));
}

static void *all(void *arg) {
  addresses();
  refused();
  local();
  return arg;
}

static void body(void) {
  all(NULL);
  all(NULL);
  conf_on_thread(all, NULL);
}

CASE(body)
