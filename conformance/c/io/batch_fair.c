#include "batch.h"

/* A coroutine whose batches always end at once starves nobody on its vCPU. */
static int file, fds[2], silent[2];
static atomic_int beats, stop;

static void *beats_on(void *arg) {
  while (!atomic_load(&stop)) {
    atomic_fetch_add(&beats, 1);
    co_yield_now();
  }
  return arg;
}

static void of_files(co_io_op_t *ops, char *buf) {
  for (int i = 0; i < 16; i++)
    ops[i] = op_at(i % 4 == 3 ? CO_OP_PWRITE : CO_OP_PREAD, file, &buf[i * 8], 8, i * 8);
  CHECK_EQ(co_io_batch(ops, 16, 0, CO_FOREVER), 16);
}

/* One that is ready, beside one that never is. */
static void any_of_two(co_io_op_t *ops, char *buf) {
  ops[0] = op_io(CO_OP_RECV, silent[0], buf, 8);
  ops[1] = op_io(CO_OP_WRITE, fds[0], "x", 1);
  CHECK_EQ(co_io_batch(ops, 2, CO_BATCH_ANY, CO_FOREVER), 1);
  CHECK_EQ(ops[1].result, 1);
  CHECK_EQ(recv(fds[1], buf, 8, MSG_DONTWAIT), 1);
}

static void *batches(void *arg) {
  co_io_op_t ops[16];
  char buf[128];
  for (int kind = 0; kind < 2; kind++) {
    int before = atomic_load(&beats);
    for (int i = 0; i < 1000; i++)
      kind ? any_of_two(ops, buf) : of_files(ops, buf);
    /* At least once in 64 operations that end without waiting. */
    CHECK_GE(atomic_load(&beats) - before, kind ? 1000 / 64 : 1000 * 16 / 64 / 2);
  }
  atomic_store(&stop, 1);
  return arg;
}

static void body(void) {
  char zeros[128] = "";
  file = op_file("file");
  CHECK_EQ(co_io_pwrite(file, zeros, sizeof zeros, 0, CO_FOREVER), sizeof zeros);
  net_unix_pair(fds);
  net_unix_pair(silent);
  co_t a = conf_spawn_on(1, beats_on, NULL), b = conf_spawn_on(1, batches, NULL);
  conf_join(b);
  conf_join(a);
  net_close(fds);
  net_close(silent);
  CHECK_OK(co_io_close(file));
}

CASE(body)
