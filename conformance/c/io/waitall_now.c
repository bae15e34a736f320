#include "batch.h"

/* MSG_WAITALL without waiting: what has been taken is the result, and not lost. */
static void body_of(int fds[2], int batch) {
  char buf[8] = "";
  for (int way = 0; way < 2; way++) {
    int flags = way ? MSG_WAITALL | MSG_DONTWAIT : MSG_WAITALL;
    int64_t timeout = way ? CO_FOREVER : CO_NOW;
    net_send_all(fds[1], "abc", 3);
    for (int left = 1; left >= 0; left--) {
      int64_t n;
      if (batch) {
        co_io_op_t op = op_io(CO_OP_RECV, fds[0], buf, 8);
        op.op_flags = (uint32_t)flags;
        CHECK_EQ(co_io_batch(&op, 1, 0, timeout), left || way ? 1 : -EAGAIN);
        n = op.result;
      } else {
        n = co_io_recv(fds[0], buf, 8, flags, timeout);
      }
      CHECK_EQ(n, left ? 3 : -EAGAIN);
    }
    CHECK(!memcmp(buf, "abc", 4));
  }
}

static void *run(void *arg) {
  int fds[2];
  for (int i = 0; i < 20; i++) {
    i % 2 ? net_unix_pair(fds) : net_tcp_pair(fds);
    body_of(fds, i % 4 / 2);
    net_close(fds);
  }
  return arg;
}

static void body(void) {
  run(NULL);
  conf_on_thread(run, NULL);
}

CASE(body)
