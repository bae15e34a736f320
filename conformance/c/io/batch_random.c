#include "batch.h"

/* Random batches against the same operations one by one: the same results, data and files. Chains,
 * short transfers, errors and descriptors of every kind are in them; what is not linked is on files
 * and buffers of its own, so that its order does not matter. */
enum { FILES = 4, CHAIN = 6, SIZE = 4096 };
static uint64_t seed;
static int files[2][FILES], ends[2][FILES][2]; /* [0]: by batches, [1]: one by one */
static unsigned char bufs[2][FILES][CHAIN][64];

static uint32_t below(uint32_t n) {
  return (uint32_t)(conf_rand(&seed) >> 33) % n;
}

/* The same operation for both sides. */
static void choose(co_io_op_t *both[2], int lane, int step) {
  uint32_t kind = below(12), len = below(64) + 1, at = below(SIZE), fill = below(256);
  short events = below(2) ? POLLOUT : POLLIN | POLLOUT;
  int64_t ns = (int64_t)below(2) - 1;
  for (int side = 0; side < 2; side++) {
    unsigned char *buf = bufs[side][lane][step];
    int file = files[side][lane], *pair = ends[side][lane];
    static const uint32_t ops[] = {CO_OP_PREAD, CO_OP_PWRITE, CO_OP_READ,  CO_OP_WRITE,
                                   CO_OP_SEND,  CO_OP_WRITE,  CO_OP_RECV,  CO_OP_FSYNC,
                                   CO_OP_POLL,  CO_OP_TIMER,  CO_OP_PREAD, CO_OP_PWRITE};
    memset(buf, (int)fill, 64);
    *both[side] = op_at(ops[kind], kind < 4 || kind == 7 ? file : pair[1], buf, len, at);
    if (kind == 6)
      both[side]->fd = pair[0], both[side]->op_flags = MSG_DONTWAIT;
    if (kind == 8)
      both[side]->op_flags = (uint32_t)events;
    if (kind == 9)
      both[side]->offset = ns;
    if (kind == 11)
      both[side]->fd = file, both[side]->buf = at % 4 ? buf : (void *)8;
  }
}

static int whole(const co_io_op_t *op) {
  int moves = op->opcode != CO_OP_FSYNC && op->opcode != CO_OP_POLL && op->opcode != CO_OP_TIMER;
  return moves ? op->result == (int64_t)op->len : op->result >= 0;
}

static int64_t single(const co_io_op_t *op) {
  switch (op->opcode) {
  case CO_OP_READ: return co_io_read(op->fd, op->buf, op->len, CO_FOREVER);
  case CO_OP_WRITE: return co_io_write(op->fd, op->buf, op->len, CO_FOREVER);
  case CO_OP_PREAD: return co_io_pread(op->fd, op->buf, op->len, op->offset, CO_FOREVER);
  case CO_OP_PWRITE: return co_io_pwrite(op->fd, op->buf, op->len, op->offset, CO_FOREVER);
  case CO_OP_FSYNC: return co_io_fsync(op->fd, CO_FOREVER);
  case CO_OP_POLL: return co_io_poll(op->fd, (short)op->op_flags, CO_FOREVER);
  case CO_OP_RECV: return co_io_recv(op->fd, op->buf, op->len, (int)op->op_flags, CO_FOREVER);
  case CO_OP_SEND: return co_io_send(op->fd, op->buf, op->len, (int)op->op_flags, CO_FOREVER);
  case CO_OP_TIMER: return op->offset < 0 ? -EINVAL : co_sleep(op->offset);
  default: FAIL("opcode %u", op->opcode);
  }
}

/* Chains by single calls. */
static int one_by_one(co_io_op_t *ops, int n) {
  int done = 0, broken = 0;
  for (int i = 0; i < n; i++) {
    ops[i].result = broken ? -ECANCELED : single(&ops[i]);
    done += !broken;
    broken = ops[i].flags && (broken || !whole(&ops[i]));
  }
  return done;
}

static void same_data(int side_size) {
  static unsigned char data[2][SIZE + 64 * 8];
  for (int lane = 0; lane < FILES; lane++) {
    int64_t n[2];
    for (int side = 0; side < 2; side++)
      n[side] = co_io_pread(files[side][lane], data[side], sizeof data[0], 0, CO_FOREVER);
    CHECK_EQ(n[0], n[1]);
    CHECK(!memcmp(data[0], data[1], (size_t)n[0]));
    CHECK_EQ(lseek(files[0][lane], 0, SEEK_CUR), lseek(files[1][lane], 0, SEEK_CUR));
    /* What is in the sockets: the same bytes. */
    do {
      for (int side = 0; side < 2; side++)
        n[side] = co_io_recv(ends[side][lane][0], data[side], (size_t)side_size, MSG_DONTWAIT, CO_FOREVER);
      CHECK_EQ(n[0], n[1]);
      CHECK(n[0] < 0 || !memcmp(data[0], data[1], (size_t)n[0]));
    } while (n[0] > 0);
  }
}

static void one_round(void) {
  co_io_op_t ops[2][FILES * CHAIN];
  int n = 0;
  for (int lane = 0; lane < FILES; lane++)
    for (int left = (int)below(CHAIN) + 1, step = 0; left-- > 0; step++, n++) {
      choose((co_io_op_t *[2]){&ops[0][n], &ops[1][n]}, lane, step);
      ops[0][n].flags = ops[1][n].flags = left ? CO_OP_LINK : 0;
    }
  int want = one_by_one(ops[1], n);
  int got = co_io_batch(ops[0], (uint32_t)n, 0, CO_FOREVER);
  for (int i = 0; i < n; i++)
    if (ops[0][i].result != ops[1][i].result)
      FAIL("operation %d of %d, opcode %u: %lld, alone %lld", i, n, ops[0][i].opcode,
           (long long)ops[0][i].result, (long long)ops[1][i].result);
  CHECK_EQ(got, want);
  for (int lane = 0; lane < FILES; lane++)
    CHECK(!memcmp(bufs[0][lane], bufs[1][lane], sizeof bufs[0][lane]));
}

static void *run(void *arg) {
  char name[2] = "a";
  for (int side = 0; side < 2; side++)
    for (int lane = 0; lane < FILES; lane++, name[0]++) {
      files[side][lane] = op_file(name);
      net_unix_pair(ends[side][lane]);
    }
  for (int round = 0; round < 100; round++) {
    seed = *(uint64_t *)arg + (uint64_t)round;
    one_round();
    if (round % 8 == 7)
      same_data(512);
  }
  for (int side = 0; side < 2; side++)
    for (int lane = 0; lane < FILES; lane++) {
      CHECK_OK(co_io_close(files[side][lane]));
      net_close(ends[side][lane]);
    }
  return arg;
}

static void body(void) {
  uint64_t seeds[] = {1, 100000};
  run(&seeds[0]);
  conf_on_thread(run, &seeds[1]);
}

CASE(body)
