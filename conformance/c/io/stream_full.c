#include "net.h"
#include <sys/ioctl.h>

/* co_io_read_full and co_io_write_all on each kind of stream, in coroutines and on plain threads: all
 * bytes; the end in the middle; a stop, a reset and a close in the middle, with the count of what came. */
#define SIZE ((size_t)300000)

static int fds[2]; /* read from the first, write to the second */
static unsigned char out[SIZE], in[SIZE];

static void *writer(void *arg) {
  size_t done = 99;
  net_fill(out, SIZE, 7, 0);
  CHECK_EQ(co_io_write_all(fds[1], out, SIZE, &done, CO_FOREVER), SIZE);
  CHECK_EQ(done, SIZE);
  CHECK_EQ(co_io_write_all(fds[1], out, 10, NULL, 60 * SEC), 10);
  CHECK_OK(co_io_close(fds[1]));
  return arg;
}

/* Everything arrives, then ten bytes more and the end. */
static void *reader(void *arg) {
  size_t done = 99;
  memset(in, 0, sizeof in);
  CHECK_EQ(co_io_read_full(fds[0], in, SIZE, &done, CO_FOREVER), SIZE);
  CHECK_EQ(done, SIZE);
  net_same(in, SIZE, 7, 0);
  CHECK_EQ(co_io_read_full(fds[0], in, 11, &done, 60 * SEC), 10);
  CHECK_EQ(done, 10);
  CHECK_EQ(co_io_read_full(fds[0], in, 11, NULL, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fds[0]));
  return arg;
}

static void whole(bool thread) {
  co_t co = conf_spawn_on(2, writer, NULL);
  thread ? conf_on_thread(reader, NULL) : reader(NULL);
  conf_join(co);
}

/* What comes with an error: three bytes, then `error` (0: three bytes and a timeout). */
static int error;

static void *stopped(void *arg) {
  size_t done = 99;
  int64_t timeout = error == ETIMEDOUT ? 20 * MS : CO_FOREVER;
  CHECK_ERR(co_io_read_full(fds[0], in, 10, &done, timeout), error);
  CHECK_EQ(done, 3);
  CHECK(!memcmp(in, "abc", 3));
  return arg;
}

static co_t begun(int e) {
  error = e;
  co_t co = conf_spawn_on(2, stopped, NULL);
  CHECK_EQ(co_io_write_all(fds[1], "abc", 3, NULL, CO_FOREVER), 3);
  int left = 1;
  while (left) { /* until it has taken them */
    CHECK_OK(co_sleep(100 * US));
    CHECK_SYS(ioctl(fds[0], FIONREAD, &left));
  }
  if (e != ETIMEDOUT) /* which ends soon, and may have by now */
    conf_until_state(co, CO_STATE_PARKED);
  return co;
}

static void stops(bool pipe) {
  conf_join(begun(ETIMEDOUT));
  co_t co = begun(ECANCELED);
  CHECK_OK(co_cancel(co));
  conf_join(co);
  co = begun(EOWNERDEAD);
  CHECK_OK(co_interrupt(co, EOWNERDEAD));
  conf_join(co);
  /* What is not there yet is there for the next call. */
  size_t done = 99;
  CHECK_EQ(co_io_write_all(fds[1], "def", 3, NULL, CO_FOREVER), 3);
  CHECK_ERR(co_io_read_full(fds[0], in, 4, &done, CO_NOW), EAGAIN);
  CHECK_EQ(done, 3);
  CHECK_ERR(co_io_read_full(fds[0], in, 4, &done, CO_NOW), EAGAIN);
  CHECK_EQ(done, 0);
  /* Full: some bytes go, and the count says how many. */
  CHECK_ERR(co_io_write_all(fds[1], out, SIZE, &done, CO_NOW), EAGAIN);
  CHECK_GE(done, 1);
  size_t more = 99;
  CHECK_ERR(co_io_write_all(fds[1], out + done, SIZE - done, &more, 5 * MS), ETIMEDOUT);
  for (size_t n = done + more, piece; n; n -= piece) {
    piece = n < SIZE ? n : SIZE;
    CHECK_EQ(co_io_read_full(fds[0], in, piece, NULL, 10 * SEC), piece);
  }
  co = begun(EBADF);
  CHECK_OK(co_io_close(fds[0]));
  conf_join(co);
  CHECK_ERR(co_io_write_all(fds[1], out, SIZE, &done, CO_FOREVER), EPIPE);
  CHECK(pipe ? done == 0 : done < SIZE);
  CHECK_OK(co_io_close(fds[1]));
}

static void reset(void) {
  net_tcp_pair(fds);
  co_t co = begun(ECONNRESET);
  struct linger hard = {1, 0};
  CHECK_SYS(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
  CHECK_OK(co_io_close(fds[1]));
  conf_join(co);
  CHECK_OK(co_io_close(fds[0]));
}

static void files(void) {
  size_t done = 99;
  int fd = co_io_open("file", O_CREAT | O_TRUNC | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_pwrite_all(fd, out, SIZE, 5, &done, CO_FOREVER), SIZE);
  CHECK_EQ(done, SIZE);
  memset(in, 0, sizeof in);
  CHECK_EQ(co_io_pread_full(fd, in, SIZE, 5, &done, CO_FOREVER), SIZE);
  net_same(in, SIZE, 7, 0);
  CHECK_EQ(co_io_pread_full(fd, in, SIZE, 105, &done, CO_FOREVER), SIZE - 100);
  CHECK_EQ(done, SIZE - 100);
  net_same(in, SIZE - 100, 7, 100);
  CHECK_EQ(co_io_pread_full(fd, in, 1, INT64_MAX - 5, NULL, CO_FOREVER), 0);
  CHECK_ERR(co_io_pread_full(fd, in, 1, -1, &done, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_pwrite_all(fd, in, 1, -1, &done, CO_FOREVER), EINVAL);
  CHECK_EQ(co_io_read_full(fd, in, 9, &done, CO_FOREVER), 9); /* the position is where it was */
  CHECK(!in[4] && in[5] == out[0]);
  CHECK_EQ(co_io_write_all(fd, "x", 1, NULL, CO_FOREVER), 1);
  CHECK_EQ(co_io_pread_full(fd, in, 1, 9, NULL, CO_FOREVER), 1);
  CHECK_EQ(in[0], 'x');
  CHECK_OK(co_io_close(fd));
}

static void *errors(void *arg) {
  size_t done = 99;
  CHECK_ERR(co_io_read_full(-1, in, 1, &done, CO_FOREVER), EBADF);
  CHECK_EQ(done, 0);
  done = 99;
  CHECK_ERR(co_io_write_all(-1, in, 1, &done, CO_FOREVER), EBADF);
  CHECK_EQ(done, 0);
  CHECK_ERR(co_io_write_all(987654, in, 0, NULL, CO_FOREVER), EBADF);
  net_unix_pair(fds);
  CHECK_EQ(co_io_write_all(fds[1], "abc", 3, NULL, CO_FOREVER), 3);
  CHECK_ERR(co_io_read_full(fds[0], NULL, 1, &done, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_read_full(fds[0], (void *)8, 1, &done, CO_FOREVER), EFAULT);
  CHECK_EQ(co_io_read_full(fds[0], in, 3, &done, CO_FOREVER), 3); /* still there */
  CHECK_ERR(co_io_write_all(fds[1], (void *)8, 1, &done, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_read_full(fds[0], in, 1, &done, -2), EINVAL);
  CHECK_ERR(co_io_write_all(fds[1], in, 1, &done, -2), EINVAL);
  CHECK_ERR(co_io_read_full(fds[0], in, SIZE_MAX, &done, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_write_all(fds[1], in, SIZE_MAX, &done, CO_FOREVER), EINVAL);
  CHECK_EQ(co_io_read_full(fds[0], in, 0, &done, CO_NOW), 0);
  CHECK_EQ(co_io_write_all(fds[1], in, 0, &done, CO_NOW), 0);
  CHECK_ERR(co_io_read_full(fds[0], in, 1, &done, 2 * MS), ETIMEDOUT);
  CHECK_ERR(co_io_read_full(fds[0], in, 1, &done, CO_NOW), EAGAIN);
  net_close(fds);
  int full = co_io_open("/dev/full", O_WRONLY, 0, CO_FOREVER);
  CHECK_GE(full, 0);
  CHECK_ERR(co_io_write_all(full, in, 5, &done, CO_FOREVER), ENOSPC);
  CHECK_OK(co_io_close(full));
  return arg;
}

static void body(void) {
  for (int thread = 0; thread < 2; thread++) {
    net_unix_pair(fds);
    whole(thread);
    CHECK_SYS(pipe2(fds, O_CLOEXEC | (thread ? O_NONBLOCK : 0)));
    whole(thread);
    net_tcp_pair(fds);
    whole(thread);
  }
  net_unix_pair(fds);
  stops(false);
  CHECK_SYS(pipe2(fds, O_CLOEXEC));
  stops(true);
  reset();
  files();
  errors(NULL);
  conf_on_thread(errors, NULL);
}

CASE(body)
