#include "batch.h"

/* One batch with every kind of operation; each result is that of the single call. */
static int listener, client, server, file;

static void *accepts(void *arg) {
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  co_io_op_t op = op_of(CO_OP_ACCEPT, listener);
  op.addr = (struct sockaddr *)&from;
  op.addr_len = &len;
  CHECK_EQ(co_io_batch(&op, 1, 0, CO_FOREVER), 1);
  server = (int)op.result;
  CHECK_GE(server, 0);
  CHECK_EQ(from.sin_port, htons(net_port(client)));
  return arg;
}

static void connects(void) {
  struct sockaddr_in to = net_local(net_port(listener));
  co_io_op_t ops[2] = {op_of(CO_OP_CONNECT, client), op_timer(0)};
  ops[0].addr = (struct sockaddr *)&to;
  ops[0].addr_size = sizeof to;
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 2);
  CHECK_OK(ops[0].result);
  CHECK_OK(ops[1].result);
}

static void everything(void) {
  char got[3][16], read[16], pread[16];
  int pipes[2];
  CHECK_SYS(pipe2(pipes, O_CLOEXEC));
  CHECK_EQ(co_io_pwrite(file, "0123456789", 10, 0, CO_FOREVER), 10);
  co_io_op_t ops[] = {
      op_io(CO_OP_RECV, client, got[0], sizeof got[0]),
      op_io(CO_OP_RECV, server, got[1], sizeof got[1]),
      op_io(CO_OP_READ, pipes[0], got[2], sizeof got[2]),
      op_io(CO_OP_SEND, server, "to client", 9),
      op_io(CO_OP_WRITE, client, "to server", 9),
      op_io(CO_OP_WRITE, pipes[1], "to the pipe", 11),
      op_at(CO_OP_PREAD, file, pread, 4, 3),
      op_at(CO_OP_PWRITE, file, "ten", 3, 10),
      op_io(CO_OP_READ, file, read, 3),
      op_of(CO_OP_FSYNC, file),
      op_poll(server, POLLOUT),
      op_io(CO_OP_OPEN, 0, "made", 0),
      op_timer(2 * MS),
  };
  ops[11].op_flags = O_CREAT | O_EXCL | O_RDWR;
  ops[11].mode = 0600;
  int64_t before = co_now();
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), COUNT_OF(ops));
  CHECK_GE(co_now() - before, 2 * MS);
  const int64_t want[] = {9, 9, 11, 9, 9, 11, 4, 3, 3, 0, POLLOUT};
  for (size_t i = 0; i < COUNT_OF(want); i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK_OK(ops[12].result);
  CHECK(!memcmp(got[0], "to client", 9) && !memcmp(got[1], "to server", 9));
  CHECK(!memcmp(got[2], "to the pipe", 11));
  CHECK(!memcmp(pread, "3456", 4) && !memcmp(read, "012", 3));
  CHECK_EQ(co_io_pread(file, got[0], 16, 8, CO_FOREVER), 5);
  CHECK(!memcmp(got[0], "89ten", 5));
  CHECK_EQ(fcntl((int)ops[11].result, F_GETFD), FD_CLOEXEC);
  CHECK_OK(co_io_close((int)ops[11].result));
  CHECK_SYS(unlink("made"));
  net_close(pipes);
}

static void *run(void *arg) {
  file = op_file("file");
  for (int round = 0; round < 5; round++) {
    co_io_op_t none;
    CHECK_OK(lseek(file, 0, SEEK_SET));
    CHECK_OK(co_io_batch(&none, 0, 0, CO_FOREVER));
    CHECK_OK(co_io_batch(NULL, 0, CO_BATCH_ANY, CO_NOW));
    everything();
  }
  CHECK_OK(co_io_close(file));
  return arg;
}

static void body(void) {
  listener = net_listen();
  client = co_io_socket(AF_INET, SOCK_STREAM, 0);
  co_t accepting = conf_spawn(accepts, NULL);
  connects();
  conf_join(accepting);
  run(NULL);
  conf_on_thread(run, NULL);
  net_close((int[2]){client, server});
  CHECK_OK(co_io_close(listener));
}

CASE(body)
