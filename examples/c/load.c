/* An HTTP load generator for where wrk is not to be had: keep-alive connections on one epoll
 * loop, each with one request under way at a time.  load [-c CONNECTIONS] [-d SECONDS]
 * [HOST:]PORT        (64, 5; HOST an IPv4 address, 127.0.0.1) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 8192, EVENTS = 256 };

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

typedef struct {
  int fd;
  size_t filled;
  int64_t sent_at;
  char buf[BUFFER];
} connection_t;

/* Latencies, in steps of 1/32 of their power of two: exact to 3 %, without a limit. */
enum { STEPS = 32, CLASSES = 64 * STEPS };

typedef struct {
  uint64_t count[CLASSES], requests;
} histogram_t;

static histogram_t latencies;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static unsigned class_of(uint64_t ns) {
  if (ns < STEPS)
    return (unsigned)ns;
  unsigned power = 63 - (unsigned)__builtin_clzll(ns);
  return (power - 4) * STEPS + (unsigned)((ns >> (power - 5)) - STEPS);
}

/* The upper end of a class. */
static uint64_t end_of(unsigned class) {
  if (class < STEPS)
    return class + 1;
  unsigned power = class / STEPS + 4;
  return (uint64_t)(STEPS + class % STEPS + 1) << (power - 5);
}

static void record(int64_t ns) {
  latencies.count[class_of((uint64_t)ns)]++;
  latencies.requests++;
}

static double percentile_us(double p) {
  uint64_t want = (uint64_t)((double)latencies.requests * p / 100), seen = 0;
  for (unsigned i = 0; i < CLASSES; i++)
    if ((seen += latencies.count[i]) > want)
      return (double)end_of(i) / 1e3;
  return 0;
}

static void send_request(connection_t *c) {
  c->sent_at = now();
  ssize_t r = send(c->fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
  if (r != (ssize_t)sizeof REQUEST - 1) { /* so few bytes always fit */
    fprintf(stderr, "send: %s\n", r < 0 ? strerror(errno) : "cut short");
    exit(1);
  }
}

/* The size of the answer that `buf` begins with, 0 if it is not complete. */
static size_t complete(const connection_t *c) {
  const char *end = memmem(c->buf, c->filled, "\r\n\r\n", 4), *line;
  if (!end)
    return 0;
  if (c->filled < 12 || memcmp(c->buf, "HTTP/1.", 7) || memcmp(c->buf + 8, " 200", 4)) {
    fprintf(stderr, "the answer is not 200: %.12s\n", c->buf);
    exit(1);
  }
  line = strcasestr(c->buf, "\r\ncontent-length:");
  if (!line || line > end) {
    fprintf(stderr, "an answer without Content-Length\n");
    exit(1);
  }
  size_t size = (size_t)(end + 4 - c->buf) + strtoul(line + 17, NULL, 10);
  return size <= c->filled ? size : 0;
}

static void receive(connection_t *c) {
  ssize_t r = recv(c->fd, c->buf + c->filled, BUFFER - 1 - c->filled, MSG_DONTWAIT);
  if (r < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (r <= 0) {
    fprintf(stderr, "recv: %s\n", r < 0 ? strerror(errno) : "the server has closed");
    exit(1);
  }
  c->filled += (size_t)r;
  c->buf[c->filled] = 0;
  size_t size = complete(c);
  if (!size) {
    if (c->filled < BUFFER - 1)
      return;
    fprintf(stderr, "an answer over %d bytes\n", BUFFER);
    exit(1);
  }
  record(now() - c->sent_at);
  c->filled = 0;
  send_request(c);
}

static void connect_all(connection_t *all, int n, const struct sockaddr_in *to, int epoll) {
  for (int i = 0; i < n; i++) {
    int one = 1;
    connection_t *c = &all[i];
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
      die("socket");
    if (connect(c->fd, (const struct sockaddr *)to, sizeof *to) < 0)
      die("connect");
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
      die("TCP_NODELAY");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
      die("epoll_ctl");
  }
}

static void run(connection_t *all, int n, int epoll, int64_t until) {
  struct epoll_event events[EVENTS];
  for (int i = 0; i < n; i++)
    send_request(&all[i]);
  while (now() < until) {
    int ready = epoll_wait(epoll, events, EVENTS, 100);
    if (ready < 0 && errno != EINTR)
      die("epoll_wait");
    for (int i = 0; i < ready; i++)
      receive(events[i].data.ptr);
  }
}

int main(int argc, char **argv) {
  int n = 64, option;
  double seconds = 5;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  while ((option = getopt(argc, argv, "c:d:")) >= 0)
    if (option == 'c')
      n = atoi(optarg);
    else if (option == 'd')
      seconds = atof(optarg);
    else
      n = 0;
  char *where = optind < argc ? argv[optind] : NULL, *colon = where ? strchr(where, ':') : NULL;
  bool known = true;
  if (colon) {
    *colon = 0;
    known = inet_pton(AF_INET, where, &to.sin_addr) == 1;
  }
  to.sin_port = htons((uint16_t)(where ? atoi(colon ? colon + 1 : where) : 0));
  if (n < 1 || seconds <= 0 || !to.sin_port || !known) {
    fprintf(stderr, "usage: %s [-c CONNECTIONS] [-d SECONDS] [HOST:]PORT\n", argv[0]);
    return 2;
  }
  connection_t *all = calloc((size_t)n, sizeof *all);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (!all || epoll < 0)
    die("setup");
  connect_all(all, n, &to, epoll);
  int64_t start = now();
  run(all, n, epoll, start + (int64_t)(seconds * 1e9));
  double took = (double)(now() - start) / 1e9;
  printf("load_requests %" PRIu64 " requests\n", latencies.requests);
  printf("load_rate %.0f requests/s\n", (double)latencies.requests / took);
  printf("load_p50 %.0f us\n", percentile_us(50));
  printf("load_p90 %.0f us\n", percentile_us(90));
  printf("load_p99 %.0f us\n", percentile_us(99));
  return latencies.requests ? 0 : 1;
}
