#include "net.h"

/* Beside coroutines that only yield on the same vCPU, data, timeouts and connections come through. */
static atomic_int stop;
static int fds[2];

static void *spinner(void *arg) {
  while (!atomic_load(&stop))
    co_yield_now();
  return arg;
}

static void *echo(void *arg) {
  char byte;
  while (co_io_recv(fds[1], &byte, 1, 0, CO_FOREVER) == 1)
    net_send_all(fds[1], &byte, 1);
  return arg;
}

static void *client(void *arg) {
  char byte = 'x';
  for (int i = 0; i < 200; i++) {
    net_send_all(fds[0], &byte, 1);
    CHECK_EQ(co_io_recv(fds[0], &byte, 1, 0, CO_FOREVER), 1);
    if (i % 20 == 0)
      CHECK_ERR(co_io_recv(fds[0], &byte, 1, 0, 200 * US), ETIMEDOUT);
  }
  CHECK_OK(co_io_shutdown(fds[0], SHUT_WR));
  return arg;
}

static void body(void) {
  net_tcp_pair(fds);
  co_t spinners[2] = {conf_spawn_on(1, spinner, NULL), conf_spawn_on(1, spinner, NULL)};
  co_t echoing = conf_spawn_on(1, echo, NULL), asking = conf_spawn_on(1, client, NULL);
  conf_join(asking);
  conf_join(echoing);
  atomic_store(&stop, 1);
  conf_join(spinners[0]);
  conf_join(spinners[1]);
  net_close(fds);
}

CASE(body)
