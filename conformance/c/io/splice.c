#include "net.h"
#include <sys/eventfd.h>
#include <sys/mman.h>

static unsigned char data[200000];

/* Moves all that comes out of a pipe into a buffer. */
static void pipe_same(int fd, size_t n, uint64_t seed, uint64_t at) {
  static unsigned char in[sizeof data];
  for (size_t done = 0; done < n;) {
    int64_t r = co_io_read(fd, in + done, n - done, CO_FOREVER);
    CHECK_GE(r, 1);
    done += (size_t)r;
  }
  net_same(in, n, seed, at);
}

static int file_of(const char *path, size_t n) {
  int fd = co_io_open(path, O_CREAT | O_TRUNC | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  net_fill(data, n, 5, 0);
  CHECK_EQ(co_io_write(fd, data, n, CO_FOREVER), n);
  return fd;
}

static void files_and_pipes(void) {
  int fd = file_of("from", 10000), to = file_of("to", 0), p[2], q[2];
  int64_t off = 100;
  CHECK_OK(co_io_pipe(p, 0));
  CHECK_OK(co_io_pipe(q, 0));
  CHECK_EQ(co_io_splice(fd, &off, p[1], NULL, 500, 0, CO_FOREVER), 500);
  CHECK_EQ(off, 600);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10000);
  CHECK_EQ(lseek(fd, 9000, SEEK_SET), 9000);
  CHECK_EQ(co_io_splice(fd, NULL, p[1], NULL, 50000, SPLICE_F_MOVE, 10 * SEC), 1000);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10000);
  CHECK_EQ(co_io_splice(fd, NULL, p[1], NULL, 50000, 0, CO_FOREVER), 0); /* the file's end */
  pipe_same(p[0], 500, 5, 100);
  CHECK_EQ(co_io_splice(p[0], NULL, q[1], NULL, 300, 0, CO_FOREVER), 300);
  pipe_same(q[0], 300, 5, 9000);
  off = 7;
  CHECK_EQ(co_io_splice(p[0], NULL, to, &off, 50000, 0, CO_FOREVER), 700);
  CHECK_EQ(off, 707);
  unsigned char in[700];
  CHECK_EQ(co_io_pread(to, in, 700, 7, CO_FOREVER), 700);
  net_same(in, 700, 5, 9300);
  /* An empty pipe: nothing yet, and then the end. */
  CHECK_ERR(co_io_splice(p[0], NULL, q[1], NULL, 10, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_splice(p[0], NULL, to, NULL, 10, SPLICE_F_NONBLOCK, CO_FOREVER), EAGAIN);
  CHECK_ERR(co_io_splice(p[0], NULL, to, NULL, 10, 0, MS), ETIMEDOUT);
  CHECK_OK(co_io_close(p[1]));
  CHECK_EQ(co_io_splice(p[0], NULL, q[1], NULL, 10, 0, CO_FOREVER), 0);
  CHECK_EQ(co_io_splice(p[0], NULL, to, NULL, 10, 0, CO_FOREVER), 0);
  CHECK_OK(co_io_close(q[0]));
  CHECK_ERR(co_io_splice(fd, &off, q[1], NULL, 10, 0, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(q[1]));
  CHECK_OK(co_io_close(p[0]));
  CHECK_OK(co_io_close(fd));
  CHECK_OK(co_io_close(to));
}

/* A relay: socket to pipe to socket, as a proxy does it. */
static int from, to, left, right;

static void *relay(void *arg) {
  int p[2];
  int64_t total = 0, n;
  CHECK_OK(co_io_pipe(p, 0));
  while ((n = co_io_splice(left, NULL, p[1], NULL, 65536, 0, CO_FOREVER)) > 0)
    for (total += n; n > 0;) {
      int64_t r = co_io_splice(p[0], NULL, right, NULL, (size_t)n, SPLICE_F_MORE, CO_FOREVER);
      CHECK_GE(r, 1);
      n -= r;
    }
  CHECK_EQ(n, 0);
  CHECK_OK(co_io_shutdown(right, SHUT_WR));
  net_close(p);
  (void)arg;
  return (void *)(intptr_t)total;
}

static void *feed(void *arg) {
  net_send_all(from, data, sizeof data);
  CHECK_OK(co_io_shutdown(from, SHUT_WR));
  return arg;
}

static void relays(int tcp, int nonblocking) {
  int a[2], b[2];
  if (tcp) {
    net_tcp_pair(a);
    net_tcp_pair(b);
  } else {
    net_unix_pair(a);
    net_unix_pair(b);
  }
  from = a[0], left = a[1], right = b[0], to = b[1];
  if (nonblocking) {
    CHECK_SYS(fcntl(left, F_SETFL, net_flags(left) | O_NONBLOCK));
    CHECK_SYS(fcntl(right, F_SETFL, net_flags(right) | O_NONBLOCK));
  }
  int modes[2] = {net_flags(left), net_flags(right)};
  net_fill(data, sizeof data, 9, 0);
  co_t feeding = conf_spawn_on(2, feed, NULL), relaying = conf_spawn_on(1, relay, NULL);
  static unsigned char in[sizeof data];
  net_recv_all(to, in, sizeof in);
  net_same(in, sizeof in, 9, 0);
  CHECK_EQ(co_io_recv(to, in, 1, 0, CO_FOREVER), 0);
  conf_join(feeding);
  CHECK_EQ((intptr_t)conf_join(relaying), sizeof data);
  CHECK_EQ(net_flags(left), modes[0]);
  CHECK_EQ(net_flags(right), modes[1]);
  net_close(a);
  net_close(b);
}

/* No SIGPIPE for a socket whose peer is gone, on coroutines and threads. */
static void *to_a_dead_peer(void *arg) {
  int s[2], p[2];
  net_unix_pair(s);
  CHECK_OK(co_io_pipe(p, 0));
  CHECK_EQ(co_io_write(p[1], "x", 1, CO_FOREVER), 1);
  CHECK_OK(co_io_close(s[1]));
  CHECK_ERR(co_io_splice(p[0], NULL, s[0], NULL, 1, 0, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(s[0]));
  net_close(p);
  return arg;
}

static void errors(void) {
  int fd = file_of("from", 100), p[2], q[2], s[2];
  int64_t off = 0, before = -1;
  CHECK_OK(co_io_pipe(p, 0));
  CHECK_OK(co_io_pipe(q, 0));
  net_unix_pair(s);
  CHECK_ERR(co_io_splice(fd, NULL, s[0], NULL, 10, 0, CO_FOREVER), EINVAL); /* no pipe */
  CHECK_ERR(co_io_splice(s[0], NULL, s[1], NULL, 10, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_splice(p[0], NULL, p[1], NULL, 10, 0, CO_FOREVER), EINVAL); /* onto itself */
  CHECK_ERR(co_io_splice(p[0], &off, fd, NULL, 10, 0, CO_FOREVER), ESPIPE);
  CHECK_ERR(co_io_splice(fd, NULL, p[1], &off, 10, 0, CO_FOREVER), ESPIPE);
  CHECK_ERR(co_io_splice(s[0], &off, p[1], NULL, 10, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_splice(fd, &before, p[1], NULL, 10, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_splice(fd, NULL, p[1], NULL, 10, 1 << 20, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_splice(fd, NULL, p[1], NULL, 10, 0, -2), EINVAL);
  CHECK_ERR(co_io_splice(p[1], NULL, q[1], NULL, 10, 0, CO_FOREVER), EBADF); /* not to be read */
  CHECK_ERR(co_io_splice(p[0], NULL, q[0], NULL, 10, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_splice(-1, NULL, p[1], NULL, 10, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_splice(p[0], NULL, 1000000, NULL, 10, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_splice(fd, NULL, p[1], NULL, 10, 0, CO_NOW), EAGAIN); /* a disk, perhaps */
  CHECK_EQ(co_io_splice(p[0], NULL, q[1], NULL, 0, 0, CO_FOREVER), 0);
  int appending = co_io_open("from", O_WRONLY | O_APPEND, 0, CO_FOREVER);
  CHECK_ERR(co_io_splice(p[0], NULL, appending, NULL, 10, 0, CO_FOREVER), EINVAL);
  CHECK_OK(co_io_close(appending));
  int64_t *nothing = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK((void *)nothing != MAP_FAILED);
  CHECK_ERR(co_io_splice(fd, nothing, p[1], NULL, 10, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_read(p[0], &off, 8, CO_NOW), EAGAIN); /* and nothing has been moved */
  net_close(p);
  net_close(q);
  net_close(s);
  CHECK_OK(co_io_close(fd));
}

static void body(void) {
  files_and_pipes();
  for (int i = 0; i < 4; i++)
    relays(i & 1, i & 2);
  signal(SIGPIPE, SIG_DFL);
  to_a_dead_peer(NULL);
  conf_on_thread(to_a_dead_peer, NULL);
  signal(SIGPIPE, SIG_IGN);
  errors();
}

CASE(body)
