#include "net.h"

/* The end of main cancels what waits for I/O, and co_run returns with every descriptor's call ended. */
static int fds[2], pipes[2], listener;
static atomic_int cancelled;

static void *in_recv(void *arg) {
  char buf[8];
  CHECK_ERR(co_io_recv(fds[1], buf, sizeof buf, 0, CO_FOREVER), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *in_read(void *arg) {
  char buf[8];
  CHECK_ERR(co_io_read(pipes[0], buf, sizeof buf, CO_FOREVER), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *in_accept(void *arg) {
  CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, 3600 * SEC), ECANCELED);
  atomic_fetch_add(&cancelled, 1);
  return arg;
}

static void *entry(void *arg) {
  net_unix_pair(fds);
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  listener = net_listen();
  for (int i = 0; i < 10; i++) {
    conf_spawn(in_recv, NULL);
    conf_spawn(in_read, NULL);
    conf_spawn(in_accept, NULL);
  }
  CHECK_OK(co_sleep(5 * MS));
  return arg;
}

static void body(void) {
  char buf[8];
  co_config_t cfg = conf_config();
  cfg.flags = CO_RUN_CANCEL;
  for (int i = 0; i < 10; i++) {
    atomic_store(&cancelled, 0);
    CHECK_OK(co_run(&cfg, entry, NULL, NULL));
    CHECK_EQ(atomic_load(&cancelled), 30);
    CHECK_EQ(write(pipes[1], "abc", 3), 3); /* nobody else takes it */
    CHECK_EQ(read(pipes[0], buf, sizeof buf), 3);
    CHECK_EQ(send(fds[0], "abc", 3, 0), 3);
    CHECK_EQ(recv(fds[1], buf, sizeof buf, MSG_DONTWAIT), 3);
    close(pipes[0]), close(pipes[1]), close(fds[0]), close(fds[1]), close(listener);
  }
}

PLAIN_CASE(body)
