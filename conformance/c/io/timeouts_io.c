#include "net.h"

/* Random timeouts on many descriptors at once: none is early, none is lost, and data that is
 * there counts first. */
enum { N = 100 };

static void *worker(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
  int fds[2];
  char byte;
  net_unix_pair(fds);
  for (int i = 0; i < 30; i++) {
    int64_t ns = (int64_t)(conf_rand(&rng) % 3000 + 1) * US, before = co_now();
    switch (i % 3) {
    case 0:
      CHECK_ERR(co_io_recv(fds[1], &byte, 1, 0, ns), ETIMEDOUT);
      break;
    case 1:
      CHECK_ERR(co_io_read(fds[1], &byte, 1, ns), ETIMEDOUT);
      break;
    default:
      CHECK_ERR(co_io_poll(fds[1], POLLIN, ns), ETIMEDOUT);
    }
    CHECK_GE(co_now() - before, ns);
    CHECK_EQ(co_io_send(fds[0], "x", 1, 0, i % 2 ? CO_NOW : 1), 1);
    CHECK_EQ(co_io_recv(fds[1], &byte, 1, 0, i % 2 ? CO_NOW : 1), 1);
  }
  net_close(fds);
  return arg;
}

static void body(void) {
  co_t cos[N];
  for (uintptr_t i = 0; i < N; i++)
    cos[i] = conf_spawn(worker, (void *)i);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
}

CASE(body)
