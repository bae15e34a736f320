#include "net.h"

/* A number is closed while a call waits on it, and used again at once: the old call gets -EBADF
 * and none of the new descriptor's data. */
enum { ROUNDS = 2000 };
static int fd;
static atomic_int entered;

static void *old_call(void *arg) {
  unsigned char buf[64];
  memset(buf, 0xaa, sizeof buf);
  atomic_store(&entered, 1);
  CHECK_ERR(co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER), EBADF);
  for (size_t i = 0; i < sizeof buf; i++)
    CHECK_EQ(buf[i], 0xaa);
  return arg;
}

static void body(void) {
  int fds[2], reused = 0;
  for (int round = 0; round < ROUNDS; round++) {
    unsigned char out[64], in[64];
    net_unix_pair(fds);
    fd = fds[1];
    atomic_store(&entered, 0);
    co_t co = conf_spawn_on((uint32_t)round % 2 + 1, old_call, NULL);
    while (!atomic_load(&entered))
      co_yield_now();
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(co_io_close(fd));
    int fresh[2];
    net_unix_pair(fresh);
    reused += fresh[0] == fd || fresh[1] == fd;
    for (int k = 0; k < 2; k++) {
      net_fill(out, sizeof out, (uint64_t)round, 0);
      net_send_all(fresh[k], out, sizeof out);
      CHECK_EQ(co_io_recv(fresh[!k], in, sizeof in, 0, 10 * SEC), sizeof in);
      net_same(in, sizeof in, (uint64_t)round, 0);
    }
    conf_join(co);
    net_close(fresh);
    CHECK_OK(co_io_close(fds[0]));
  }
  CHECK_GE(reused, ROUNDS / 2);
}

CASE(body)
