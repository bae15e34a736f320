#include "batch.h"

/* co_io_close of one descriptor ends the operations of a batch that are on it, and no others; those
 * that have yet to begin are not carried out on the number's next life. */
enum { N = 6 };
static int fds[N][2];
static char bufs[N][8];
static atomic_int phase;

static void wait_for(int p) {
  while (atomic_load(&phase) < p)
    if (co_self())
      CHECK_OK(co_sleep(50 * US));
    else
      sched_yield();
}

static void *batches(void *arg) {
  co_io_op_t ops[N + 2];
  for (int i = 0; i < N; i++)
    ops[i] = op_io(CO_OP_RECV, fds[i][0], bufs[i], 8);
  ops[1] = op_poll(fds[1][0], POLLIN);
  ops[2].opcode = CO_OP_READ;
  ops[2].flags = CO_OP_LINK; /* before a timer that does not begin then */
  ops[N] = op_io(CO_OP_RECV, fds[0][0], bufs[N - 1], 8);
  ops[3] = op_timer(0);
  ops[N + 1] = op_timer(0);
  atomic_store(&phase, 1);
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), N + 1);
  CHECK_ERR(ops[0].result, EBADF);
  CHECK_ERR(ops[1].result, EBADF);
  CHECK_ERR(ops[2].result, EBADF);
  CHECK_ERR(ops[3].result, ECANCELED);
  CHECK_EQ(ops[4].result, 1);
  CHECK_EQ(ops[5].result, 2);
  CHECK_ERR(ops[N].result, EBADF);
  CHECK_OK(ops[N + 1].result);
  return arg;
}

static void closes(void) {
  wait_for(1);
  CHECK_OK(co_sleep(MS));
  for (int i = 0; i < 3; i++)
    CHECK_OK(co_io_close(fds[i][0]));
  CHECK_OK(co_sleep(MS));
  net_send_all(fds[4][1], "a", 1);
  CHECK_OK(co_sleep(MS));
  net_send_all(fds[5][1], "bc", 2);
}

/* What is linked behind a receive is on a file that is closed, and its number used again, while the
 * receive waits. */
static void *behind(void *arg) {
  int victim = *(int *)arg;
  co_io_op_t ops[] = {
      op_then(op_io(CO_OP_RECV, fds[0][0], bufs[0], 1)),
      op_then(op_at(CO_OP_PWRITE, victim, "wrong", 5, 0)),
      op_of(CO_OP_FSYNC, victim),
  };
  atomic_store(&phase, 1);
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 2);
  CHECK_EQ(ops[0].result, 1);
  CHECK_ERR(ops[1].result, EBADF);
  CHECK_ERR(ops[2].result, ECANCELED);
  return arg;
}

static void reuse(void) {
  int victim = op_file("victim");
  atomic_store(&phase, 0);
  net_unix_pair(fds[0]);
  co_t co = conf_spawn(behind, &victim);
  wait_for(1);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_close(victim));
  int next = op_file("next");
  CHECK_EQ(next, victim); /* the lowest free number */
  net_send_all(fds[0][1], "!", 1);
  conf_join(co);
  CHECK_EQ(co_io_pread(next, bufs[0], 8, 0, CO_FOREVER), 0);
  CHECK_OK(co_io_close(next));
  net_close(fds[0]);
}

static void round_of(uint32_t vcpu, int thread) {
  for (int i = 0; i < N; i++)
    i % 2 ? net_unix_pair(fds[i]) : net_tcp_pair(fds[i]);
  atomic_store(&phase, 0);
  if (thread) {
    pthread_t t = conf_thread(batches, NULL);
    closes();
    conf_thread_join(t);
  } else {
    co_t co = conf_spawn_on(vcpu, batches, NULL);
    closes();
    conf_join(co);
  }
  for (int i = 0; i < 3; i++)
    CHECK_OK(co_io_close(fds[i][1]));
  for (int i = 3; i < N; i++)
    net_close(fds[i]);
}

static void body(void) {
  for (uint32_t round = 0; round < 12; round++) {
    round_of(round % 2 + 1, round % 3 == 2);
    reuse();
  }
}

CASE(body)
