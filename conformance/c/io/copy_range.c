#include "net.h"
#include <sys/mman.h>

enum { SIZE = 300000 };

static unsigned char in[SIZE + 1];

static int new_file(const char *path, int flags) {
  int fd = co_io_open(path, O_CREAT | O_TRUNC | flags, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  return fd;
}

static void same(int fd, size_t n, uint64_t at, int64_t offset) {
  CHECK_EQ(co_io_pread(fd, in, n, offset, CO_FOREVER), n);
  net_same(in, n, 6, at);
}

static int64_t all(int from, int64_t *from_at, int to, int64_t *to_at, size_t len) {
  int64_t total = 0, n;
  while (len > 0 && (n = co_io_copy_file_range(from, from_at, to, to_at, len, 0, CO_FOREVER)) != 0) {
    CHECK_GE(n, 1);
    total += n;
    len -= (size_t)n;
  }
  return total;
}

static void copies(int from, int to) {
  int64_t a = 1000, b = 5;
  CHECK_EQ(lseek(from, 0, SEEK_SET), 0);
  CHECK_EQ(all(from, &a, to, &b, 2000), 2000);
  CHECK_EQ(a, 3000);
  CHECK_EQ(b, 2005);
  CHECK_EQ(lseek(from, 0, SEEK_CUR) + lseek(to, 0, SEEK_CUR), 0);
  same(to, 2000, 1000, 5);
  CHECK_EQ(all(from, NULL, to, NULL, SIZE + 100), SIZE);
  CHECK_EQ(lseek(from, 0, SEEK_CUR), SIZE);
  CHECK_EQ(lseek(to, 0, SEEK_CUR), SIZE);
  same(to, SIZE, 0, 0);
  CHECK_EQ(co_io_copy_file_range(from, NULL, to, NULL, 100, 0, CO_FOREVER), 0);
  CHECK_EQ(co_io_copy_file_range(from, &a, to, &b, 0, 0, CO_FOREVER), 0);
}

static void *on_thread(void *arg) {
  int *fds = arg;
  CHECK_OK(co_io_ftruncate(fds[1], 0, CO_FOREVER));
  CHECK_EQ(lseek(fds[1], 0, SEEK_SET), 0);
  copies(fds[0], fds[1]);
  return arg;
}

static void errors(int from, int to) {
  int p[2], fds[2] = {from, to};
  int64_t a = 0, b = -1;
  CHECK_OK(co_io_pipe(p, 0));
  CHECK_ERR(co_io_copy_file_range(from, &a, to, &b, 1, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_copy_file_range(from, &a, to, NULL, 1, 1, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_copy_file_range(from, &a, to, NULL, 1, 0, -2), EINVAL);
  CHECK_ERR(co_io_copy_file_range(from, &a, to, NULL, 1, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_copy_file_range(p[0], NULL, to, NULL, 1, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_copy_file_range(from, &a, p[1], NULL, 1, 0, CO_FOREVER), EINVAL);
  b = 10;
  CHECK_ERR(co_io_copy_file_range(from, &a, from, &b, 100, 0, CO_FOREVER), EINVAL); /* overlap */
  b = SIZE;
  CHECK_EQ(co_io_copy_file_range(from, &a, from, &b, 100, 0, CO_FOREVER), 100);
  for (int i = 0; i < 2; i++) {
    int bad[2] = {i ? -1 : from, i ? to : 1000000};
    CHECK_ERR(co_io_copy_file_range(bad[0], NULL, bad[1], NULL, 1, 0, CO_FOREVER), EBADF);
    CHECK_ERR(co_io_copy_file_range(bad[0], NULL, bad[1], NULL, 1, 0, CO_NOW), EBADF);
  }
  int reader = co_io_open("to", O_RDONLY, 0, CO_FOREVER);
  CHECK_ERR(co_io_copy_file_range(from, &a, reader, NULL, 1, 0, CO_FOREVER), EBADF);
  CHECK_OK(co_io_close(reader));
  int64_t *nothing = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK((void *)nothing != MAP_FAILED);
  CHECK_ERR(co_io_copy_file_range(from, nothing, to, NULL, 1, 0, CO_FOREVER), EFAULT);
  net_close(p);
  net_close(fds);
}

static void body(void) {
  static unsigned char content[SIZE];
  int fds[2] = {new_file("from", O_RDWR), new_file("to", O_RDWR)};
  net_fill(content, SIZE, 6, 0);
  CHECK_EQ(co_io_pwrite(fds[0], content, SIZE, 0, CO_FOREVER), SIZE);
  copies(fds[0], fds[1]);
  conf_on_thread(on_thread, fds);
  /* Another file system. */
  int shm = memfd_create("other", MFD_CLOEXEC);
  if (shm >= 0) {
    copies(fds[0], shm);
    CHECK_OK(co_io_close(shm));
  }
  errors(fds[0], fds[1]);
}

CASE(body)
