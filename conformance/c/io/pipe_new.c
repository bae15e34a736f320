#include "net.h"
#include <sys/mman.h>
#include <sys/resource.h>

static void body(void) {
  int fds[2] = {-1, -1};
  char byte = 0;
  CHECK_OK(co_io_pipe(fds, 0));
  for (int i = 0; i < 2; i++) {
    CHECK(CHECK_SYS(fcntl(fds[i], F_GETFD)) & FD_CLOEXEC);
    CHECK(!(net_flags(fds[i]) & O_NONBLOCK));
  }
  CHECK_EQ(co_io_write(fds[1], "x", 1, CO_FOREVER), 1);
  CHECK_EQ(co_io_read(fds[0], &byte, 1, CO_FOREVER), 1);
  CHECK_EQ(byte, 'x');
  CHECK_ERR(co_io_read(fds[1], &byte, 1, CO_FOREVER), EBADF);
  net_close(fds);

  CHECK_OK(co_io_pipe(fds, O_NONBLOCK | O_CLOEXEC));
  CHECK(net_flags(fds[0]) & net_flags(fds[1]) & O_NONBLOCK);
  CHECK_ERR(co_io_read(fds[0], &byte, 1, MS), ETIMEDOUT);
  net_close(fds);

  /* What fails leaves no descriptor behind: the numbers stay as they were. */
  int next = CHECK_SYS(dup(0));
  CHECK_SYS(close(next));
  CHECK_ERR(co_io_pipe(fds, O_APPEND), EINVAL);
  CHECK_ERR(co_io_pipe(NULL, 0), EFAULT);
  void *nothing = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  CHECK_ERR(co_io_pipe(nothing, 0), EFAULT);
  struct rlimit old, few;
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &old));
  few = old;
  few.rlim_cur = (rlim_t)next + 1;
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &few));
  CHECK_ERR(co_io_pipe(fds, 0), EMFILE);
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &old));
  CHECK_OK(co_io_pipe(fds, 0));
  CHECK_EQ(fds[0] < fds[1] ? fds[0] : fds[1], next);
  net_close(fds);
}

CASE(body)
