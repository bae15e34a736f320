#include "net.h"
#include <dirent.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>

/* Every kind of descriptor, in blocking mode or not, with every call: the result is that of the
 * system call on another one just like it, in O_NONBLOCK mode so that it tells instead of waiting.
 * Where it says EAGAIN, ours does with CO_NOW; where not, ours needs no time limit. And the mode
 * stays. */

static int other; /* what keeps a kind as it is: the other end; -1: nothing */

static int with_other(const int fds[2], int which, int flags) {
  other = fds[!which];
  CHECK_SYS(fcntl(fds[which], F_SETFL, net_flags(fds[which]) | flags));
  return fds[which];
}

static int new_file(int flags) {
  int fd = CHECK_SYS(open("file", O_CREAT | O_TRUNC | O_RDWR | flags, 0600));
  CHECK_EQ(write(fd, "0123456789", 10), 10);
  CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
  return fd;
}

static int new_directory(int flags) {
  return CHECK_SYS(open(".", O_RDONLY | O_DIRECTORY | flags));
}

static int new_pipe_empty(int flags) {
  int fds[2];
  CHECK_SYS(pipe(fds));
  return with_other(fds, 0, flags);
}

static int new_pipe_filled(int flags) {
  int fd = new_pipe_empty(flags);
  CHECK_EQ(write(other, "abc", 3), 3);
  return fd;
}

static int new_pipe_ended(int flags) {
  int fd = new_pipe_filled(flags);
  CHECK_SYS(close(other));
  other = -1;
  return fd;
}

static int new_pipe_to_write(int flags) {
  int fds[2];
  CHECK_SYS(pipe(fds));
  return with_other(fds, 1, flags);
}

static int new_pipe_broken(int flags) {
  int fd = new_pipe_to_write(flags);
  CHECK_SYS(close(other));
  other = -1;
  return fd;
}

static int new_socket_empty(int flags) {
  int fds[2];
  net_unix_pair(fds);
  return with_other(fds, 0, flags);
}

static int new_socket_filled(int flags) {
  int fd = new_socket_empty(flags);
  CHECK_EQ(write(other, "abc", 3), 3);
  return fd;
}

static int new_socket_broken(int flags) {
  int fd = new_socket_empty(flags);
  CHECK_SYS(close(other));
  other = -1;
  return fd;
}

static int new_terminal(int flags) {
  int master = CHECK_SYS(posix_openpt(O_RDWR | O_NOCTTY));
  char name[100];
  CHECK_SYS(grantpt(master));
  CHECK_SYS(unlockpt(master));
  CHECK_EQ(ptsname_r(master, name, sizeof name), 0);
  int fd = CHECK_SYS(open(name, O_RDWR | O_NOCTTY | flags));
  struct termios raw;
  CHECK_SYS(tcgetattr(fd, &raw));
  cfmakeraw(&raw);
  CHECK_SYS(tcsetattr(fd, TCSANOW, &raw));
  other = master;
  return fd;
}

static int new_terminal_typed(int flags) {
  int fd = new_terminal(flags), ready;
  struct pollfd p = {.fd = fd, .events = POLLIN};
  CHECK_EQ(write(other, "abc", 3), 3);
  CHECK_EQ(ready = poll(&p, 1, 1000), 1);
  return fd;
}

static int new_eventfd(int flags) {
  return CHECK_SYS(eventfd(5, flags ? EFD_NONBLOCK : 0));
}

static int new_timerfd(int flags) {
  return CHECK_SYS(timerfd_create(CLOCK_MONOTONIC, flags ? TFD_NONBLOCK : 0));
}

static int new_zero(int flags) {
  return CHECK_SYS(open("/dev/zero", O_RDWR | flags));
}

static int new_null(int flags) {
  return CHECK_SYS(open("/dev/null", O_RDWR | flags));
}

static int new_path(int flags) {
  return CHECK_SYS(open(".", O_PATH | flags));
}

static int no_descriptor(int flags) {
  (void)flags;
  return 1000000;
}

static const struct {
  const char *name;
  int (*make)(int flags);
  int counts; /* reads and writes are of eight bytes, never of none */
} kinds[] = {
    {"file", new_file, 0},
    {"directory", new_directory, 0},
    {"empty pipe", new_pipe_empty, 0},
    {"pipe", new_pipe_filled, 0},
    {"ended pipe", new_pipe_ended, 0},
    {"pipe to write", new_pipe_to_write, 0},
    {"broken pipe", new_pipe_broken, 0},
    {"empty socket", new_socket_empty, 0},
    {"socket", new_socket_filled, 0},
    {"broken socket", new_socket_broken, 0},
    {"terminal", new_terminal, 0},
    {"typed terminal", new_terminal_typed, 0},
    {"eventfd", new_eventfd, 1},
    {"timerfd", new_timerfd, 1},
    {"zero", new_zero, 0},
    {"null", new_null, 0},
    {"O_PATH", new_path, 0},
    {"none", no_descriptor, 0},
};

/* What both sides use. The raw call sets errno; sys makes one result of the two. */
static char *nothing, buf[4096] __attribute__((aligned(8))), big[1 << 16];
static struct iovec two[2], bad[1];
static int sink[2]; /* an empty pipe to splice to */
static int target;  /* a file to copy to */

static int64_t sys(int64_t r) {
  return r < 0 ? -errno : r;
}

static int64_t raw_poll(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
  CHECK_SYS(poll(&p, 1, 0));
  errno = p.revents & POLLNVAL ? EBADF : EAGAIN;
  return p.revents > 0 && !(p.revents & POLLNVAL) ? p.revents : -1;
}

static int64_t our_stat(int fd, int64_t t) {
  co_stat_t st = {.size = sizeof st};
  return co_io_statx(fd, NULL, AT_EMPTY_PATH, &st, t);
}

static int64_t raw_stat(int fd) {
  struct stat st;
  return fstat(fd, &st);
}

/* Lengths of entries differ: whether there are any. */
static int64_t any(int64_t r) {
  return r > 0 ? 1 : r;
}

#define CALLS                                                                               \
  CALL(read, co_io_read(fd, buf, 16, t), read(fd, buf, 16))                                 \
  CALL(read_none, co_io_read(fd, buf, 0, t), read(fd, buf, 0))                              \
  CALL(read_bad, co_io_read(fd, nothing, 16, t), read(fd, nothing, 16))                     \
  CALL(write, co_io_write(fd, "xyz", 3, t), write(fd, "xyz", 3))                            \
  CALL(write_none, co_io_write(fd, "", 0, t), write(fd, "", 0))                             \
  CALL(write_bad, co_io_write(fd, nothing, 16, t), write(fd, nothing, 16))                  \
  CALL(pread, co_io_pread(fd, buf, 5, 1, t), pread(fd, buf, 5, 1))                          \
  CALL(pread_bad, co_io_pread(fd, nothing, 5, 1, t), pread(fd, nothing, 5, 1))              \
  CALL(pwrite, co_io_pwrite(fd, "xyz", 3, 1, t), pwrite(fd, "xyz", 3, 1))                   \
  CALL(pwrite_bad, co_io_pwrite(fd, nothing, 3, 1, t), pwrite(fd, nothing, 3, 1))           \
  CALL(readv, co_io_readv(fd, two, 2, t), readv(fd, two, 2))                                \
  CALL(readv_bad, co_io_readv(fd, bad, 1, t), readv(fd, bad, 1))                            \
  CALL(readv_worse, co_io_readv(fd, (void *)nothing, 1, t), readv(fd, (void *)nothing, 1))  \
  CALL(writev, co_io_writev(fd, two, 2, t), writev(fd, two, 2))                             \
  CALL(writev_bad, co_io_writev(fd, bad, 1, t), writev(fd, bad, 1))                         \
  CALL(preadv, co_io_preadv(fd, two, 2, 1, t), preadv(fd, two, 2, 1))                       \
  CALL(pwritev, co_io_pwritev(fd, two, 2, 1, t), pwritev(fd, two, 2, 1))                    \
  CALL(recv, co_io_recv(fd, buf, 16, 0, t), recv(fd, buf, 16, 0))                           \
  CALL(recv_bad, co_io_recv(fd, nothing, 16, 0, t), recv(fd, nothing, 16, 0))               \
  CALL(send, co_io_send(fd, "xyz", 3, 0, t), send(fd, "xyz", 3, MSG_NOSIGNAL))              \
  CALL(send_bad, co_io_send(fd, nothing, 3, 0, t), send(fd, nothing, 3, MSG_NOSIGNAL))      \
  CALL(accept, co_io_accept(fd, NULL, NULL, 0, t), accept(fd, NULL, NULL))                  \
  CALL(poll, co_io_poll(fd, POLLIN | POLLOUT, t), raw_poll(fd))                             \
  CALL(fsync, co_io_fsync(fd, t), fsync(fd))                                                \
  CALL(fdatasync, co_io_fdatasync(fd, t), fdatasync(fd))                                    \
  CALL(ftruncate, co_io_ftruncate(fd, 5, t), ftruncate(fd, 5))                              \
  CALL(fallocate, co_io_fallocate(fd, 0, 0, 100, t), fallocate(fd, 0, 0, 100))              \
  CALL(stat, our_stat(fd, t), raw_stat(fd))                                                 \
  CALL(readdir, any(co_io_readdir(fd, buf, sizeof buf, t)),                                 \
       any(syscall(SYS_getdents64, fd, buf, sizeof buf)))                                   \
  CALL(openat, any(co_io_openat(fd, "absent", O_RDONLY, 0, t)), openat(fd, "absent", O_RDONLY)) \
  CALL(unlinkat, co_io_unlinkat(fd, "absent", 0, t), unlinkat(fd, "absent", 0))             \
  CALL(renameat, co_io_renameat(fd, "absent", fd, "x", 0, t), renameat(fd, "absent", fd, "x")) \
  CALL(splice, co_io_splice(fd, NULL, sink[1], NULL, 7, 0, t),                              \
       splice(fd, NULL, sink[1], NULL, 7, SPLICE_F_NONBLOCK))                               \
  CALL(copy, co_io_copy_file_range(fd, NULL, target, NULL, 7, 0, t),                        \
       copy_file_range(fd, NULL, target, NULL, 7, 0))                                       \
  CALL(shutdown, co_io_shutdown(fd, SHUT_WR), shutdown(fd, SHUT_WR))

#define CALL(name, ours, raw) name##_call,
enum { CALLS call_count };
#undef CALL

static const char *const names[] = {
#define CALL(name, ours, raw) #name,
    CALLS
#undef CALL
};

static int64_t our_call(int call, int fd, int64_t t) {
  switch (call) {
#define CALL(name, ours, raw) case name##_call: return ours;
    CALLS
#undef CALL
  }
  return 0;
}

static int64_t raw_call(int call, int fd) {
  switch (call) {
#define CALL(name, ours, raw) case name##_call: return sys(raw);
    CALLS
#undef CALL
  }
  return 0;
}

static void unmake(int fd) {
  if (other >= 0)
    CHECK_SYS(close(other));
  if (fd != 1000000)
    CHECK_OK(co_io_close(fd));
  while (read(sink[0], buf, sizeof buf) > 0) {
  }
}

static int make(size_t kind, int flags) {
  other = -1;
  return kinds[kind].make(flags);
}

static void compare(size_t kind, int call, int flags) {
  char a[128], b[128];
  int fd = make(kind, O_NONBLOCK);
  int64_t raw = raw_call(call, fd);
  unmake(fd);
  fd = make(kind, flags);
  int before = fcntl(fd, F_GETFL);
  int64_t ours = our_call(call, fd, raw == -EAGAIN ? CO_NOW : 10 * SEC);
  if (ours != raw)
    FAIL("%s of %s (%s) gives %s, the system %s", names[call], kinds[kind].name,
         flags ? "O_NONBLOCK" : "blocking", check_text(ours, a, sizeof a), check_text(raw, b, sizeof b));
  CHECK_EQ(fcntl(fd, F_GETFL), before);
  unmake(fd);
}

static int left_out(size_t kind, int call) {
  const char *name = kinds[kind].name;
  /* A read of nothing is an error for a few kinds; ours is like readv, which reads nothing. */
  if (!strcmp(name, "directory") && call == read_none_call)
    return 1;
  if (kinds[kind].counts)
    return call == read_none_call || call == write_none_call || call == splice_call;
  /* A device is asked only once it is ready. */
  return call == splice_call && (!strcmp(name, "terminal") || !strcmp(name, "null"));
}

static void body(void) {
  int compared = 0;
  nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  two[0] = (struct iovec){.iov_base = big, .iov_len = 4};
  two[1] = (struct iovec){.iov_base = big + 4, .iov_len = 4};
  bad[0] = (struct iovec){.iov_base = nothing, .iov_len = 8};
  CHECK_OK(co_io_pipe(sink, 0));
  CHECK_SYS(fcntl(sink[0], F_SETFL, O_NONBLOCK));
  target = co_io_open("target", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(target, 0);
  for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
    for (int call = 0; call < call_count; call++)
      for (int nonblocking = 0; nonblocking < 2 && !left_out(kind, call); nonblocking++, compared++)
        compare(kind, call, nonblocking ? O_NONBLOCK : 0);
  printf("%d calls compared\n", compared);
  CHECK_GE(compared, 1000);
}

CASE(body)
