#include "net.h"
#include <sys/mman.h>

static void opens(void) {
  CHECK_ERR(co_io_open("absent", O_RDONLY, 0, CO_FOREVER), ENOENT);
  CHECK_ERR(co_io_open("", O_RDONLY, 0, CO_FOREVER), ENOENT);
  CHECK_ERR(co_io_open(NULL, O_RDONLY, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_open(".", O_WRONLY, 0, CO_FOREVER), EISDIR);
  CHECK_ERR(co_io_open("file", O_CREAT | O_EXCL | O_RDWR, 0600, CO_FOREVER), EEXIST);
  CHECK_ERR(co_io_open("file/below", O_RDONLY, 0, CO_FOREVER), ENOTDIR);
  CHECK_ERR(co_io_open("file", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER), ENOTDIR);
  CHECK_ERR(co_io_open("file", O_RDONLY, 0, -2), EINVAL);
  char long_name[5000];
  memset(long_name, 'a', sizeof long_name);
  long_name[sizeof long_name - 1] = 0;
  CHECK_ERR(co_io_open(long_name, O_RDONLY, 0, CO_FOREVER), ENAMETOOLONG);
}

/* A descriptor that is not one: every call says so. */
static void bad(int fd) {
  char byte = 0;
  CHECK_ERR(co_io_read(fd, &byte, 1, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_read(fd, &byte, 1, CO_NOW), EBADF);
  CHECK_ERR(co_io_write(fd, &byte, 1, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_pread(fd, &byte, 1, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_pwrite(fd, &byte, 1, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_fsync(fd, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_recv(fd, &byte, 1, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_send(fd, &byte, 1, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_accept(fd, NULL, NULL, 0, CO_FOREVER), EBADF);
  struct sockaddr_in a = net_local(1);
  CHECK_ERR(co_io_connect(fd, (struct sockaddr *)&a, sizeof a, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_shutdown(fd, SHUT_RD), EBADF);
  CHECK_ERR(co_io_close(fd), EBADF);
}

static void body(void) {
  unsigned char buf[16];
  int fd = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER), pipes[2];
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_write(fd, "content", 7, CO_FOREVER), 7);
  opens();

  CHECK_ERR(co_io_pread(fd, buf, 1, -1, CO_FOREVER), EINVAL); /* -1 is no "here" */
  CHECK_ERR(co_io_pread(fd, buf, 1, INT64_MIN, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_pwrite(fd, buf, 1, -1, CO_FOREVER), EINVAL);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
  CHECK_ERR(co_io_read(fd, buf, 1, -2), EINVAL);
  CHECK_ERR(co_io_write(fd, buf, 1, INT64_MIN), EINVAL);
  CHECK_ERR(co_io_pread(fd, buf, 1, 0, -2), EINVAL);
  CHECK_ERR(co_io_pwrite(fd, buf, 1, 0, -2), EINVAL);
  CHECK_ERR(co_io_fsync(fd, -2), EINVAL);

  void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  CHECK_ERR(co_io_pread(fd, nothing, 4, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_pwrite(fd, nothing, 4, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_pread(fd, NULL, 4, 0, CO_FOREVER), EFAULT);

  CHECK_ERR(co_io_recv(fd, buf, 1, 0, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_send(fd, buf, 1, 0, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_accept(fd, NULL, NULL, 0, CO_FOREVER), ENOTSOCK);
  CHECK_ERR(co_io_shutdown(fd, SHUT_RD), ENOTSOCK);

  int reader = co_io_open("file", O_RDONLY, 0, CO_FOREVER);
  int writer = co_io_open("file", O_WRONLY, 0, CO_FOREVER);
  int folder = co_io_open(".", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK(reader >= 0 && writer >= 0 && folder >= 0);
  CHECK_ERR(co_io_write(reader, buf, 1, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_pwrite(reader, buf, 1, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_read(writer, buf, 1, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_read(folder, buf, 1, CO_FOREVER), EISDIR);
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  CHECK_ERR(co_io_pread(pipes[0], buf, 1, 0, CO_FOREVER), ESPIPE);
  CHECK_ERR(co_io_pwrite(pipes[1], buf, 1, 0, CO_FOREVER), ESPIPE);
  CHECK_ERR(co_io_fsync(pipes[0], CO_FOREVER), EINVAL);
  net_close(pipes);
  CHECK_OK(co_io_close(reader));
  CHECK_OK(co_io_close(writer));
  CHECK_OK(co_io_close(folder));
  CHECK_OK(co_io_close(fd));
  bad(fd);
  bad(-1);
  bad(INT_MIN);
  bad(1000000);
}

CASE(body)
