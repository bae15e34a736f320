#include "batch.h"

/* CO_BATCH_ANY returns with the first operation or chain that ends; the rest is called off, and each
 * has its result. */
static void timer_ends_it(void) {
  int a[2], b[2];
  char buf[2][8];
  net_unix_pair(a);
  net_tcp_pair(b);
  co_io_op_t ops[] = {
      op_io(CO_OP_RECV, a[0], buf[0], 8),
      op_io(CO_OP_READ, b[0], buf[1], 8),
      op_timer(3 * MS),
      op_timer(3600 * SEC),
  };
  int64_t before = co_now();
  CHECK_EQ(BATCH(ops, CO_BATCH_ANY, CO_FOREVER), 1);
  CHECK_GE(co_now() - before, 3 * MS);
  CHECK_ERR(ops[0].result, ECANCELED);
  CHECK_ERR(ops[1].result, ECANCELED);
  CHECK_OK(ops[2].result);
  CHECK_ERR(ops[3].result, ECANCELED);
  /* Nothing that was called off takes what comes later. */
  memset(buf, 'x', sizeof buf);
  net_send_all(a[1], "a", 1);
  net_send_all(b[1], "b", 1);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(buf[0][0], 'x');
  CHECK_EQ(buf[1][0], 'x');
  int n = BATCH(ops, CO_BATCH_ANY, 10 * SEC);
  CHECK_EQ(n, (ops[0].result == 1) + (ops[1].result == 1));
  CHECK_GE(n, 1);
  for (int i = 0; i < 2; i++)
    if (ops[i].result != 1) {
      CHECK_ERR(ops[i].result, ECANCELED);
      CHECK_EQ(co_io_recv(i ? b[0] : a[0], buf[i], 8, 0, CO_FOREVER), 1);
    }
  CHECK_EQ(buf[0][0], 'a');
  CHECK_EQ(buf[1][0], 'b');
  net_close(a);
  net_close(b);
}

static int answered[2];

static void *answers_late(void *arg) {
  char buf[8];
  CHECK_EQ(co_io_recv(answered[1], buf, 7, MSG_WAITALL, CO_FOREVER), 7);
  CHECK_OK(co_sleep(2 * MS));
  net_send_all(answered[1], "answer", 6);
  return arg;
}

/* A chain has ended when its last operation has: a request, then its answer, or a timer. */
static void chain_counts_whole(void) {
  char buf[8];
  net_unix_pair(answered);
  co_t peer = conf_spawn(answers_late, NULL);
  co_io_op_t ops[] = {
      op_then(op_io(CO_OP_SEND, answered[0], "request", 7)),
      op_io(CO_OP_RECV, answered[0], buf, 6),
      op_timer(30 * SEC),
  };
  CHECK_EQ(BATCH(ops, CO_BATCH_ANY, CO_FOREVER), 2);
  CHECK_EQ(ops[0].result, 7);
  CHECK_EQ(ops[1].result, 6);
  CHECK_ERR(ops[2].result, ECANCELED);
  CHECK(!memcmp(buf, "answer", 6));
  conf_join(peer);
  /* No answer this time. */
  ops[2].offset = 2 * MS;
  CHECK_EQ(BATCH(ops, CO_BATCH_ANY, CO_FOREVER), 2);
  CHECK_EQ(ops[0].result, 7);
  CHECK_ERR(ops[1].result, ECANCELED);
  CHECK_OK(ops[2].result);
  /* A broken chain has ended too. */
  co_io_op_t bad[] = {
      op_then(op_io(CO_OP_SEND, -1, "x", 1)),
      op_io(CO_OP_RECV, answered[0], buf, 6),
      op_timer(30 * SEC),
  };
  CHECK_EQ(BATCH(bad, CO_BATCH_ANY, CO_FOREVER), 1);
  CHECK_ERR(bad[0].result, EBADF);
  CHECK_ERR(bad[1].result, ECANCELED);
  CHECK_ERR(bad[2].result, ECANCELED);
  net_close(answered);
}

/* Sends on one of many; exactly that receive completes. */
static void one_of_many(void) {
  enum { N = 40 };
  static int fds[N][2];
  static char bufs[N];
  co_io_op_t ops[N];
  for (int i = 0; i < N; i++) {
    net_unix_pair(fds[i]);
    ops[i] = op_io(CO_OP_RECV, fds[i][0], &bufs[i], 1);
  }
  for (int round = 0; round < N; round++) {
    int one = round * 7 % N;
    net_send_all(fds[one][1], "!", 1);
    CHECK_EQ(BATCH(ops, CO_BATCH_ANY, CO_FOREVER), 1);
    for (int i = 0; i < N; i++)
      CHECK_EQ(ops[i].result, i == one ? 1 : -ECANCELED);
  }
  for (int i = 0; i < N; i++)
    net_close(fds[i]);
}

static void *run(void *arg) {
  timer_ends_it();
  chain_counts_whole();
  one_of_many();
  return arg;
}

static void *run_on_thread(void *arg) {
  timer_ends_it();
  one_of_many();
  return arg;
}

static void body(void) {
  for (int round = 0; round < 5; round++)
    run(NULL);
  conf_on_thread(run_on_thread, NULL);
}

CASE(body)
