#include "batch.h"

/* A timeout, a cancel and an interrupt in the middle of a batch: what was done is reported, the rest
 * is called off and holds no buffer; an interrupt that came too late stays pending. */
enum { N = 12 };
static int fds[N][2];
static char bufs[N][8];
static co_io_op_t ops[N + 2];

static int receives(void) {
  for (int i = 0; i < N; i++)
    ops[i] = op_io(i % 2 ? CO_OP_READ : CO_OP_RECV, fds[i][0], bufs[i], 8);
  ops[N] = op_then(op_timer(3600 * SEC));
  ops[N + 1] = op_io(CO_OP_SEND, fds[0][0], "never", 5);
  memset(bufs, 'x', sizeof bufs);
  return N + 2;
}

static void nobody_holds(void) {
  for (int i = 0; i < N; i++) {
    net_send_all(fds[i][1], "z", 1);
    CHECK_EQ(bufs[i][0], 'x');
  }
  for (int i = 0; i < N; i++) {
    char b;
    CHECK_EQ(co_io_recv(fds[i][0], &b, 1, 0, CO_FOREVER), 1);
    CHECK_EQ(bufs[i][0], 'x');
  }
  CHECK_ERR(co_io_recv(fds[0][1], bufs[0], 8, 0, CO_NOW), EAGAIN);
}

static void all_give(int e) {
  for (int i = 0; i <= N; i++)
    CHECK_ERR(ops[i].result, e);
  CHECK_ERR(ops[N + 1].result, ECANCELED); /* it never began */
}

static void timeouts(void) {
  int64_t before = co_now();
  CHECK_ERR(co_io_batch(ops, receives(), 0, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  all_give(ETIMEDOUT);
  nobody_holds();
  CHECK_ERR(co_io_batch(ops, receives(), CO_BATCH_ANY, 2 * MS), ETIMEDOUT);
  all_give(ETIMEDOUT);
  nobody_holds();
  CHECK_ERR(co_io_batch(ops, receives(), 0, CO_NOW), EAGAIN);
  all_give(EAGAIN);
  nobody_holds();
  /* What was done stays done. */
  for (int now = 0; now < 2; now++) {
    int n = receives();
    net_send_all(fds[3][1], "abc", 3);
    ops[5] = op_io(CO_OP_SEND, fds[5][0], "def", 3);
    CHECK_EQ(co_io_batch(ops, n, 0, now ? CO_NOW : 2 * MS), 2);
    for (int i = 0; i <= N; i++)
      CHECK_EQ(ops[i].result, i == 3 || i == 5 ? 3 : now ? -EAGAIN : -ETIMEDOUT);
    CHECK(!memcmp(bufs[3], "abcx", 4));
    CHECK_EQ(co_io_recv(fds[5][1], bufs[5], 8, 0, CO_FOREVER), 3);
  }
}

static atomic_int returned;

static void *batches(void *arg) {
  int e = *(int *)arg;
  int n = receives();
  CHECK_ERR(co_io_batch(ops, n, 0, e == ECANCELED ? CO_FOREVER : 3600 * SEC), e);
  all_give(ECANCELED);
  atomic_store(&returned, 1);
  if (e == ECANCELED) {
    /* It stays cancelled: nothing begins. */
    CHECK_ERR(co_io_batch(ops, receives(), 0, CO_FOREVER), ECANCELED);
    all_give(ECANCELED);
    co_cancel_clear();
  }
  nobody_holds();
  return arg;
}

static void cancels(uint32_t vcpu) {
  int errs[] = {ECANCELED, EINTR, EPIPE};
  for (size_t i = 0; i < COUNT_OF(errs); i++) {
    co_t co = conf_spawn_on(vcpu, batches, &errs[i]);
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(errs[i] == ECANCELED ? co_cancel(co) : co_interrupt(co, errs[i]));
    conf_join(co);
  }
}

static void *done_before_the_interrupt(void *arg) {
  co_io_op_t some[] = {op_io(CO_OP_SEND, fds[0][0], "a", 1), op_io(CO_OP_RECV, fds[1][0], bufs[1], 8)};
  CHECK_EQ(BATCH(some, 0, CO_FOREVER), 1);
  CHECK_EQ(some[0].result, 1);
  CHECK_ERR(some[1].result, ECANCELED);
  CHECK_ERR(co_sleep(SEC), EXDEV); /* still pending */
  return arg;
}

static void late_interrupt(void) {
  char b;
  co_t co = conf_spawn(done_before_the_interrupt, NULL);
  CHECK_EQ(co_io_recv(fds[0][1], &b, 1, 0, CO_FOREVER), 1);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_sleep(MS));
  CHECK_OK(co_interrupt(co, EXDEV));
  conf_join(co);
}

static void *on_thread(void *arg) {
  timeouts();
  return arg;
}

static void body(void) {
  for (int i = 0; i < N; i++)
    i % 3 ? net_unix_pair(fds[i]) : net_tcp_pair(fds[i]);
  for (uint32_t round = 0; round < 6; round++) {
    timeouts();
    cancels(round % 2 + 1);
    late_interrupt();
  }
  conf_on_thread(on_thread, NULL);
  for (int i = 0; i < N; i++)
    net_close(fds[i]);
}

CASE(body)
