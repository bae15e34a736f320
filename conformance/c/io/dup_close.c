#include "net.h"

/* Closing one number of a socket that has two leaves a call on the other alone. */
static int kept;

static void *in_recv(void *arg) {
  char buf[8];
  CHECK_EQ(co_io_recv(kept, buf, sizeof buf, 0, CO_FOREVER), 3);
  CHECK(!memcmp(buf, "abc", 3));
  return arg;
}

static void body(void) {
  for (int round = 0; round < 100; round++) {
    int fds[2];
    net_unix_pair(fds);
    kept = CHECK_SYS(dup(fds[1]));
    co_t co = conf_spawn_on((uint32_t)round % 2 + 1, in_recv, NULL);
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(co_io_close(fds[1]));
    CHECK_ERR(co_join(co, NULL, 200 * US), ETIMEDOUT);
    CHECK_EQ(co_io_send(fds[0], "abc", 3, 0, CO_FOREVER), 3);
    conf_join(co);
    CHECK_OK(co_io_close(kept));
    CHECK_OK(co_io_close(fds[0]));
  }
}

CASE(body)
