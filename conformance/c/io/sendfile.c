#include "net.h"
#include <sys/mman.h>

enum { SIZE = 3000000 };

static int file;
static unsigned char got[SIZE];

static void *reader(void *arg) {
  net_recv_all((int)(intptr_t)arg, got, SIZE);
  return arg;
}

/* Through a socket whose buffer is far smaller than the file. */
static void through(const int s[2], int nonblocking) {
  if (nonblocking)
    CHECK_SYS(fcntl(s[0], F_SETFL, net_flags(s[0]) | O_NONBLOCK));
  int mode = net_flags(s[0]);
  int64_t off = 0;
  memset(got, 0, sizeof got);
  co_t co = conf_spawn_on(2, reader, (void *)(intptr_t)s[1]);
  CHECK_EQ(co_io_sendfile(s[0], file, &off, SIZE, CO_FOREVER), SIZE);
  CHECK_EQ(off, SIZE);
  conf_join(co);
  net_same(got, SIZE, 4, 0);
  CHECK_EQ(net_flags(s[0]), mode);
  CHECK_EQ(lseek(file, 0, SEEK_CUR), 0);
}

static void *send_on_thread(void *arg) {
  int *s = arg;
  CHECK_EQ(co_io_sendfile(s[0], file, NULL, 1000, CO_FOREVER), 1000);
  return arg;
}

static void positions(void) {
  int s[2], out;
  int64_t off = SIZE - 10;
  net_unix_pair(s);
  CHECK_EQ(lseek(file, 100, SEEK_SET), 100);
  CHECK_EQ(co_io_sendfile(s[0], file, NULL, 50, CO_FOREVER), 50);
  CHECK_EQ(lseek(file, 0, SEEK_CUR), 150);
  net_recv_all(s[1], got, 50);
  net_same(got, 50, 4, 100);
  CHECK_EQ(co_io_sendfile(s[0], file, &off, 50, CO_NOW), 10); /* as much as there is */
  CHECK_EQ(off, SIZE);
  CHECK_EQ(co_io_sendfile(s[0], file, &off, 50, CO_FOREVER), 0);
  net_recv_all(s[1], got, 10);
  net_same(got, 10, 4, SIZE - 10);
  conf_on_thread(send_on_thread, s);
  CHECK_EQ(lseek(file, 0, SEEK_CUR), 1150);
  net_recv_all(s[1], got, 1000);
  net_same(got, 1000, 4, 150);
  net_close(s);

  /* Into another file, into a pipe. */
  off = 5;
  out = co_io_open("copy", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(out, 0);
  CHECK_EQ(co_io_sendfile(out, file, &off, 500000, CO_FOREVER), 500000);
  CHECK_EQ(co_io_pread(out, got, SIZE, 0, CO_FOREVER), 500000);
  net_same(got, 500000, 4, 5);
  CHECK_OK(co_io_close(out));
  CHECK_OK(co_io_pipe(s, 0));
  CHECK_EQ(co_io_sendfile(s[1], file, &off, 20, CO_FOREVER), 20);
  CHECK_EQ(co_io_read(s[0], got, SIZE, CO_FOREVER), 20);
  net_same(got, 20, 4, 500005);
  net_close(s);
}

/* A peer that does not read: what went is reported, and the position is after it. */
static void a_full_socket(void) {
  int s[2];
  int64_t off = 0;
  net_unix_pair(s);
  int64_t n = co_io_sendfile(s[0], file, &off, SIZE, 5 * MS);
  CHECK_GE(n, 1);
  CHECK_GE(SIZE - 1, n);
  CHECK_EQ(off, n);
  CHECK_ERR(co_io_sendfile(s[0], file, &off, SIZE, MS), ETIMEDOUT);
  CHECK_ERR(co_io_sendfile(s[0], file, &off, SIZE, CO_NOW), EAGAIN);
  CHECK_EQ(off, n);
  net_recv_all(s[1], got, (size_t)n);
  net_same(got, (size_t)n, 4, 0);
  CHECK_OK(co_io_close(s[1]));
  signal(SIGPIPE, SIG_DFL);
  CHECK_ERR(co_io_sendfile(s[0], file, &off, SIZE, CO_FOREVER), EPIPE);
  signal(SIGPIPE, SIG_IGN);
  CHECK_OK(co_io_close(s[0]));
}

/* An interrupt that comes after some bytes is for the next call. */
static int to_full[2];

static atomic_int went_on;

static void *interrupted(void *arg) {
  int64_t off = 0;
  CHECK_GE(co_io_sendfile(to_full[0], file, &off, SIZE, CO_FOREVER), 1);
  CHECK_ERR(co_sleep(SEC), EINTR);
  CHECK_GE(co_io_sendfile(to_full[0], file, &off, SIZE, CO_NOW), -EAGAIN);
  atomic_store(&went_on, 1);
  CHECK_ERR(co_io_sendfile(to_full[0], file, &off, SIZE, CO_FOREVER), ECANCELED);
  return arg;
}

static void interrupts(void) {
  net_unix_pair(to_full);
  co_t co = conf_spawn(interrupted, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_sleep(2 * MS));
  CHECK_OK(co_interrupt(co, EINTR));
  while (!atomic_load(&went_on))
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_cancel(co));
  conf_join(co);
  net_close(to_full);
}

static void errors(void) {
  int s[2], p[2];
  int64_t off = -1;
  net_unix_pair(s);
  CHECK_OK(co_io_pipe(p, 0));
  CHECK_ERR(co_io_sendfile(s[0], file, &off, 10, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_sendfile(s[0], p[0], NULL, 10, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_sendfile(s[0], s[1], NULL, 10, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_sendfile(s[0], file, NULL, 10, -2), EINVAL);
  CHECK_ERR(co_io_sendfile(-1, file, NULL, 10, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_sendfile(s[0], 1000000, NULL, 10, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_sendfile(p[0], file, NULL, 10, CO_FOREVER), EBADF);
  CHECK_EQ(co_io_sendfile(s[0], file, NULL, 0, CO_FOREVER), 0);
  int64_t *nothing = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK((void *)nothing != MAP_FAILED);
  CHECK_ERR(co_io_sendfile(s[0], file, nothing, 10, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_recv(s[1], got, 1, 0, CO_NOW), EAGAIN);
  net_close(s);
  net_close(p);
}

static void body(void) {
  int s[2];
  static unsigned char content[SIZE];
  net_fill(content, SIZE, 4, 0);
  file = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(file, 0);
  for (int64_t done = 0; done < SIZE;)
    done += co_io_pwrite(file, content + done, (size_t)(SIZE - done), done, CO_FOREVER);
  for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
    net_unix_pair(s);
    through(s, nonblocking);
    net_close(s);
    net_tcp_pair(s);
    through(s, nonblocking);
    net_close(s);
  }
  positions();
  a_full_socket();
  interrupts();
  errors();
  CHECK_OK(co_io_close(file));
}

CASE(body)
