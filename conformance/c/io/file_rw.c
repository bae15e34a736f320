#include "net.h"

static void body(void) {
  unsigned char out[10000], in[10001];
  struct stat st;
  umask(0);
  net_fill(out, sizeof out, 1, 0);
  int fd = co_io_open("file", O_CREAT | O_EXCL | O_RDWR, 0640, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  CHECK_SYS(fstat(fd, &st));
  CHECK_EQ(st.st_mode & 07777, 0640);

  CHECK_EQ(co_io_write(fd, out, sizeof out, CO_FOREVER), sizeof out);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), sizeof out); /* at the position, which moves */
  CHECK_EQ(co_io_write(fd, out, 5, 10 * SEC), 5);
  CHECK_EQ(co_io_read(fd, in, sizeof in, CO_FOREVER), 0);
  CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
  CHECK_EQ(co_io_read(fd, in, 100, CO_FOREVER), 100);
  net_same(in, 100, 1, 1);
  CHECK_EQ(co_io_read(fd, in, sizeof out - 101, 10 * SEC), sizeof out - 101);
  net_same(in, sizeof out - 101, 1, 101);
  CHECK_EQ(co_io_read(fd, in, 100, CO_FOREVER), 5);
  CHECK_EQ(co_io_read(fd, in, 100, CO_FOREVER), 0);

  CHECK_EQ(lseek(fd, 7, SEEK_SET), 7); /* p-calls leave the position */
  CHECK_EQ(co_io_pread(fd, in, 300, 5000, CO_FOREVER), 300);
  net_same(in, 300, 1, 5000);
  net_fill(out, 50, 2, 0);
  CHECK_EQ(co_io_pwrite(fd, out, 50, 20000, CO_FOREVER), 50);
  CHECK_EQ(co_io_pread(fd, in, 100, 20000, CO_FOREVER), 50);
  net_same(in, 50, 2, 0);
  CHECK_EQ(co_io_pread(fd, in, 10, 15000, CO_FOREVER), 10);
  for (int i = 0; i < 10; i++)
    CHECK_EQ(in[i], 0);
  CHECK_EQ(co_io_pread(fd, in, 10, 50000, CO_FOREVER), 0);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
  CHECK_EQ(co_io_read(fd, in, 0, CO_FOREVER), 0);
  CHECK_EQ(co_io_write(fd, out, 0, CO_FOREVER), 0);
  CHECK_OK(co_io_fsync(fd, CO_FOREVER));
  CHECK_OK(co_io_close(fd));

  fd = co_io_open("file", O_WRONLY | O_APPEND, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_write(fd, "end", 3, CO_FOREVER), 3);
  CHECK_OK(co_io_close(fd));
  CHECK_SYS(stat("file", &st));
  CHECK_EQ(st.st_size, 20053);
  fd = co_io_open("file", O_RDONLY | O_TRUNC, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_read(fd, in, 10, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fd));
}

CASE(body)
