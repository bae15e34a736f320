#include "net.h"

enum { TOTAL = 3 << 20 };
static int fds[2];

static void *writer(void *arg) {
  static unsigned char buf[70000];
  uint64_t rng = 5;
  for (size_t at = 0; at < TOTAL;) {
    size_t n = conf_rand(&rng) % sizeof buf + 1;
    if (n > TOTAL - at)
      n = TOTAL - at;
    net_fill(buf, n, 9, at);
    int64_t r = co_io_write(fds[1], buf, n, CO_FOREVER);
    CHECK_GE(r, 1);
    at += (size_t)r;
  }
  CHECK_OK(co_io_close(fds[1]));
  return arg;
}

static void *reader(void *arg) {
  static unsigned char buf[50000];
  uint64_t rng = 6;
  size_t at = 0;
  for (;;) {
    int64_t r = co_io_read(fds[0], buf, conf_rand(&rng) % sizeof buf + 1, CO_FOREVER);
    CHECK_GE(r, 0);
    if (r == 0)
      break;
    net_same(buf, (size_t)r, 9, at);
    at += (size_t)r;
  }
  CHECK_EQ(at, TOTAL);
  CHECK_EQ(co_io_read(fds[0], buf, 1, CO_NOW), 0); /* the end stays the end */
  CHECK_OK(co_io_close(fds[0]));
  return arg;
}

static void edges(int flags) {
  char buf[8];
  CHECK_SYS(pipe2(fds, O_CLOEXEC | flags));
  CHECK_ERR(co_io_read(fds[0], buf, 1, CO_NOW), EAGAIN);
  int64_t before = co_now();
  CHECK_ERR(co_io_read(fds[0], buf, 1, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_EQ(co_io_write(fds[1], "abc", 3, CO_NOW), 3);
  CHECK_EQ(co_io_read(fds[0], buf, sizeof buf, CO_NOW), 3);
  CHECK(!memcmp(buf, "abc", 3));

  static char block[1 << 17];
  int64_t r = 0, n = 0; /* until it is full */
  while ((r = co_io_write(fds[1], block, sizeof block, CO_NOW)) > 0)
    n += r;
  CHECK_ERR(r, EAGAIN);
  before = co_now();
  CHECK_ERR(co_io_write(fds[1], block, 5000, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  while ((r = co_io_read(fds[0], block, sizeof block, CO_NOW)) > 0)
    n -= r;
  CHECK_ERR(r, EAGAIN);
  CHECK_EQ(n, 0);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_ERR(co_io_write(fds[1], "x", 1, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(fds[1]));
}

static void body(void) {
  for (int i = 0; i < 2; i++) {
    int flags = i ? O_NONBLOCK : 0;
    edges(flags);
    for (uint32_t v = 1; v <= 2; v++) {
      CHECK_SYS(pipe2(fds, O_CLOEXEC | flags));
      co_t r = conf_spawn_on(1, reader, NULL), w = conf_spawn_on(v, writer, NULL);
      conf_join(w);
      conf_join(r);
    }
  }
}

CASE(body)
