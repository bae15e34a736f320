#include "net.h"

static int64_t size(int fd) {
  co_stat_t st = {.size = sizeof st};
  CHECK_OK(co_io_statx(fd, NULL, 0x1000, &st, CO_FOREVER));
  return st.length;
}

static void *close_it(void *arg) {
  CHECK_OK(co_io_close((int)(intptr_t)arg));
  return arg;
}

static void body(void) {
  int fds[2], fd = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  char in[8] = "";
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_write(fd, "abcdef", 6, CO_FOREVER), 6);
  CHECK_OK(co_io_fdatasync(fd, CO_FOREVER));
  CHECK_OK(co_io_ftruncate(fd, 3, CO_FOREVER));
  CHECK_EQ(size(fd), 3);
  CHECK_OK(co_io_ftruncate(fd, 100000, 10 * SEC));
  CHECK_EQ(size(fd), 100000);
  CHECK_EQ(co_io_pread(fd, in, 5, 1, CO_FOREVER), 5);
  CHECK(!memcmp(in, "bc\0\0\0", 5));
  CHECK_OK(co_io_fallocate(fd, 0, 0, 200000, CO_FOREVER));
  CHECK_EQ(size(fd), 200000);
  CHECK_OK(co_io_fallocate(fd, 0, 10, 10, CO_FOREVER));
  CHECK_EQ(size(fd), 200000);
#ifdef FALLOC_FL_KEEP_SIZE
  CHECK_OK(co_io_fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 300000, CO_FOREVER));
  CHECK_EQ(size(fd), 200000);
#endif

  CHECK_ERR(co_io_ftruncate(fd, -1, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_fallocate(fd, 0, -1, 10, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_fallocate(fd, 0, 0, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_fallocate(fd, 0, 0, INT64_MAX, CO_FOREVER), EFBIG);
  CHECK_ERR(co_io_fallocate(fd, 1 << 30, 0, 10, CO_FOREVER), EOPNOTSUPP);
  CHECK_ERR(co_io_ftruncate(fd, 0, -2), EINVAL);
  CHECK_ERR(co_io_fallocate(fd, 0, 0, 1, -2), EINVAL);
  CHECK_ERR(co_io_fdatasync(fd, -2), EINVAL);
  /* Nothing tells whether they would wait. */
  CHECK_ERR(co_io_ftruncate(fd, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_fallocate(fd, 0, 0, 1, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_fdatasync(fd, CO_NOW), EAGAIN);
  CHECK_EQ(size(fd), 200000);

  int reader = co_io_open("file", O_RDONLY, 0, CO_FOREVER);
  CHECK_GE(reader, 0);
  CHECK_ERR(co_io_ftruncate(reader, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_fallocate(reader, 0, 0, 1, CO_FOREVER), EBADF);
  CHECK_OK(co_io_fdatasync(reader, CO_FOREVER));
  CHECK_OK(co_io_close(reader));
  CHECK_OK(co_io_pipe(fds, 0));
  CHECK_ERR(co_io_ftruncate(fds[1], 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_fallocate(fds[1], 0, 0, 1, CO_FOREVER), ESPIPE);
  CHECK_ERR(co_io_fdatasync(fds[1], CO_FOREVER), EINVAL);
  net_close(fds);

  /* A close meanwhile: done before it, or not at all. */
  for (int i = 0; i < 50; i++) {
    int other = co_io_open("file", O_RDWR, 0, CO_FOREVER);
    CHECK_GE(other, 0);
    co_t co = conf_spawn_on(2, close_it, (void *)(intptr_t)other);
    int r = co_io_ftruncate(other, i, CO_FOREVER);
    if (r)
      CHECK_ERR(r, EBADF);
    else
      CHECK_EQ(size(fd), i);
    conf_join(co);
  }
  CHECK_OK(co_io_close(fd));
  for (int i = 0; i < 3; i++) {
    int bad[] = {fd, -1, 1000000};
    CHECK_ERR(co_io_ftruncate(bad[i], 0, CO_FOREVER), EBADF);
    CHECK_ERR(co_io_fallocate(bad[i], 0, 0, 1, CO_FOREVER), EBADF);
    CHECK_ERR(co_io_fdatasync(bad[i], CO_FOREVER), EBADF);
    CHECK_ERR(co_io_fdatasync(bad[i], CO_NOW), EBADF);
  }
}

CASE(body)
