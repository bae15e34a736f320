#include "batch.h"

/* A thousand operations in one batch, far more than a submission queue holds: on a file, on silent
 * sockets that are answered in any order, and as chains. Batches of several coroutines at once. */
enum { N = 1000 };

static void on_a_file(void) {
  static uint32_t out[N], in[N];
  static co_io_op_t ops[N];
  int file = op_file("file");
  for (uint32_t i = 0; i < N; i++)
    out[i] = i * 7919, ops[i] = op_at(CO_OP_PWRITE, file, &out[i], 4, (N - 1 - i) * 4);
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), N);
  for (uint32_t i = 0; i < N; i++) {
    CHECK_EQ(ops[i].result, 4);
    ops[i] = op_at(CO_OP_PREAD, file, &in[i], 4, (N - 1 - i) * 4);
  }
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), N);
  for (uint32_t i = 0; i < N; i++) {
    CHECK_EQ(ops[i].result, 4);
    CHECK_EQ(in[i], out[i]);
  }
  /* Chains of ten, each broken at another place. */
  for (int i = 0; i < N; i++) {
    ops[i] = op_at(CO_OP_PREAD, file, &in[i], 4, i % 10 == i / 10 % 10 ? N * 4 - 2 : i * 4);
    ops[i].flags = i % 10 == 9 ? 0 : CO_OP_LINK;
  }
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), N / 100 * 55);
  for (int i = 0; i < N; i++)
    CHECK_EQ(ops[i].result, i % 10 < i / 10 % 10 ? 4 : i % 10 == i / 10 % 10 ? 2 : -ECANCELED);
  CHECK_OK(co_io_close(file));
}

enum { PAIRS = 250, EACH = N / PAIRS };
static int fds[PAIRS][2];

static void *answers(void *arg) {
  for (int i = 0; i < N; i++) {
    int one = i * 37 % PAIRS;
    char b = (char)(i / PAIRS);
    net_send_all(fds[one][1], &b, 1);
    if (i % 64 == 0)
      co_yield_now();
  }
  return arg;
}

/* Several receives on each: they take what comes, each one byte. */
static void on_sockets(void) {
  static char got[N];
  static co_io_op_t ops[N];
  for (int i = 0; i < PAIRS; i++)
    net_unix_pair(fds[i]);
  for (int i = 0; i < N; i++)
    ops[i] = op_io(CO_OP_RECV, fds[i % PAIRS][0], &got[i], 1);
  co_t co = conf_spawn(answers, NULL);
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), N);
  conf_join(co);
  for (int i = 0; i < PAIRS; i++) {
    int seen = 0;
    for (int k = 0; k < EACH; k++) {
      CHECK_EQ(ops[i + k * PAIRS].result, 1);
      seen |= 1 << got[i + k * PAIRS];
    }
    CHECK_EQ(seen, (1 << EACH) - 1);
    net_close(fds[i]);
  }
}

/* A ring of coroutines, each with a batch of receives from the left and sends to the right. */
enum { RING = 16, LINES = 8, ROUNDS = 20 };
static int lines[RING][LINES][2];

static void *passes_on(void *arg) {
  int me = (int)(intptr_t)arg;
  for (int round = 0; round < ROUNDS; round++) {
    uint32_t in[LINES], out[LINES];
    co_io_op_t ops[2 * LINES];
    for (int i = 0; i < LINES; i++) {
      out[i] = (uint32_t)(me * 1000003 + round * 1009 + i);
      ops[i] = op_io(CO_OP_RECV, lines[(me + RING - 1) % RING][i][0], &in[i], 4);
      ops[LINES + i] = op_io(i % 2 ? CO_OP_SEND : CO_OP_WRITE, lines[me][i][1], &out[i], 4);
    }
    CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 2 * LINES);
    for (int i = 0; i < LINES; i++) {
      CHECK_EQ(ops[i].result, 4);
      CHECK_EQ(ops[LINES + i].result, 4);
      CHECK_EQ(in[i], (uint32_t)((me + RING - 1) % RING * 1000003 + round * 1009 + i));
    }
  }
  return NULL;
}

static void of_many(void) {
  co_t cos[RING];
  co_attr_t attr = conf_attr();
  attr.flags = CO_MIGRATABLE;
  for (int i = 0; i < RING; i++)
    for (int k = 0; k < LINES; k++)
      k % 3 ? net_unix_pair(lines[i][k]) : net_tcp_pair(lines[i][k]);
  for (int i = 0; i < RING; i++)
    CHECK_OK(co_spawn(&cos[i], &attr, passes_on, (void *)(intptr_t)i));
  for (int i = 0; i < RING; i++)
    conf_join(cos[i]);
  for (int i = 0; i < RING; i++)
    for (int k = 0; k < LINES; k++)
      net_close(lines[i][k]);
}

static void *alone(void *arg) {
  on_a_file();
  on_sockets();
  return arg;
}

static void *files_only(void *arg) {
  on_a_file();
  return arg;
}

static void body(void) {
  alone(NULL);
  of_many();
  conf_on_thread(files_only, NULL);
}

CASE(body)
