#include "net.h"
#include "robust.h"
#include <sys/uio.h>

/* Timeouts, interrupts, cancels and closes race with the completion of I/O, so many operations long:
 *
 *     races [-n OPERATIONS] [-s SEED] [-z SIGNALS] [-p PAUSES]
 *
 *   streams   a writer and a reader of a pipe, a local or a TCP pair; byte i of the stream is known,
 *             so one that is lost, doubled or swapped is seen
 *   files     positional reads and writes of a file whose bytes are known
 *   guests    connects and accepts: each connection made is accepted once
 *   storm     interrupts and cancels whom it finds, all the time
 *
 * Some streams end well: all that was written has been read. The others are closed while in use.
 * Every buffer lies between canaries; when a call has returned, what it did not fill must be as it
 * was, and its buffer then stays filled with a pattern until it is used again: whoever writes to it
 * meanwhile is found. What a writer has handed over is overwritten at once: a kernel that still read
 * it would send the wrong bytes.
 *
 * -z: each thread gets so many signals a second meanwhile. -p: the process is stopped and continued
 * so many times. */

enum { STREAMS = 24, FILES = 4, GUESTS = 4, WORKERS = 2 * STREAMS + FILES + 2 * GUESTS };
enum { ROOM = 512, BUFFERS = 4, GUARD = 32, FIXED = 600, FILE_SIZE = 1 << 16 };
enum { FRESH = 0xa5, IDLE = 0x5a };

static uint64_t wanted = 100000, seed = 1;
static long signals, pauses;
static _Atomic uint64_t operations, stopped, lives, bytes, closed;
static _Atomic co_t handles[WORKERS];
static atomic_int over, managers;

/* ---- buffers that tell who touched them ---- */

typedef struct {
  unsigned char before[GUARD], data[ROOM], after[GUARD];
} guarded_t;

typedef struct {
  guarded_t buffers[BUFFERS];
  unsigned next;
  uint64_t rng;
} worker_t;

static worker_t workers[WORKERS];

static void all_are(const unsigned char *p, size_t n, unsigned char value, const char *what) {
  for (size_t i = 0; i < n; i++)
    if (p[i] != value)
      FAIL("%s: byte %zu is %#x", what, i, p[i]);
}

static guarded_t *take(worker_t *w) {
  guarded_t *g = &w->buffers[w->next++ % BUFFERS];
  all_are(g->before, sizeof *g, IDLE, "a buffer was written after its call had returned");
  memset(g, FRESH, sizeof *g);
  return g;
}

/* After a call that filled `used` bytes. */
static void give(guarded_t *g, size_t used) {
  all_are(g->before, GUARD, FRESH, "written before the buffer");
  all_are(g->data + used, ROOM - used, FRESH, "written beyond the result");
  all_are(g->after, GUARD, FRESH, "written after the buffer");
  memset(g, IDLE, sizeof *g);
}

static int64_t patience(worker_t *w) {
  uint64_t r = conf_rand(&w->rng);
  return r % 8 == 0 ? CO_NOW : r % 3 == 0 ? CO_FOREVER : (int64_t)(r >> 8) % (60 * US) + 1;
}

/* Whether a result is one of a call that was stopped, to be made again. */
static bool was_stopped(int64_t r) {
  atomic_fetch_add_explicit(&operations, 1, memory_order_relaxed);
  if (r >= 0)
    return false;
  switch (-r) {
  case EAGAIN:
    co_yield_now();
    break;
  case ECANCELED:
    CHECK_GE(co_cancel_clear(), 0);
    break;
  case ETIMEDOUT:
  case EINTR:
    break;
  default:
    return false;
  }
  atomic_fetch_add_explicit(&stopped, 1, memory_order_relaxed);
  return true;
}

/* ---- streams ---- */

typedef struct {
  worker_t *reader, *writer;
  int in, out; /* what is written to, what is read from */
  bool socket;
  atomic_int closing;
  uint64_t seed, total, written, read;
} stream_t;

static bool broke(const stream_t *s, int64_t r) {
  if (atomic_load(&s->closing) && (r == -EBADF || r == -EPIPE || r == -ECONNRESET))
    return true;
  FAIL("a stream's call gave %lld (%s)", (long long)r, co_strerror((int)r));
}

static void *read_stream(void *arg) {
  stream_t *s = arg;
  while (!atomic_load(&s->closing)) {
    guarded_t *g = take(s->reader);
    uint64_t choice = conf_rand(&s->reader->rng);
    size_t len = choice % ROOM + 1;
    int64_t timeout = patience(s->reader);
    int64_t r = s->socket && choice >> 60 & 1 ? co_io_recv(s->out, g->data, len, 0, timeout)
                                              : co_io_read(s->out, g->data, len, timeout);
    if (r > 0) {
      CHECK_GE(len, r);
      if (g->data[0] != net_byte(s->seed, s->read))
        FAIL("stream %d (%s, %s): read(%d) gave %lld bytes from elsewhere at %llu of %llu", (int)(s->reader - workers) / 2,
             s->socket ? "socket" : "pipe", (s->reader - workers) / 2 % 2 ? "anywhere" : "one vCPU", s->out,
             (long long)r, (unsigned long long)s->read, (unsigned long long)s->total);
      net_same(g->data, (size_t)r, s->seed, s->read);
      s->read += (uint64_t)r;
    }
    give(g, r > 0 ? (size_t)r : 0);
    if (!was_stopped(r) && (r == 0 || (r < 0 && broke(s, r))))
      break;
  }
  return arg;
}

static void *write_stream(void *arg) {
  stream_t *s = arg;
  while (s->written < s->total) {
    if (conf_rand(&s->writer->rng) & 1) /* lets the reader wait */
      was_stopped(co_sleep((int64_t)(s->writer->rng % (30 * US))));
    if (atomic_load(&s->closing))
      return arg;
    guarded_t *g = take(s->writer);
    uint64_t choice = conf_rand(&s->writer->rng), left = s->total - s->written;
    size_t len = choice % ROOM + 1;
    len = len > left ? (size_t)left : len;
    net_fill(g->data, len, s->seed, s->written);
    int64_t timeout = patience(s->writer);
    int64_t r = s->socket && choice >> 60 & 1 ? co_io_send(s->in, g->data, len, 0, timeout)
                                              : co_io_write(s->in, g->data, len, timeout);
    CHECK_GE(len, r);
    give(g, len);
    if (r > 0)
      s->written += (uint64_t)r;
    else if (!was_stopped(r) && broke(s, r))
      return arg;
  }
  if (!atomic_load(&s->closing) && s->socket)
    CHECK_OK(co_io_shutdown(s->in, SHUT_WR));
  return arg;
}

/* A close resets the connection: thousands of ports that linger in TIME_WAIT would be too many. */
static void end_abruptly(int fd) {
  struct linger now = {1, 0};
  CHECK_SYS(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

/* Two ends; `fixed` are two numbers that nothing else ever uses. */
static void make(stream_t *s, uint64_t kind, int fixed) {
  int fds[2];
  if (kind == 0)
    CHECK_SYS(pipe2(fds, O_CLOEXEC));
  else if (kind == 1)
    net_unix_pair(fds);
  else
    net_tcp_pair(fds);
  s->socket = kind != 0, s->out = fds[0], s->in = fds[1];
  if (fixed) {
    s->out = CHECK_SYS(dup3(fds[0], fixed, O_CLOEXEC)), s->in = CHECK_SYS(dup3(fds[1], fixed + 1, O_CLOEXEC));
    net_close(fds);
  }
}

/* Closes one end or both while they are used. */
static void close_in_use(stream_t *s, uint64_t *rng) {
  uint64_t which = conf_rand(rng) % 3;
  CHECK_OK(co_sleep((int64_t)(conf_rand(rng) % 400) * US));
  atomic_store(&s->closing, 1);
  if (which != 1)
    CHECK_OK(co_io_close(s->in)), s->in = -1;
  if (which != 0)
    CHECK_OK(co_io_close(s->out)), s->out = -1;
  atomic_fetch_add(&closed, 1);
}

/* One stream after the other. A call must not begin on a number that has been closed and given away,
 * so those whose ends are closed in use live on one vCPU, where the flag and the close are one step
 * for the others; or they have numbers of their own, and live anywhere. */
static void *manage(void *arg) {
  unsigned id = (unsigned)(uintptr_t)arg;
  uint64_t rng = seed * 1000 + id, life = 0;
  while (!atomic_load(&over)) {
    stream_t s = {.reader = &workers[2 * id], .writer = &workers[2 * id + 1], .seed = conf_rand(&rng)};
    bool anywhere = id % 2, ends_well = conf_rand(&rng) % 2;
    s.total = conf_rand(&rng) % 30000;
    make(&s, id / 2 % 3, anywhere && !ends_well ? FIXED + 2 * (int)id : 0);
    bool tcp = id / 2 % 3 == 2;
    if (tcp && !ends_well)
      end_abruptly(s.in), end_abruptly(s.out);
    uint32_t here = conf_info(co_self()).vcpu;
    co_t reader = conf_spawn_on(anywhere ? 1 + life % 2 : here, read_stream, &s);
    co_t writer = conf_spawn_on(anywhere ? 1 + life / 2 % 2 : here, write_stream, &s);
    atomic_store(&handles[2 * id], reader), atomic_store(&handles[2 * id + 1], writer);
    if (!ends_well)
      close_in_use(&s, &rng);
    conf_join(writer);
    if (s.in >= 0 && !tcp)
      CHECK_OK(co_io_close(s.in));
    conf_join(reader);
    if (tcp && ends_well)
      end_abruptly(s.in);
    if (s.in >= 0 && tcp)
      CHECK_OK(co_io_close(s.in));
    if (s.out >= 0)
      CHECK_OK(co_io_close(s.out));
    if (ends_well)
      CHECK_EQ(s.read, s.total);
    else
      CHECK_GE(s.written, s.read);
    atomic_fetch_add(&bytes, s.read), atomic_fetch_add(&lives, 1), life++;
  }
  atomic_fetch_sub(&managers, 1);
  return arg;
}

/* ---- files ---- */

static void *use_file(void *arg) {
  unsigned id = (unsigned)(uintptr_t)arg;
  worker_t *w = &workers[2 * STREAMS + id];
  char name[32];
  snprintf(name, sizeof name, "races.%d.%u", (int)getpid(), id);
  int fd = CHECK_SYS(open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  unlink(name);
  unsigned char *all = malloc(FILE_SIZE);
  CHECK(all != NULL);
  net_fill(all, FILE_SIZE, id, 0);
  CHECK_EQ(write(fd, all, FILE_SIZE), FILE_SIZE);
  free(all);
  while (!atomic_load(&over)) {
    guarded_t *g = take(w);
    uint64_t choice = conf_rand(&w->rng), at = (choice >> 8) % (FILE_SIZE - ROOM);
    size_t len = (choice >> 40) % ROOM + 1;
    int64_t r, timeout = patience(w);
    if (choice % 4 == 0) {
      net_fill(g->data, len, id, at);
      r = co_io_pwrite(fd, g->data, len, (int64_t)at, timeout);
      give(g, len);
    } else {
      r = co_io_pread(fd, g->data, len, (int64_t)at, timeout);
      net_same(g->data, r > 0 ? (size_t)r : 0, id, at);
      give(g, r > 0 ? (size_t)r : 0);
    }
    if (!was_stopped(r))
      CHECK_GE(r, 1);
  }
  CHECK_OK(co_io_close(fd));
  atomic_fetch_sub(&managers, 1);
  return arg;
}

/* ---- guests ---- */

enum { VISITS = 1 << 16 };
static int listener, address_port;
static _Atomic uint8_t seen[GUESTS][VISITS];
static uint32_t visits[GUESTS];
static _Atomic uint64_t expected, received;

static void *host(void *arg) {
  worker_t *w = arg;
  for (;;) {
    int fd = co_io_accept(listener, NULL, NULL, 0, patience(w));
    if (was_stopped(fd))
      continue;
    if (fd == -EBADF) /* closed: everybody has come */
      return arg;
    CHECK_GE(fd, 0);
    uint32_t card[2];
    int64_t r;
    do
      r = co_io_recv(fd, card, sizeof card, MSG_WAITALL, CO_FOREVER);
    while (was_stopped(r));
    if (r == sizeof card) {
      CHECK(card[0] < GUESTS && card[1] < VISITS);
      CHECK_EQ(atomic_fetch_add(&seen[card[0]][card[1]], 1), 0);
      atomic_fetch_add(&received, 1);
    } else { /* one who gave up */
      CHECK(r == 0 || r == -ECONNRESET);
    }
    end_abruptly(fd);
    CHECK_OK(co_io_close(fd));
  }
}

static void *guest(void *arg) {
  unsigned id = (unsigned)(uintptr_t)arg;
  worker_t *w = &workers[2 * STREAMS + FILES + GUESTS + id];
  while (!atomic_load(&over) && visits[id] < VISITS) {
    struct sockaddr_in a = net_local((uint16_t)address_port);
    int fd = co_io_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_GE(fd, 0);
    end_abruptly(fd);
    int64_t r = co_io_connect(fd, (struct sockaddr *)&a, sizeof a, patience(w));
    if (!was_stopped(r)) {
      uint32_t card[2] = {id, visits[id]++};
      CHECK_OK(r);
      do
        r = co_io_send(fd, card, sizeof card, 0, CO_FOREVER);
      while (was_stopped(r));
      CHECK_EQ(r, sizeof card);
      atomic_fetch_add(&expected, 1);
      do /* until the host has read it and gone */
        r = co_io_recv(fd, card, sizeof card, 0, CO_FOREVER);
      while (was_stopped(r));
      CHECK(r == 0 || r == -ECONNRESET);
    }
    CHECK_OK(co_io_close(fd));
    if (visits[id] % 16 == 0)
      co_sleep(100 * US); /* stopped or not */
    CHECK_GE(co_cancel_clear(), 0);
  }
  atomic_fetch_sub(&managers, 1);
  return arg;
}

/* ---- the storm ---- */

static void *storm(void *arg) {
  uint64_t rng = seed + (uintptr_t)arg;
  while (atomic_load(&managers)) {
    for (int i = 0; i < 8; i++) {
      co_t co = atomic_load(&handles[conf_rand(&rng) % WORKERS]);
      int r = conf_rand(&rng) % 3 ? co_interrupt(co, EINTR) : co_cancel(co);
      CHECK(r == 0 || r == -ESRCH);
    }
    CHECK_OK(co_sleep((int64_t)(conf_rand(&rng) % 60) * US));
    if (atomic_load(&operations) >= wanted)
      atomic_store(&over, 1);
  }
  return arg;
}

static void body(void) {
  co_t storms[2], hosts[GUESTS], all[STREAMS + FILES + GUESTS];
  unsigned n = 0;
  int before = robust_files();
  for (unsigned i = 0; i < WORKERS; i++) {
    memset(workers[i].buffers, IDLE, sizeof workers[i].buffers);
    workers[i].rng = seed * 7919 + i;
  }
  listener = net_listen(), address_port = net_port(listener);
  atomic_store(&managers, STREAMS + FILES + GUESTS);
  for (uintptr_t i = 0; i < STREAMS; i++)
    all[n++] = conf_spawn_on(1 + i / 6 % 2, manage, (void *)i);
  for (uintptr_t i = 0; i < FILES; i++) {
    co_t co = all[n++] = conf_spawn_on(1 + i % 2, use_file, (void *)i);
    atomic_store(&handles[2 * STREAMS + i], co);
  }
  for (uintptr_t i = 0; i < GUESTS; i++) {
    hosts[i] = conf_spawn_on(1 + i % 2, host, &workers[2 * STREAMS + FILES + i]);
    atomic_store(&handles[2 * STREAMS + FILES + i], hosts[i]);
    co_t co = all[n++] = conf_spawn_on(1 + i / 2 % 2, guest, (void *)i);
    atomic_store(&handles[2 * STREAMS + FILES + GUESTS + i], co);
  }
  for (uintptr_t i = 0; i < 2; i++)
    storms[i] = conf_spawn_on(1 + (uint32_t)i, storm, (void *)i);
  robust_disturb(signals, pauses);
  for (unsigned i = 0; i < n; i++)
    conf_join(all[i]);
  robust_calm();
  for (int i = 0; i < 2; i++)
    conf_join(storms[i]);
  for (int64_t end = co_now() + 10 * SEC; atomic_load(&received) < atomic_load(&expected) && co_now() < end;)
    CHECK_OK(co_sleep(MS));
  CHECK_EQ(atomic_load(&received), atomic_load(&expected));
  CHECK_OK(co_io_close(listener));
  for (int i = 0; i < GUESTS; i++)
    conf_join(hosts[i]);
  for (unsigned i = 0; i < WORKERS; i++)
    all_are(workers[i].buffers[0].before, sizeof workers[i].buffers, IDLE, "written after the end");
  conf_until_live(1);
  CHECK_EQ(robust_files(), before);
  printf("%" PRIu64 " operations, %" PRIu64 " stopped, %" PRIu64 " streams (%" PRIu64 " closed in use), %" PRIu64
         " bytes, %" PRIu64 " connections\n",
         atomic_load(&operations), atomic_load(&stopped), atomic_load(&lives), atomic_load(&closed),
         atomic_load(&bytes), atomic_load(&received));
}

int main(int argc, char **argv) {
  for (int c; (c = getopt(argc, argv, "n:s:z:p:")) != -1;) {
    uint64_t value = strtoull(optarg ? optarg : "0", NULL, 10);
    switch (c) {
    case 'n':
      wanted = value;
      break;
    case 's':
      seed = value;
      break;
    case 'z':
      signals = (long)value;
      break;
    case 'p':
      pauses = (long)value;
      break;
    default:
      return 2;
    }
  }
  return conf_main(body);
}
