#include "batch.h"

/* Links: the next operation begins when the one before it has succeeded with every byte; otherwise
 * the rest of its chain is not carried out, and other chains are not concerned. */
static int file, fds[2];

static void write_then_sync_then_read(void) {
  char got[8];
  co_io_op_t ops[] = {
      op_then(op_at(CO_OP_PWRITE, file, "abcdefgh", 8, 0)),
      op_then(op_of(CO_OP_FSYNC, file)),
      op_then(op_at(CO_OP_PREAD, file, got, 8, 0)),
      op_at(CO_OP_PWRITE, file, got, 8, 8),
      op_poll(fds[0], POLLOUT),
  };
  memset(got, 0, sizeof got);
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 5);
  const int64_t want[] = {8, 0, 8, 8, POLLOUT};
  for (int i = 0; i < 5; i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK(!memcmp(got, "abcdefgh", 8));
  memset(got, 0, sizeof got);
  CHECK_EQ(co_io_pread(file, got, 8, 8, CO_FOREVER), 8);
  CHECK(!memcmp(got, "abcdefgh", 8));
}

/* Each kind of break: a short transfer, an error, an error that the arguments make. */
static void broken(co_io_op_t breaks, int64_t result) {
  char other[4] = "";
  co_io_op_t ops[] = {
      op_then(op_at(CO_OP_PWRITE, file, "ok", 2, 0)),
      op_then(breaks),
      op_then(op_at(CO_OP_PWRITE, file, "not", 3, 0)),
      op_io(CO_OP_SEND, fds[0], "not", 3),
      op_at(CO_OP_PREAD, file, other, 2, 6),
  };
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 3);
  CHECK_EQ(ops[0].result, 2);
  CHECK_EQ(ops[1].result, result);
  CHECK_ERR(ops[2].result, ECANCELED);
  CHECK_ERR(ops[3].result, ECANCELED);
  CHECK_EQ(ops[4].result, 2);
  CHECK_EQ(co_io_pread(file, other, 2, 0, CO_FOREVER), 2);
  CHECK(!memcmp(other, "ok", 2));
  CHECK_ERR(co_io_recv(fds[1], other, 1, 0, CO_NOW), EAGAIN);
}

static void request_then_answer(void) {
  char got[2][8];
  co_io_op_t ops[] = {
      op_then(op_io(CO_OP_SEND, fds[0], "request", 7)),
      op_io(CO_OP_RECV, fds[0], got[0], 6),
      op_then(op_io(CO_OP_RECV, fds[1], got[1], 7)),
      op_io(CO_OP_WRITE, fds[1], "answer", 6),
  };
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 4);
  const int64_t want[] = {7, 6, 7, 6};
  for (int i = 0; i < 4; i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK(!memcmp(got[0], "answer", 6) && !memcmp(got[1], "request", 7));
}

/* The bytes are moved on through one buffer, from link to link. */
static void long_chain(void) {
  enum { N = 300 };
  static _Thread_local co_io_op_t ops[N];
  char buf[4];
  CHECK_EQ(co_io_pwrite(file, "seed", 4, 0, CO_FOREVER), 4);
  for (int i = 0; i < N; i++)
    ops[i] = op_then(op_at(i % 2 ? CO_OP_PWRITE : CO_OP_PREAD, file, buf, 4, (i + 1) / 2 * 4));
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), N);
  for (int i = 0; i < N; i++)
    CHECK_EQ(ops[i].result, 4);
  CHECK_EQ(co_io_pread(file, buf, 4, N / 2 * 4, CO_FOREVER), 4);
  CHECK(!memcmp(buf, "seed", 4));
}

/* A file of which a part only is in memory is read whole all the same. */
static void partly_in_memory(void) {
  enum { SIZE = 1 << 20 };
  static unsigned char all[SIZE], got[SIZE];
  int big = op_file("big");
  net_fill(all, SIZE, 7, 0);
  CHECK_EQ(co_io_pwrite(big, all, SIZE, 0, CO_FOREVER), SIZE);
  CHECK_OK(co_io_fsync(big, CO_FOREVER));
  posix_fadvise(big, 0, 0, POSIX_FADV_DONTNEED);
  posix_fadvise(big, 0, 0, POSIX_FADV_RANDOM);
  CHECK_EQ(co_io_pread(big, got, 1, 0, CO_FOREVER), 1);
  memset(got, 0, SIZE);
  co_io_op_t ops[] = {
      op_then(op_at(CO_OP_PREAD, big, got, SIZE, 0)),
      op_poll(fds[0], POLLOUT),
  };
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 2);
  CHECK_EQ(ops[0].result, SIZE);
  CHECK_EQ(ops[1].result, POLLOUT);
  net_same(got, SIZE, 7, 0);
  CHECK_OK(co_io_close(big));
}

/* A message that is shorter than the buffer is no whole one; a peer's end and a lack of data in the
 * file are short as well. */
static void short_receives(void) {
  char buf[8];
  co_io_op_t ops[] = {op_then(op_io(CO_OP_RECV, fds[1], buf, 8)), op_timer(0)};
  CHECK_EQ(co_io_send(fds[0], "short", 5, 0, CO_FOREVER), 5);
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 1);
  CHECK_EQ(ops[0].result, 5);
  CHECK_ERR(ops[1].result, ECANCELED);
  /* With MSG_WAITALL it is the whole buffer. */
  co_io_op_t all[] = {
      op_then(op_io(CO_OP_RECV, fds[1], buf, 8)), op_io(CO_OP_SEND, fds[1], "got", 3),
      op_then(op_io(CO_OP_SEND, fds[0], "1234", 4)), op_then(op_timer(MS)),
      op_then(op_io(CO_OP_SEND, fds[0], "5678", 4)), op_io(CO_OP_RECV, fds[0], buf, 3),
  };
  all[0].op_flags = MSG_WAITALL;
  char got[4];
  all[5].buf = got;
  CHECK_EQ(BATCH(all, 0, CO_FOREVER), 6);
  CHECK_EQ(all[0].result, 8);
  CHECK(!memcmp(buf, "12345678", 8) && !memcmp(got, "got", 3));
}

static void *run(void *arg) {
  char buf[16];
  file = op_file("file");
  net_unix_pair(fds);
  for (int round = 0; round < 10; round++) {
    CHECK_SYS(ftruncate(file, 0));
    write_then_sync_then_read();
    CHECK_SYS(ftruncate(file, 8));
    broken(op_at(CO_OP_PREAD, file, buf, 8, 4), 4);
    broken(op_at(CO_OP_PREAD, file, buf, 8, 100), 0);
    broken(op_at(CO_OP_PREAD, file, buf, 8, -1), -EINVAL);
    broken(op_at(CO_OP_PREAD, fds[0], buf, 8, 0), -ESPIPE);
    broken(op_at(CO_OP_PWRITE, -1, buf, 8, 0), -EBADF);
    broken(op_at(CO_OP_PWRITE, file, (void *)8, 8, 0), -EFAULT);
    broken(op_of(CO_OP_FSYNC, fds[0]), -EINVAL);
    broken(op_io(CO_OP_RECV, file, buf, 8), -ENOTSOCK);
    broken(op_timer(-1), -EINVAL);
    request_then_answer();
    long_chain();
    short_receives();
    if (round % 4 == 0)
      partly_in_memory();
  }
  net_close(fds);
  CHECK_OK(co_io_close(file));
  return arg;
}

static void body(void) {
  run(NULL);
  conf_on_thread(run, NULL);
}

CASE(body)
