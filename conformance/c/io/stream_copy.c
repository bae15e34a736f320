#include "net.h"

/* co_io_copy between each kind of source and each kind of target: everything, so much, and in pieces
 * with a stop after each, which loses nothing. */
enum { A_FILE, A_PIPE, A_UNIX, A_TCP, KINDS };
#define SIZE ((size_t)400000)

/* Where bytes are put in for the copy to find (`in`), and where they come out (`out`). */
typedef struct {
  int in, out;
} pair_t;

static pair_t make(int kind, const char *file) {
  int fds[2];
  if (kind == A_FILE) {
    fds[0] = CHECK_SYS(open(file, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600));
    fds[1] = CHECK_SYS(open(file, O_RDWR | O_CLOEXEC));
    return (pair_t){fds[0], fds[1]};
  }
  if (kind == A_PIPE)
    CHECK_SYS(pipe2(fds, O_CLOEXEC));
  else
    kind == A_UNIX ? net_unix_pair(fds) : net_tcp_pair(fds);
  return (pair_t){fds[1], fds[0]};
}

static void end(pair_t p) {
  CHECK_OK(co_io_close(p.out));
}

static unsigned char data[SIZE], sink[SIZE];
static pair_t source, target;
static int64_t expected;

static void *feed(void *arg) {
  CHECK_EQ(co_io_write_all(source.in, data, SIZE, NULL, CO_FOREVER), SIZE);
  CHECK_OK(co_io_close(source.in));
  return arg;
}

static void *drain(void *arg) {
  memset(sink, 0, SIZE);
  CHECK_EQ(co_io_read_full(target.out, sink, SIZE, NULL, CO_FOREVER), expected);
  net_same(sink, (size_t)expected, 5, 0);
  return arg;
}

static void *copy_all(void *arg) {
  int64_t done = -7;
  int64_t count = *(int64_t *)arg;
  CHECK_EQ(co_io_copy(source.out, target.in, count, &done, CO_FOREVER), expected);
  CHECK_EQ(done, expected);
  return arg;
}

static co_t start(int from, int to, bool files_first) {
  co_t feeder;
  source = make(from, "from"), target = make(to, "to");
  feeder = conf_spawn_on(2, feed, NULL);
  if (from == A_FILE || files_first)
    conf_join(feeder), feeder = 0;
  return feeder;
}

static void finish(int to, co_t feeder, co_t drainer) {
  CHECK_OK(co_io_close(target.in));
  if (feeder)
    conf_join(feeder);
  if (to == A_FILE)
    drainer = conf_spawn_on(2, drain, NULL);
  conf_join(drainer);
  end(source), end(target);
}

static void whole(int from, int to, int64_t count, bool thread) {
  co_t feeder = start(from, to, false);
  expected = count < 0 || count > (int64_t)SIZE ? (int64_t)SIZE : count;
  co_t drainer = to == A_FILE ? 0 : conf_spawn_on(2, drain, NULL);
  thread ? conf_on_thread(copy_all, &count) : copy_all(&count);
  if (expected < (int64_t)SIZE) { /* the rest is where it was */
    char rest[16];
    CHECK_EQ(co_io_read_full(source.out, rest, sizeof rest, NULL, CO_FOREVER), sizeof rest);
    net_same((unsigned char *)rest, sizeof rest, 5, (uint64_t)expected);
    int nowhere = CHECK_SYS(open("/dev/null", O_WRONLY | O_CLOEXEC));
    CHECK_EQ(co_io_copy(source.out, nowhere, -1, NULL, CO_FOREVER), (int64_t)SIZE - expected - 16);
    CHECK_OK(co_io_close(nowhere));
  }
  finish(to, feeder, drainer);
}

/* Nobody reads from the target but a little between the calls: each is stopped, and the next goes on. */
static void in_pieces(int from, int to) {
  uint64_t got = 0, sent = 0, seed = 3;
  co_t feeder = start(from, to, false);
  int64_t done, r;
  memset(sink, 0, SIZE);
  for (int calls = 0; sent < SIZE; calls++) {
    int64_t timeout = calls % 2 ? MS / 2 : CO_NOW;
    r = co_io_copy(source.out, target.in, (int64_t)(SIZE - sent), &done, timeout);
    CHECK(r == -EAGAIN || r == -ETIMEDOUT || r == done);
    CHECK_GE(done, 0);
    sent += (uint64_t)done;
    if (r >= 0) /* then it is over, and nothing is missing */
      CHECK_EQ(sent, SIZE);
    size_t some = (size_t)(conf_rand(&seed) % 30000);
    some = some < sent - got ? some : sent - got;
    CHECK_EQ(co_io_read_full(target.out, sink + got, some, NULL, 10 * SEC), some);
    got += some;
    if (calls % 4 == 0)
      co_sleep(50 * US);
  }
  CHECK_EQ(co_io_read_full(target.out, sink + got, SIZE - got, NULL, 10 * SEC), SIZE - got);
  net_same(sink, SIZE, 5, 0);
  if (feeder)
    conf_join(feeder);
  CHECK_OK(co_io_close(target.in));
  end(source), end(target);
}

static atomic_int copying, cancels;

static void *copy_on(void *arg) {
  uint64_t sent = 0;
  int64_t done;
  while (sent < SIZE) {
    int64_t r = co_io_copy(source.out, target.in, (int64_t)(SIZE - sent), &done, CO_FOREVER);
    CHECK(r == done || r == -ECANCELED);
    sent += (uint64_t)done;
    if (r >= 0)
      CHECK_EQ(sent, SIZE);
    else
      CHECK_EQ(co_cancel_clear(), 1), cancels++;
  }
  atomic_store(&copying, 0);
  return arg;
}

/* Cancelled again and again, at whatever it is. */
static void cancelled(int from, int to) {
  co_t feeder = start(from, to, false);
  expected = (int64_t)SIZE;
  co_t drainer = to == A_FILE ? 0 : conf_spawn_on(1, drain, NULL);
  atomic_store(&copying, 1);
  co_t copier = conf_spawn_on(2, copy_on, NULL);
  uint64_t seed = 9;
  while (atomic_load(&copying)) {
    co_cancel(copier);
    CHECK_OK(co_sleep((int64_t)(conf_rand(&seed) % 60) * US)); /* in which it gets on */
  }
  conf_join(copier);
  finish(to, feeder, drainer);
}

static void *stopped(void *arg) {
  int64_t done = -7;
  CHECK_ERR(co_io_copy(source.out, target.in, -1, &done, CO_FOREVER), (int)(intptr_t)arg);
  CHECK_EQ(done, expected);
  return arg;
}

static void stops(int from) {
  for (int i = 0; i < 4; i++) {
    int e = (int[]){ECANCELED, ETIME, EBADF, EBADF}[i];
    source = make(from, "from"), target = make(A_UNIX, "to");
    expected = 3;
    co_t co = conf_spawn_on(2, stopped, (void *)(intptr_t)e);
    CHECK_EQ(co_io_write_all(source.in, "abc", 3, NULL, CO_FOREVER), 3);
    CHECK_EQ(co_io_read_full(target.out, sink, 3, NULL, CO_FOREVER), 3);
    CHECK_OK(co_sleep(MS));
    conf_until_state(co, CO_STATE_PARKED);
    if (i < 2)
      CHECK_OK(i ? co_interrupt(co, ETIME) : co_cancel(co));
    else
      CHECK_OK(co_io_close(source.out));
    conf_join(co);
    if (i < 2)
      CHECK_OK(co_io_close(source.out));
    CHECK_OK(co_io_close(source.in));
    net_close((int[2]){target.in, target.out});
  }
}

static void *errors(void *arg) {
  int64_t done = -7;
  int fds[2];
  net_unix_pair(fds);
  int null = CHECK_SYS(open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK_ERR(co_io_copy(-1, null, -1, &done, CO_FOREVER), EBADF);
  CHECK_EQ(done, 0);
  CHECK_ERR(co_io_copy(null, -1, -1, &done, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_copy(null, null, -2, &done, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_copy(null, null, -1, &done, -2), EINVAL);
  CHECK_EQ(co_io_copy(null, null, -1, &done, CO_FOREVER), 0);
  CHECK_EQ(co_io_copy(fds[0], null, 0, &done, CO_NOW), 0);
  CHECK_ERR(co_io_copy(fds[0], null, -1, &done, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_copy(fds[0], null, 1, &done, 2 * MS), ETIMEDOUT);
  int udp = co_udp_bind("127.0.0.1", 0);
  CHECK_ERR(co_io_copy(udp, null, -1, &done, CO_FOREVER), EINVAL);
  CHECK_OK(co_io_close(udp));
  int dir = CHECK_SYS(open(".", O_RDONLY | O_CLOEXEC));
  CHECK_ERR(co_io_copy(dir, null, -1, &done, CO_FOREVER), EISDIR);
  CHECK_OK(co_io_close(dir));
  int zero = CHECK_SYS(open("/dev/zero", O_RDONLY | O_CLOEXEC)), full = CHECK_SYS(open("/dev/full", O_WRONLY | O_CLOEXEC));
  CHECK_EQ(co_io_copy(zero, null, 100000, &done, CO_FOREVER), 100000);
  /* What can't be written stays. */
  net_send_all(fds[1], "abc", 3);
  CHECK_ERR(co_io_copy(fds[0], full, 3, &done, CO_FOREVER), ENOSPC);
  CHECK_EQ(done, 0);
  CHECK_ERR(co_io_copy(fds[0], zero, 3, NULL, CO_FOREVER), EBADF); /* not open for writing */
  CHECK_EQ(co_io_read_full(fds[0], sink, 3, NULL, CO_NOW), 3);
  CHECK_OK(co_io_close(fds[1]));
  CHECK_ERR(co_io_copy(zero, fds[0], -1, &done, CO_FOREVER), EPIPE);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_OK(co_io_close(zero));
  net_close((int[2]){null, full});
  return arg;
}

static void body(void) {
  net_fill(data, SIZE, 5, 0);
  for (int from = 0; from < KINDS; from++)
    for (int to = 0; to < KINDS; to++) {
      whole(from, to, -1, false);
      whole(from, to, 300001, (from + to) % 2);
      whole(from, to, INT64_MAX, (from + to) % 2 == 0);
      cancelled(from, to);
      if (to != A_FILE)
        in_pieces(from, to);
    }
  CHECK_GE(atomic_load(&cancels), 20);
  stops(A_PIPE), stops(A_UNIX), stops(A_TCP);
  errors(NULL);
  conf_on_thread(errors, NULL);
}

CASE(body)
