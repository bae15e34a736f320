#include "net.h"

/* The same between plain threads and coroutines: either closes what the other waits on. */
static int fd;
static atomic_int entered;

static void *in_recv(void *arg) {
  char buf[16];
  atomic_store(&entered, 1);
  CHECK_ERR(co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER), EBADF);
  return arg;
}

static void *close_it(void *arg) {
  CHECK_OK(co_io_close(fd));
  return arg;
}

static void body(void) {
  int fds[2];
  for (int round = 0; round < 50; round++) {
    net_unix_pair(fds);
    fd = fds[1];
    atomic_store(&entered, 0);
    co_t co = 0;
    pthread_t thread;
    if (round % 2)
      thread = conf_thread(in_recv, NULL);
    else
      co = conf_spawn(in_recv, NULL);
    while (!atomic_load(&entered))
      CHECK_OK(co_sleep(50 * US));
    CHECK_OK(co_sleep(2 * MS)); /* it has most likely blocked; if not, it meets a number that is closed */
    if (round % 2) {
      CHECK_OK(co_io_close(fd));
      conf_thread_join(thread);
    } else {
      conf_on_thread(close_it, NULL);
      conf_join(co);
    }
    CHECK_OK(co_io_close(fds[0]));
  }
}

CASE(body)
