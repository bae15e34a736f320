#include "net.h"

/* Descriptors that are passed with a message are new ones of the receiver's. */
static int fds[2];

typedef struct {
  _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(4 * sizeof(int))];
} control_t;

static int64_t pass(int fd, const int *passed, size_t n, const char *text, size_t len) {
  control_t control;
  memset(&control, 0, sizeof control);
  struct iovec iov = {(void *)(uintptr_t)text, len};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
                     .msg_controllen = CMSG_SPACE(n * sizeof(int))};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(n * sizeof(int));
  memcpy(CMSG_DATA(c), passed, n * sizeof(int));
  return co_io_sendmsg(fd, &m, 0, CO_FOREVER);
}

static int64_t take(int fd, int *passed, size_t *n, char *text, size_t len, int flags, size_t room, int *out) {
  control_t control;
  struct iovec iov = {text, len};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = room};
  int64_t r = co_io_recvmsg(fd, &m, flags, CO_FOREVER);
  *n = 0;
  *out = m.msg_flags;
  if (r < 0)
    return r;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    CHECK(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS);
    *n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(passed, CMSG_DATA(c), *n * sizeof(int));
  }
  for (size_t i = 0; i < *n; i++)
    CHECK(CHECK_SYS(fcntl(passed[i], F_GETFD)) & FD_CLOEXEC);
  return r;
}

static void *pass_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(pass(fds[0], arg, 2, "pipe", 4), 4);
  return NULL;
}

static void once(int flags) {
  int pipes[2], got[4], out;
  size_t n;
  char text[8], c;
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  co_t co = conf_spawn(pass_later, pipes);
  int64_t r = take(fds[1], got, &n, text, sizeof text, flags, CMSG_SPACE(4 * sizeof(int)), &out);
  CHECK_EQ(r, 4);
  CHECK_EQ(n, 2);
  CHECK_EQ(out & (MSG_TRUNC | MSG_CTRUNC), 0);
  CHECK_EQ(out & MSG_CMSG_CLOEXEC, flags & MSG_CMSG_CLOEXEC);
  conf_join(co);
  CHECK(got[0] != pipes[0] && got[1] != pipes[1]);
  net_close(pipes);
  /* They are the pipe's, and work as any other. */
  CHECK_ERR(co_io_read(got[0], &c, 1, CO_NOW), EAGAIN);
  CHECK_EQ(co_io_write(got[1], "y", 1, CO_FOREVER), 1);
  CHECK_EQ(co_io_read(got[0], &c, 1, CO_FOREVER), 1);
  CHECK_EQ(c, 'y');
  CHECK_OK(co_io_close(got[1]));
  CHECK_EQ(co_io_read(got[0], &c, 1, CO_FOREVER), 0);
  CHECK_OK(co_io_close(got[0]));
}

/* Waiting for all stops at a message with descriptors; room for one of three means that two are
 * gone, and the flags say so; a peek gives descriptors too. */
static void edges(void) {
  int pipes[2], got[4], out;
  size_t n;
  char text[16];
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  int three[3] = {pipes[0], pipes[1], pipes[0]};
  CHECK_EQ(pass(fds[0], three, 1, "ab", 2), 2);
  CHECK_EQ(pass(fds[0], three, 2, "cd", 2), 2);
  size_t room = CMSG_SPACE(4 * sizeof(int));
  CHECK_EQ(take(fds[1], got, &n, text, sizeof text, MSG_WAITALL, room, &out), 2);
  CHECK_EQ(n, 1);
  CHECK_OK(co_io_close(got[0]));
  CHECK_EQ(take(fds[1], got, &n, text, sizeof text, 0, room, &out), 2);
  CHECK_EQ(n, 2);
  net_close(got);
  CHECK_EQ(pass(fds[0], three, 3, "ef", 2), 2);
  CHECK_EQ(take(fds[1], got, &n, text, sizeof text, 0, CMSG_LEN(sizeof(int)), &out), 2);
  CHECK_EQ(n, 1);
  CHECK_EQ(out & MSG_CTRUNC, MSG_CTRUNC);
  CHECK_OK(co_io_close(got[0]));
  CHECK_EQ(pass(fds[0], three, 1, "gh", 2), 2);
  CHECK_EQ(take(fds[1], got, &n, text, sizeof text, MSG_PEEK, room, &out), 2);
  CHECK_EQ(n, 1);
  CHECK_OK(co_io_close(got[0]));
  CHECK_EQ(take(fds[1], got, &n, text, sizeof text, 0, room, &out), 2);
  CHECK_EQ(n, 1);
  CHECK_OK(co_io_close(got[0]));
  net_close(pipes);
  CHECK_ERR(pass(fds[0], (int[]){-1}, 1, "x", 1), EBADF);
}

/* A number that is used again by a received descriptor keeps nothing of its former life. */
static void numbers(void) {
  int got[4], out, n_before;
  size_t n;
  char text[4], c;
  for (int i = 0; i < 50; i++) {
    int pair[2], pipes[2];
    net_unix_pair(pair);
    CHECK_ERR(co_io_recv(pair[0], &c, 1, 0, 50 * US), ETIMEDOUT);
    n_before = pair[0];
    CHECK_SYS(pipe2(pipes, O_CLOEXEC));
    CHECK_EQ(pass(fds[0], pipes, 1, "n", 1), 1);
    CHECK_SYS(close(pair[0])); /* behind the runtime's back */
    CHECK_EQ(take(fds[1], got, &n, text, 4, 0, CMSG_SPACE(sizeof(int)), &out), 1);
    CHECK_EQ(n, 1);
    CHECK_EQ(got[0], n_before);
    CHECK_ERR(co_io_read(got[0], &c, 1, 50 * US), ETIMEDOUT);
    CHECK_EQ(co_io_write(pipes[1], "z", 1, CO_FOREVER), 1);
    CHECK_EQ(co_io_read(got[0], &c, 1, CO_FOREVER), 1);
    CHECK_OK(co_io_close(got[0]));
    CHECK_OK(co_io_close(pair[1]));
    net_close(pipes);
  }
}

static void *all(void *arg) {
  CHECK_OK(co_io_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  once(0);
  once(MSG_WAITALL);
  once(MSG_CMSG_CLOEXEC);
  edges();
  numbers();
  net_close(fds);
  return arg;
}

static void body(void) {
  all(NULL);
  conf_on_thread(all, NULL);
}

CASE(body)
