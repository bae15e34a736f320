#include "net.h"
#include <sys/mman.h>

static struct iovec part(void *p, size_t n) {
  return (struct iovec){.iov_base = p, .iov_len = n};
}

static void on_files(void) {
  unsigned char out[300], in[300];
  net_fill(out, sizeof out, 3, 0);
  int fd = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  struct iovec w[] = {part(out, 100), part(NULL, 0), part(out + 100, 50), part(out + 150, 150)};
  struct iovec r[] = {part(in, 1), part(in + 1, 200), part(NULL, 0), part(in + 201, 99)};
  CHECK_EQ(co_io_writev(fd, w, 4, CO_FOREVER), 300);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 300);
  CHECK_EQ(co_io_readv(fd, r, 4, CO_FOREVER), 0);
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  CHECK_EQ(co_io_readv(fd, r, 4, 10 * SEC), 300);
  net_same(in, 300, 3, 0);

  memset(in, 0, sizeof in);
  CHECK_EQ(co_io_preadv(fd, r, 2, 90, CO_FOREVER), 201);
  net_same(in, 201, 3, 90);
  CHECK_EQ(co_io_preadv(fd, r, 4, 250, CO_FOREVER), 50);
  net_same(in, 50, 3, 250);
  CHECK_EQ(co_io_pwritev(fd, w, 3, 1000, 10 * SEC), 150);
  CHECK_EQ(co_io_preadv(fd, r, 4, 1100, CO_FOREVER), 50);
  net_same(in, 50, 3, 100);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 300);

  CHECK_EQ(co_io_readv(fd, r, 0, CO_FOREVER), 0);
  CHECK_EQ(co_io_writev(fd, NULL, 0, CO_FOREVER), 0);
  CHECK_ERR(co_io_readv(fd, r, -1, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_writev(fd, w, 1025, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_preadv(fd, r, 1, -1, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_pwritev(fd, w, 1, INT64_MIN, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_readv(fd, r, 1, -2), EINVAL);
  CHECK_ERR(co_io_readv(-1, r, 1, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_pwritev(1000000, w, 1, 0, CO_FOREVER), EBADF);

  /* Neither the array nor what it names need be there. */
  void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  CHECK_ERR(co_io_readv(fd, nothing, 2, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_pwritev(fd, nothing, 2, 0, CO_FOREVER), EFAULT);
  struct iovec bad = part(nothing, 10);
  CHECK_ERR(co_io_preadv(fd, &bad, 1, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_writev(fd, &bad, 1, CO_FOREVER), EFAULT);
  struct iovec huge[] = {part(in, (size_t)-1), part(in, 1)};
  CHECK_ERR(co_io_readv(fd, huge, 2, CO_FOREVER), EINVAL);
  struct iovec many[1024];
  for (int i = 0; i < 1024; i++)
    many[i] = part(out, 1);
  CHECK_EQ(co_io_pwritev(fd, many, 1024, 0, CO_FOREVER), 1024);
  CHECK_OK(co_io_close(fd));
}

/* Pipes and sockets: waits, partial transfers, a peer that is gone. */
static void on_streams(int from, int to, int nonblocking) {
  static unsigned char big[1 << 20];
  unsigned char in[8];
  if (nonblocking) {
    CHECK_SYS(fcntl(from, F_SETFL, net_flags(from) | O_NONBLOCK));
    CHECK_SYS(fcntl(to, F_SETFL, net_flags(to) | O_NONBLOCK));
  }
  int flags[2] = {net_flags(from), net_flags(to)};
  struct iovec r[] = {part(in, 3), part(in + 3, 5)}, w[] = {part("ab", 2), part("cdef", 4)};
  CHECK_ERR(co_io_readv(from, r, 2, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_readv(from, r, 2, MS), ETIMEDOUT);
  CHECK_EQ(co_io_writev(to, w, 2, CO_FOREVER), 6);
  CHECK_EQ(co_io_readv(from, r, 2, CO_FOREVER), 6);
  CHECK(!memcmp(in, "abcdef", 6));
  CHECK_ERR(co_io_preadv(from, r, 2, 0, CO_FOREVER), ESPIPE);
  CHECK_ERR(co_io_pwritev(to, w, 2, 0, CO_FOREVER), ESPIPE);
  struct iovec much[] = {part(big, sizeof big / 2), part(big + sizeof big / 2, sizeof big / 2)};
  for (;;) {
    int64_t n = co_io_writev(to, much, 2, CO_NOW);
    if (n == -EAGAIN)
      break;
    CHECK_GE(n, 1);
  }
  CHECK_ERR(co_io_writev(to, much, 2, MS), ETIMEDOUT);
  CHECK_EQ(net_flags(from), flags[0]);
  CHECK_EQ(net_flags(to), flags[1]);
  CHECK_OK(co_io_close(from));
  CHECK_ERR(co_io_writev(to, w, 2, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(to));
}

static int late;

static void *write_later(void *arg) {
  struct iovec w[] = {part("l", 1), part("ate", 3)};
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(co_io_writev(late, w, 2, CO_FOREVER), 4);
  return arg;
}

static void body(void) {
  int fds[2];
  char in[8];
  struct iovec r[] = {part(in, 1), part(in + 1, 7)};
  on_files();
  for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
    CHECK_OK(co_io_pipe(fds, 0));
    on_streams(fds[0], fds[1], nonblocking);
    /* No SIGPIPE from sockets, ignored or not. */
    signal(SIGPIPE, SIG_DFL);
    net_unix_pair(fds);
    on_streams(fds[0], fds[1], nonblocking);
    net_tcp_pair(fds);
    late = fds[1];
    co_t co = conf_spawn(write_later, NULL);
    CHECK_EQ(co_io_readv(fds[0], r, 2, CO_FOREVER), 4);
    CHECK(!memcmp(in, "late", 4));
    conf_join(co);
    net_close(fds);
    signal(SIGPIPE, SIG_IGN);
  }
}

CASE(body)
