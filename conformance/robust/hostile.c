#include "net.h"
#include "robust.h"
#include <sys/epoll.h>
#include <sys/resource.h>

/* A server of ours among thousands of clients that behave badly:
 *
 *     hostile [-n CONNECTIONS] [-r ROUNDS] [-s SEED]
 *
 *   vanish   connects and is gone at once           half     sends, shuts its side down, reads the rest
 *   reset    sends, then resets                     slow     asks for much and reads a little at a time
 *   drip     sends byte by byte                     plain    sends, reads the echo, resets
 *   idle     says nothing until the end, then closes or resets
 *
 * All of a round are open at once, as far as RLIMIT_NOFILE permits (it says how many). Meanwhile numbers
 * of descriptors are used and given back as fast as can be. What comes back to a client must be the
 * echo of what it sent. After each round no coroutine, descriptor or stack is left; after the last,
 * no more memory than after the first. The clients are another process, without the runtime. */

enum { VANISH, RESET, DRIP, IDLE, IDLE_RESET, HALF, SLOW, PLAIN, KINDS };
enum { BIG = 128 << 10, CHUNK = 4096, MOST = 3000 };

static unsigned connections = 10000, rounds = 2;
static uint64_t seed = 1;

/* ---- the clients' process ---- */

typedef struct {
  int fd;
  uint8_t kind;
  bool connected, ended;
  uint16_t size, ticks;
  uint32_t sent, got;
} client_t;

static client_t *clients;
static unsigned busy, idle, echoed;
static int queue;

static void linger(int fd, int on) {
  struct linger l = {on, 0};
  CHECK_SYS(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
}

static void leave(client_t *c, bool reset) {
  linger(c->fd, reset);
  CHECK_SYS(close(c->fd));
  if (c->kind != IDLE && c->kind != IDLE_RESET)
    busy--;
  c->ended = true;
}

static void begin(client_t *c, unsigned id, uint16_t port, uint64_t *rng) {
  struct sockaddr_in to = net_local(port), from = net_local(0);
  /* Addresses of its own: what lingers in TIME_WAIT takes no port away from anybody else. */
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x100 + id % 4);
  c->kind = (uint8_t)(conf_rand(rng) % KINDS);
  c->size = (uint16_t)(c->kind == DRIP ? 20 : conf_rand(rng) % MOST + 1);
  c->fd = CHECK_SYS(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  c->kind == IDLE || c->kind == IDLE_RESET ? idle++ : busy++;
  if (c->kind == SLOW) {
    int small = 2048;
    CHECK_SYS(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small));
  }
  int late = 1;
  CHECK_SYS(setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late));
  CHECK_SYS(bind(c->fd, (struct sockaddr *)&from, sizeof from));
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
    FAIL("connect: %s", strerror(errno));
  if (c->kind == VANISH && id % 2) {
    leave(c, true);
    return;
  }
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = id};
  CHECK_SYS(epoll_ctl(queue, EPOLL_CTL_ADD, c->fd, &e));
}

/* Sends of its message as much as fits, `most` at a time. */
static void say(client_t *c, unsigned id, uint32_t most) {
  unsigned char out[MOST];
  while (most && c->sent < c->size) {
    uint32_t n = c->size - c->sent < most ? c->size - c->sent : most;
    net_fill(out, n, id, c->sent);
    if (c->sent == 0)
      out[0] = c->kind == SLOW ? 'B' : 'e';
    ssize_t r = send(c->fd, out, n, MSG_NOSIGNAL);
    if (r < 0 && errno == EAGAIN)
      return;
    CHECK_GE(r, 1);
    c->sent += (uint32_t)r, most -= (uint32_t)r;
    if (c->kind == HALF && c->sent == c->size)
      CHECK_SYS(shutdown(c->fd, SHUT_WR));
  }
}

/* Reads `most` bytes and compares; true at the end of the stream. */
static bool hear(client_t *c, unsigned id, uint32_t most) {
  unsigned char in[CHUNK];
  while (most) {
    ssize_t r = recv(c->fd, in, most < CHUNK ? most : CHUNK, 0);
    if (r < 0 && errno == EAGAIN)
      return false;
    if (r < 0)
      FAIL("a client of kind %d: recv: %s", c->kind, strerror(errno));
    if (r == 0)
      return true;
    most -= (uint32_t)r;
    if (c->kind == SLOW) {
      net_same(in, (size_t)r, 9, c->got);
    } else {
      if (c->got == 0)
        CHECK_EQ(in[0], 'e'), in[0] = net_byte(id, 0);
      net_same(in, (size_t)r, id, c->got);
    }
    c->got += (uint32_t)r;
  }
  return false;
}

/* What one does when something has happened to it, or with `tick` when a while has passed. */
static void act(client_t *c, unsigned id, bool tick) {
  if (c->ended || !c->connected)
    return;
  switch (c->kind) {
  case VANISH:
    leave(c, true);
    return;
  case RESET:
    say(c, id, MOST);
    leave(c, true);
    return;
  case DRIP:
    if (tick)
      say(c, id, 1);
    break;
  case SLOW:
    say(c, id, MOST);
    if (!tick)
      return;
    hear(c, id, ++c->ticks < 40 ? 100 : BIG);
    if (c->got == BIG)
      echoed++, leave(c, true);
    else if (id % 2 && c->ticks > 30)
      leave(c, true);
    return;
  case HALF:
  case PLAIN:
    say(c, id, MOST);
    break;
  default:
    return;
  }
  bool over = hear(c, id, MOST);
  if (c->kind == HALF ? over : c->got == c->size) {
    CHECK_EQ(c->got, c->size);
    echoed++, leave(c, c->kind != HALF);
  } else if (over) {
    FAIL("the server has closed on a client of kind %d", c->kind);
  }
}

static int client_main(uint16_t port) {
  struct epoll_event events[512];
  uint64_t rng = seed;
  unsigned begun = 0;
  int64_t next = 0;
  queue = CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
  clients = calloc(connections, sizeof *clients);
  CHECK(clients != NULL);
  while (begun < connections || busy) {
    for (int i = 0; i < 100 && begun < connections; i++, begun++)
      begin(&clients[begun], begun, port, &rng);
    int n = CHECK_SYS(epoll_wait(queue, events, COUNT_OF(events), begun < connections ? 0 : 1));
    for (int i = 0; i < n; i++) {
      client_t *c = &clients[events[i].data.u32];
      c->connected |= (events[i].events & (EPOLLOUT | EPOLLIN)) != 0;
      if (events[i].events & EPOLLERR && !c->connected)
        FAIL("a connection was refused");
      act(c, events[i].data.u32, false);
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = now.tv_sec * SEC + now.tv_nsec;
    if (ns < next)
      continue;
    next = ns + 2 * MS;
    for (unsigned i = 0; i < begun; i++)
      act(&clients[i], i, true);
  }
  for (unsigned i = 0; i < connections; i++)
    if (!clients[i].ended)
      leave(&clients[i], clients[i].kind == IDLE_RESET);
  printf("  %u clients: %u echoes whole, %u idle to the end\n", connections, echoed, idle);
  return 0;
}

/* ---- the server ---- */

static int listener;
static unsigned char big[BIG];
static atomic_uint served;
static atomic_int over;

static bool gone(int64_t r) {
  if (r >= 0)
    return false;
  if (r != -ECONNRESET && r != -EPIPE)
    FAIL("a call of the server gave %lld (%s)", (long long)r, co_strerror((int)r));
  return true;
}

static bool reply(int fd, const unsigned char *p, size_t n) {
  for (size_t done = 0; done < n;) {
    int64_t r = co_io_send(fd, p + done, n - done, 0, CO_FOREVER);
    if (gone(r))
      return false;
    done += (size_t)r;
  }
  return true;
}

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  unsigned char buf[1024];
  bool first = true, wants_much = false;
  for (;;) {
    int64_t r = co_io_recv(fd, buf, sizeof buf, 0, 60 * SEC);
    if (r == 0 || gone(r))
      break;
    wants_much |= first && buf[0] == 'B';
    if (first && wants_much ? !reply(fd, big, BIG) : !wants_much && !reply(fd, buf, (size_t)r))
      break;
    first = false;
  }
  CHECK_OK(co_io_close(fd));
  atomic_fetch_add(&served, 1);
  return arg;
}

static void *welcome(void *arg) {
  co_attr_t attr = conf_attr();
  attr.stack_size = 16 << 10;
  attr.flags = CO_DETACHED;
  for (;;) {
    int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
    if (fd == -EBADF)
      return arg;
    if (fd == -ECONNABORTED)
      continue;
    CHECK_GE(fd, 0);
    CHECK_OK(co_spawn(NULL, &attr, serve, (void *)(intptr_t)fd));
  }
}

static void *listen_late(void *arg) {
  int *fds = arg;
  char c;
  int64_t r = co_io_read(fds[0], &c, 1, CO_FOREVER);
  if (r != -EBADF && r != 1)
    FAIL("a reader whose end was closed got %lld", (long long)r);
  return arg;
}

/* Numbers come and go: closed by co_io_close with a call under way, or by close(2) without. */
static void *reuse(void *arg) {
  for (uint64_t i = 0; !atomic_load(&over); i++) {
    int fds[2];
    char c = 'x';
    i % 2 ? (void)CHECK_SYS(pipe2(fds, O_CLOEXEC)) : net_unix_pair(fds);
    if (i % 3 == 0) {
      co_t co = conf_spawn_on(1 + i % 2, listen_late, fds);
      if (i % 5)
        co_yield_now();
      else
        CHECK_OK(co_sleep(20 * US));
      /* A call that begins after the close could find a successor: it must have begun. */
      for (uint32_t state = 0; state != CO_STATE_PARKED && state != CO_STATE_ENDED; co_yield_now())
        state = conf_info(co).state;
      if (i % 7 == 0)
        CHECK_EQ(co_io_write(fds[1], &c, 1, CO_FOREVER), 1);
      int keep = CHECK_SYS(dup(fds[0]));
      CHECK_OK(co_io_close(fds[0]));
      conf_join(co);
      fds[0] = keep;
    }
    if (i % 4)
      CHECK_SYS(close(fds[0]) | close(fds[1]));
    else
      net_close(fds);
    CHECK_OK(co_sleep(50 * US));
  }
  return arg;
}

static uint64_t resident(void) {
  unsigned long long size, pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%llu %llu", &size, &pages) != 2)
    pages = 0;
  if (f)
    fclose(f);
  return pages * 4096;
}

/* Runs the clients to their end. */
static void round_of(unsigned number, uint16_t port) {
  int ends[2], status;
  char c, texts[3][24];
  CHECK_SYS(pipe2(ends, O_CLOEXEC));
  snprintf(texts[0], sizeof texts[0], "%u", port);
  snprintf(texts[1], sizeof texts[1], "%u", connections);
  snprintf(texts[2], sizeof texts[2], "%llu", (unsigned long long)seed + number);
  fflush(stdout);
  char *args[] = {"hostile", "-c", texts[0], "-n", texts[1], "-s", texts[2], NULL};
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    fcntl(ends[1], F_SETFD, 0); /* whose last copy goes with the process */
    execv("/proc/self/exe", args);
    _exit(127);
  }
  CHECK_OK(co_io_close(ends[1]));
  CHECK_EQ(co_io_read(ends[0], &c, 1, CO_FOREVER), 0);
  CHECK_OK(co_io_close(ends[0]));
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK_EQ(status, 0);
}

static void body(void) {
  uint64_t first = 0, now = 0;
  int before = robust_files();
  net_fill(big, BIG, 9, 0);
  listener = co_tcp_listen("0.0.0.0", 0, 4096);
  CHECK_GE(listener, 0);
  co_t hosts[2] = {conf_spawn_on(1, welcome, NULL), conf_spawn_on(2, welcome, NULL)};
  for (unsigned i = 0; i < rounds; i++) {
    atomic_store(&over, 0);
    co_t storm = conf_spawn_on(2, reuse, NULL);
    round_of(i, net_port(listener));
    atomic_store(&over, 1);
    conf_join(storm);
    conf_until_live(3); /* main and the two hosts */
    CHECK_EQ(robust_files(), before + 1);
    /* Stacks go when they have rested for a second or two. */
    for (int64_t end = co_now() + 10 * SEC; conf_stats().stacks_cached > 500; CHECK_OK(co_sleep(50 * MS)))
      CHECK_GE(end, co_now());
    now = resident();
    first = first ? first : now;
    printf("  after round %u: %u served, %llu KiB resident, %llu KiB of stacks reserved\n", i + 1,
           atomic_load(&served), (unsigned long long)now >> 10,
           (unsigned long long)conf_stats().stack_reserved >> 10);
  }
  CHECK_OK(co_io_close(listener));
  conf_join(hosts[0]);
  conf_join(hosts[1]);
  conf_until_live(1);
  CHECK_EQ(robust_files(), before);
  if (now > first + first / 10 + (4 << 20))
    FAIL("memory grows: %llu KiB, then %llu KiB", (unsigned long long)first >> 10, (unsigned long long)now >> 10);
}

int main(int argc, char **argv) {
  unsigned port = 0;
  struct rlimit limit;
  for (int c; (c = getopt(argc, argv, "n:r:s:c:")) != -1;) {
    uint64_t value = strtoull(optarg ? optarg : "0", NULL, 10);
    switch (c) {
    case 'n':
      connections = (unsigned)value;
      break;
    case 'r':
      rounds = (unsigned)value;
      break;
    case 's':
      seed = value;
      break;
    case 'c':
      port = (unsigned)value;
      break;
    default:
      return 2;
    }
  }
  if (port)
    return client_main((uint16_t)port);
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = limit.rlim_max;
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  if (limit.rlim_max < connections + 200) {
    printf("RLIMIT_NOFILE allows %llu connections, not %u\n", (unsigned long long)limit.rlim_max - 200,
           connections);
    connections = (unsigned)limit.rlim_max - 200;
  }
  return conf_main(body);
}
