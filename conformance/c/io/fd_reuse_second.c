#include "net.h"

/* A transfer between two descriptors never touches what a number means after its close: another
 * coroutine closes the file, or the socket, at any moment and is given the number anew. */
enum { SIZE = 400000, ROUNDS = 150 };

static int sock, file, peer;
static int64_t received;

static int open_file(const char *path, uint64_t seed) {
  static unsigned char content[SIZE];
  int fd = co_io_open(path, O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  net_fill(content, SIZE, seed, 0);
  CHECK_EQ(co_io_pwrite(fd, content, SIZE, 0, CO_FOREVER), SIZE);
  return fd;
}

/* One call: the next would be about whatever has the number then. */
static void *sends(void *arg) {
  int64_t off = 0, n = co_io_sendfile(sock, file, &off, SIZE, CO_FOREVER);
  if (n < 0)
    CHECK_ERR(n, EBADF);
  else
    CHECK_EQ(off, n);
  return arg;
}

/* Everything that comes is of the first file, as far as it goes. */
static void *receives(void *arg) {
  static unsigned char in[8192];
  int64_t n;
  received = 0;
  while ((n = co_io_recv(peer, in, sizeof in, 0, CO_FOREVER)) > 0) {
    net_same(in, (size_t)n, 1, (uint64_t)received);
    received += n;
  }
  return arg;
}

static void one(uint64_t *seed, int which) {
  int s[2], other[2];
  net_unix_pair(s);
  sock = s[0], peer = s[1];
  file = co_io_open("first", O_RDWR, 0, CO_FOREVER);
  CHECK_GE(file, 0);
  int spare = dup(sock); /* so that the peer sees the end when we say so */
  co_t receiving = conf_spawn_on(2, receives, NULL), sending = conf_spawn_on(1, sends, NULL);
  CHECK_OK(co_sleep((int64_t)(conf_rand(seed) % (600 * US)) + 1));
  int victim = which ? file : sock;
  CHECK_OK(co_io_close(victim));
  if (which) {
    other[0] = co_io_open("second", O_RDWR, 0, CO_FOREVER);
    other[1] = -1;
  } else {
    net_unix_pair(other);
  }
  CHECK_EQ(other[0], victim); /* the lowest free number */
  conf_join(sending);
  if (which) {
    CHECK_EQ(lseek(other[0], 0, SEEK_CUR), 0);
  } else {
    char byte;
    CHECK_ERR(co_io_recv(other[1], &byte, 1, 0, CO_NOW), EAGAIN);
    CHECK_OK(co_io_close(other[1]));
  }
  CHECK_OK(co_io_shutdown(spare, SHUT_WR));
  conf_join(receiving);
  CHECK_OK(co_io_close(spare));
  CHECK_OK(co_io_close(other[0]));
  CHECK_OK(co_io_close(which ? sock : file));
  CHECK_OK(co_io_close(peer));
}

static void body(void) {
  uint64_t seed = 7;
  CHECK_OK(co_io_close(open_file("first", 1)));
  CHECK_OK(co_io_close(open_file("second", 2)));
  for (int i = 0; i < ROUNDS; i++)
    one(&seed, i & 1);
}

CASE(body)
