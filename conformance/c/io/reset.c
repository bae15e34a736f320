#include "net.h"

/* A peer that resets the connection ends a waiting receive with -ECONNRESET, and sends with
 * -EPIPE or -ECONNRESET. */
static int fds[2];

static void *in_recv(void *arg) {
  char buf[8];
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), ECONNRESET);
  return arg;
}

static void body(void) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  for (int round = 0; round < 40; round++) {
    net_tcp_pair(fds);
    co_t co = 0;
    if (round % 2) {
      co = conf_spawn_on((uint32_t)round / 2 % 2 + 1, in_recv, NULL);
      conf_until_state(co, CO_STATE_PARKED);
    }
    CHECK_SYS(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    CHECK_OK(co_io_close(fds[0]));
    if (co)
      conf_join(co);
    else
      in_recv(NULL);
    CHECK_ERR(co_io_send(fds[1], "x", 1, 0, CO_FOREVER), EPIPE);
    CHECK_OK(co_io_close(fds[1]));
  }
}

CASE(body)
