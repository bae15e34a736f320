#include "batch.h"

/* A bad argument: nothing has begun and no result is written. A bad operation: its own result. */
static int file, fds[2];
static char buf[8];

static void refused(co_io_op_t bad, int e) {
  co_io_op_t ops[] = {op_at(CO_OP_PWRITE, file, "x", 1, 0), bad, op_io(CO_OP_SEND, fds[0], "x", 1)};
  CHECK_ERR(BATCH(ops, 0, CO_FOREVER), e);
  for (int i = 0; i < 3; i++)
    CHECK_EQ(ops[i].result, UNTOUCHED);
  CHECK_EQ(co_io_pread(file, buf, 8, 0, CO_FOREVER), 0);
  CHECK_ERR(co_io_recv(fds[1], buf, 8, 0, CO_NOW), EAGAIN);
}

static void arguments(void) {
  co_io_op_t op = op_timer(0);
  CHECK_ERR(co_io_batch(&op, 1, 2, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_batch(&op, 1, 0, -2), EINVAL);
  CHECK_ERR(co_io_batch(NULL, 1, 0, CO_FOREVER), EFAULT);
  CHECK_EQ(op.result, UNTOUCHED);
  co_io_op_t bad = op_of(0, file);
  refused(bad, EINVAL);
  bad.opcode = UINT32_MAX;
  refused(bad, EINVAL);
  bad = op_timer(0), bad.flags = 0x80;
  refused(bad, EINVAL);
  bad = op_timer(0), bad.reserved = 1;
  refused(bad, EINVAL);
  bad = op_timer(0), bad.size = 0;
  refused(bad, EINVAL);
  bad.size = sizeof bad - 8;
  refused(bad, EINVAL);
  bad.size = sizeof bad + 8;
  refused(bad, EINVAL);
}

/* Elements of a later header: longer, and taken if what is not known is zero. */
static void longer(void) {
  struct {
    co_io_op_t op;
    uint64_t more;
  } ops[3];
  memset(ops, 0, sizeof ops);
  for (int i = 0; i < 3; i++) {
    ops[i].op = op_at(CO_OP_PWRITE, file, "abc" + i, 1, i);
    ops[i].op.size = sizeof ops[i];
  }
  ops[2].more = 1;
  CHECK_ERR(co_io_batch(&ops[0].op, 3, 0, CO_FOREVER), E2BIG);
  CHECK_EQ(co_io_pread(file, buf, 8, 0, CO_FOREVER), 0);
  ops[2].more = 0;
  CHECK_EQ(co_io_batch(&ops[0].op, 3, 0, CO_FOREVER), 3);
  for (int i = 0; i < 3; i++)
    CHECK_EQ(ops[i].op.result, 1);
  CHECK_EQ(co_io_pread(file, buf, 8, 0, CO_FOREVER), 3);
  CHECK(!memcmp(buf, "abc", 3));
}

/* Every operation with a descriptor that is none, a pointer that is none, the wrong kind of
 * descriptor: all in one batch, each with what the single call gives. */
static void results(void) {
  void *nowhere = (void *)8;
  int pipes[2];
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  net_send_all(fds[1], "data", 4);
  CHECK_EQ(write(pipes[1], "data", 4), 4);
  CHECK_EQ(co_io_pwrite(file, "data", 4, 0, CO_FOREVER), 4);
  CHECK_OK(lseek(file, 0, SEEK_SET));
  co_io_op_t ops[] = {
      op_io(CO_OP_READ, -1, buf, 8),            op_io(CO_OP_WRITE, 1 << 20, buf, 8),
      op_at(CO_OP_PREAD, -1, buf, 8, 0),        op_at(CO_OP_PWRITE, -7, buf, 8, 0),
      op_io(CO_OP_RECV, INT_MAX, buf, 8),       op_io(CO_OP_SEND, -1, buf, 8),
      op_of(CO_OP_FSYNC, -1),                   op_poll(-1, POLLIN),
      op_of(CO_OP_ACCEPT, -1),                  op_of(CO_OP_CONNECT, -1),
      op_io(CO_OP_READ, file, nowhere, 8),      op_io(CO_OP_WRITE, fds[0], nowhere, 8),
      op_at(CO_OP_PREAD, file, nowhere, 8, 0),  op_at(CO_OP_PWRITE, file, nowhere, 8, 9),
      op_io(CO_OP_RECV, fds[0], nowhere, 8),    op_io(CO_OP_SEND, fds[0], nowhere, 8),
      op_io(CO_OP_READ, pipes[0], nowhere, 8),  op_io(CO_OP_OPEN, 0, nowhere, 0),
      op_io(CO_OP_OPEN, 0, NULL, 0),            op_io(CO_OP_OPEN, 0, "absent", 0),
      op_at(CO_OP_PREAD, fds[0], buf, 8, 0),    op_at(CO_OP_PWRITE, pipes[1], buf, 8, 0),
      op_at(CO_OP_PREAD, file, buf, 8, -1),     op_io(CO_OP_RECV, file, buf, 8),
      op_io(CO_OP_SEND, pipes[1], buf, 8),      op_of(CO_OP_FSYNC, fds[0]),
      op_of(CO_OP_ACCEPT, fds[0]),              op_of(CO_OP_CONNECT, file),
      op_timer(-5),                             op_poll(file, 0x4000),
  };
  const int want[] = {
      EBADF,  EBADF,  EBADF,  EBADF,  EBADF,  EBADF, EBADF,  EBADF,  EBADF,    EBADF,
      EFAULT, EFAULT, EFAULT, EFAULT, EFAULT, EFAULT, EFAULT, EFAULT, EFAULT,  ENOENT,
      ESPIPE, ESPIPE, EINVAL, ENOTSOCK, ENOTSOCK, EINVAL, EINVAL, ENOTSOCK, EINVAL, EINVAL,
  };
  struct sockaddr_in to = net_local(9);
  for (size_t i = 0; i < COUNT_OF(ops); i++)
    ops[i].addr = ops[i].opcode == CO_OP_CONNECT ? (struct sockaddr *)&to : NULL, ops[i].addr_size = sizeof to;
  for (int each = 0; each < 2; each++) {
    if (!each) {
      CHECK_EQ(BATCH(ops, 0, CO_FOREVER), COUNT_OF(ops));
    } else {
      for (size_t i = 0; i < COUNT_OF(ops); i++)
        ops[i].result = UNTOUCHED, CHECK_EQ(co_io_batch(&ops[i], 1, 0, CO_FOREVER), 1);
    }
    for (size_t i = 0; i < COUNT_OF(ops); i++)
      if (ops[i].result != -want[i])
        FAIL("operation %zu, %s: %lld, expected %d", i, each ? "alone" : "together",
             (long long)ops[i].result, -want[i]);
  }
  CHECK_EQ(co_io_recv(fds[0], buf, 8, 0, CO_FOREVER), 4);
  net_close(pipes);
}

static void *run(void *arg) {
  file = op_file("file");
  net_unix_pair(fds);
  arguments();
  longer();
  results();
  CHECK_OK(co_io_close(file));
  net_close(fds);
  return arg;
}

static void body(void) {
  run(NULL);
  conf_on_thread(run, NULL);
}

CASE(body)
