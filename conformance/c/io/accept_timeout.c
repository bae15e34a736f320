#include "net.h"

static uint16_t port;

static void *late_client(void *arg) {
  (void)arg;
  CHECK_OK(co_sleep(3 * MS));
  return (void *)(intptr_t)net_connect(port);
}

static void body(void) {
  int listener = net_listen();
  port = net_port(listener);
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, CO_NOW), EAGAIN);
  for (int i = 1; i <= 10; i++) {
    int64_t before = co_now();
    CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, i * 300 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 300 * US);
  }
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, -2), EINVAL);
  /* A client of after a timeout goes to the next accept, not to one that has been given up. */
  for (int i = 0; i < 50; i++) {
    CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, 50 * US), ETIMEDOUT);
    int client = net_connect(port);
    int fd = co_io_accept(listener, NULL, NULL, 0, i % 2 ? CO_NOW : 10 * SEC);
    CHECK_GE(fd, 0);
    net_close((int[2]){fd, client});
  }
  co_t connecting = conf_spawn(late_client, NULL);
  int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  net_close((int[2]){fd, (int)(intptr_t)conf_join(connecting)});

  int idle = co_io_socket(AF_INET, SOCK_STREAM, 0);
  CHECK_GE(idle, 0);
  CHECK_ERR(co_io_accept(idle, NULL, NULL, 0, CO_FOREVER), EINVAL); /* does not listen */
  CHECK_OK(co_io_close(idle));
  CHECK_OK(co_io_close(listener));
}

CASE(body)
