#include "scope.h"
#include <sys/socket.h>

static int pair[2], pipes[2];
static atomic_int stopped;

static void *reads(void *arg) {
  char buf[64];
  memset(buf, 7, sizeof buf);
  CHECK_ERR(co_io_read(*(int *)arg, buf, sizeof buf, CO_FOREVER), ECANCELED);
  CHECK_EQ(buf[0], 7);
  atomic_fetch_add(&stopped, 1);
  return arg;
}

static void *writes(void *arg) {
  static char big[1 << 20];
  int64_t n;
  do
    n = co_io_write(*(int *)arg, big, sizeof big, CO_FOREVER);
  while (n > 0);
  CHECK_EQ(n, -ECANCELED);
  atomic_fetch_add(&stopped, 1);
  return arg;
}

static void *joins(void *arg) {
  co_t co = 0;
  CHECK_OK(co_spawn(&co, NULL, reads, arg));
  CHECK_ERR(co_join(co, NULL, CO_FOREVER), ECANCELED);
  CHECK_OK(co_cancel(co)); /* it is no child of the scope */
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_OK(co_join(co, NULL, CO_FOREVER));
  atomic_fetch_add(&stopped, 1);
  return arg;
}

static void *locks(void *arg) {
  CHECK_ERR(co_mutex_lock(arg, CO_FOREVER), ECANCELED);
  atomic_fetch_add(&stopped, 1);
  return arg;
}

static void once(int64_t timeout_ns) {
  co_mutex_t mutex = {0};
  CHECK_OK(co_mutex_lock(&mutex, CO_FOREVER));
  atomic_store(&stopped, 0);
  co_scope_t s = scope_open(CO_SCOPE_FAIL_FAST, 0, timeout_ns);
  for (int i = 0; i < 8; i++) {
    CHECK_GE(co_scope_spawn(s, reads, &pair[0]), 0);
    CHECK_GE(co_scope_spawn(s, reads, &pipes[0]), 0);
  }
  CHECK_GE(co_scope_spawn(s, writes, &pair[0]), 0);
  CHECK_GE(co_scope_spawn(s, writes, &pipes[1]), 0);
  CHECK_GE(co_scope_spawn(s, joins, &pipes[0]), 0);
  CHECK_GE(co_scope_spawn(s, locks, &mutex), 0);
  if (timeout_ns)
    CHECK_ERR(co_scope_wait(s, CO_FOREVER), ETIME);
  else
    CHECK_OK(co_sleep(2 * MS));
  CHECK_ERR(co_scope_close(s), timeout_ns ? ETIME : ECANCELED);
  CHECK_EQ(atomic_load(&stopped), 16 + 2 + 3);
  CHECK_OK(co_mutex_unlock(&mutex));
}

static void body(void) {
  CHECK_OK(co_io_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  for (int i = 0; i < 4; i++) {
    CHECK_OK(co_io_pipe(pipes, 0));
    /* Nobody reads what is written here: the writers fill it and wait. */
    int reader = pipes[0];
    int silent[2];
    CHECK_OK(co_io_pipe(silent, 0));
    pipes[0] = silent[0];
    once(i % 2 ? 5 * MS : 0);
    CHECK_OK(co_io_close(reader));
    CHECK_OK(co_io_close(pipes[1]));
    CHECK_OK(co_io_close(silent[0]));
    CHECK_OK(co_io_close(silent[1]));
    CHECK_OK(co_io_close(pair[0]));
    CHECK_OK(co_io_close(pair[1]));
    CHECK_OK(co_io_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  }
}

CASE(body)
