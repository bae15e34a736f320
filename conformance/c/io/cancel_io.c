#include "net.h"

/* Each blocking call ended by an interrupt and by a cancel, and what it waited on works afterwards. */
static int sockets[2], pipes[2], listener, full[2];
static char buf[64];

static int64_t in_recv(void) {
  return co_io_recv(sockets[1], buf, sizeof buf, 0, CO_FOREVER);
}
static int64_t in_socket_read(void) {
  return co_io_read(sockets[1], buf, sizeof buf, 3600 * SEC);
}
static int64_t in_pipe_read(void) {
  return co_io_read(pipes[0], buf, sizeof buf, CO_FOREVER);
}
static int64_t in_accept(void) {
  return co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
}
static int64_t in_poll(void) {
  return co_io_poll(sockets[1], POLLIN, 3600 * SEC);
}
static int64_t in_send(void) {
  return co_io_send(full[0], buf, sizeof buf, 0, CO_FOREVER);
}

static int64_t (*const calls[])(void) = {in_recv, in_socket_read, in_pipe_read, in_accept, in_poll, in_send};
static atomic_int calling;

static void *blocked(void *arg) {
  int64_t (*call)(void) = calls[(intptr_t)arg];
  CHECK_ERR(call(), EINTR);
  atomic_store(&calling, 1);
  CHECK_ERR(call(), ECANCELED);
  CHECK_ERR(call(), ECANCELED); /* and does not even begin */
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_OK(co_interrupt(co_self(), ETIME));
  CHECK_ERR(call(), ETIME);
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_OK(co_cancel(co_self()));
  CHECK_OK(co_sleep(10 * US));
  CHECK_EQ(co_cancel_shield(0), 1);
  CHECK_ERR(call(), ECANCELED);
  return arg;
}

static void *interrupt_it(void *arg) {
  CHECK_OK(co_interrupt(*(co_t *)arg, EINTR));
  return arg;
}

static void *cancel_it(void *arg) {
  CHECK_OK(co_cancel(*(co_t *)arg));
  return arg;
}

static void afterwards(void) {
  char got[8];
  CHECK_EQ(co_io_send(sockets[0], "s", 1, 0, CO_FOREVER), 1);
  CHECK_EQ(co_io_recv(sockets[1], got, sizeof got, 0, 10 * SEC), 1);
  CHECK_EQ(co_io_write(pipes[1], "p", 1, CO_FOREVER), 1);
  CHECK_EQ(co_io_read(pipes[0], got, sizeof got, 10 * SEC), 1);
  int client = net_connect(net_port(listener));
  int server = co_io_accept(listener, NULL, NULL, 0, 10 * SEC);
  CHECK_GE(server, 0);
  net_close((int[2]){client, server});
}

static void body(void) {
  net_unix_pair(sockets);
  net_unix_pair(full);
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  listener = net_listen();
  while (co_io_send(full[0], buf, sizeof buf, 0, CO_NOW) > 0) {
  }
  for (intptr_t round = 0; round < 20; round++)
    for (intptr_t k = 0; k < (intptr_t)COUNT_OF(calls); k++) {
      atomic_store(&calling, 0);
      co_t co = conf_spawn_on((uint32_t)round % 2 + 1, blocked, (void *)k);
      conf_until_state(co, CO_STATE_PARKED);
      round % 4 == 3 ? conf_on_thread(interrupt_it, &co) : interrupt_it(&co);
      while (!atomic_load(&calling))
        CHECK_OK(co_sleep(50 * US));
      if (round % 3)
        conf_until_state(co, CO_STATE_PARKED);
      round % 4 == 3 ? conf_on_thread(cancel_it, &co) : cancel_it(&co);
      conf_join(co);
      afterwards();
    }
}

CASE(body)
