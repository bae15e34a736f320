/* An HTTP/1.1 server that answers every request with 13 bytes: keep-alive and pipelining, one
 * coroutine a connection. What it measures is what a request costs in the runtime and the
 * kernel.  http_server PORT [VCPUS]        (PORT 0: one that the system picks)  One coroutine
 * accepts and deals connections round the vCPUs, each of which then keeps its own: with keep-
 * alive that balances better than listeners of their own, where the kernel deals by hash. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <photonrt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 4096, BATCH = 16 };

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
#define ANSWER_SIZE (sizeof ANSWER - 1)
#define BAD_REQUEST "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define NOT_IMPLEMENTED "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* Answers to pipelined requests go out together, this many at most. */
static char answers[BATCH * ANSWER_SIZE];

typedef struct {
  uint16_t port;
  uint32_t vcpus;
} options_t;

/* What the head of a request asks of the connection. */
typedef struct {
  size_t body;      /* bytes that follow the head */
  bool close;       /* after the answer */
  bool unsupported; /* a body in a form that this server does not read */
} request_t;

static bool send_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    int64_t r = co_io_send(fd, p, n, 0, CO_FOREVER);
    if (r < 0)
      return false;
    p += r;
    n -= (size_t)r;
  }
  return true;
}

/* The value of header `name` if the line begins with it, else NULL. */
static const char *value_of(const char *line, const char *name) {
  size_t n = strlen(name);
  if (strncasecmp(line, name, n))
    return NULL;
  for (line += n; *line == ' ' || *line == '\t'; line++) {
  }
  return line;
}

/* Reads a head that ends at `end` (just behind its empty line). */
static request_t read_head(const char *head, const char *end) {
  request_t r = {0, false, false};
  const char *line = memchr(head, '\n', (size_t)(end - head)), *value;
  r.close = line - head >= 9 && !memcmp(line - 9, "HTTP/1.0\r", 9);
  while (line && ++line < end) {
    if ((*line | 32) == 'c' && (value = value_of(line, "Content-Length:")))
      r.body = (size_t)strtoul(value, NULL, 10);
    else if ((*line | 32) == 'c' && (value = value_of(line, "Connection:")))
      r.close = !strncasecmp(value, "close", 5);
    else if ((*line | 32) == 't' && value_of(line, "Transfer-Encoding:"))
      r.unsupported = true;
    line = memchr(line, '\n', (size_t)(end - line));
  }
  return r;
}

/* Answers what `buf` holds in full, and moves the rest to its start. `skip` is what is still to
 * come of a body. false: the connection is to be closed. */
static bool answer(int fd, char *buf, size_t *filled, size_t *skip) {
  char *at = buf, *stop = buf + *filled, *end;
  size_t owed = 0;
  for (;;) {
    size_t body = *skip < (size_t)(stop - at) ? *skip : (size_t)(stop - at);
    at += body;
    *skip -= body;
    if (*skip || !(end = memmem(at, (size_t)(stop - at), "\r\n\r\n", 4)))
      break;
    request_t request = read_head(at, end + 4);
    at = end + 4;
    if (request.unsupported)
      return send_all(fd, answers, owed * ANSWER_SIZE) &&
             send_all(fd, NOT_IMPLEMENTED, sizeof NOT_IMPLEMENTED - 1) && false;
    *skip = request.body;
    owed++;
    if (owed == BATCH || request.close) {
      if (!send_all(fd, answers, owed * ANSWER_SIZE) || request.close)
        return false;
      owed = 0;
    }
  }
  *filled = (size_t)(stop - at);
  memmove(buf, at, *filled);
  return !owed || send_all(fd, answers, owed * ANSWER_SIZE);
}

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  char buf[HEAD_MAX];
  size_t filled = 0, skip = 0;
  for (;;) {
    int64_t n = co_io_recv(fd, buf + filled, sizeof buf - filled, 0, CO_FOREVER);
    if (n <= 0)
      break; /* the end, or the peer is gone */
    filled += (size_t)n;
    if (!answer(fd, buf, &filled, &skip))
      break;
    if (filled == sizeof buf) {
      send_all(fd, BAD_REQUEST, sizeof BAD_REQUEST - 1); /* a head that does not end */
      break;
    }
  }
  co_io_close(fd);
  return NULL;
}

static void accept_all(int listener, uint32_t vcpus) {
  co_attr_t attr = {.size = sizeof attr, .stack_size = 64 * 1024, .name = "connection"};
  for (uint32_t turn = 0;; turn = (turn + 1) % vcpus) {
    int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
    if (fd == -ECONNABORTED)
      continue;
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
      co_sleep(10 * 1000000); /* until some connections have ended */
      continue;
    }
    if (fd < 0) {
      fprintf(stderr, "accept: %s\n", co_strerror(fd));
      return;
    }
    attr.vcpu = turn + 1;
    int r = co_spawn(NULL, &attr, serve, (void *)(intptr_t)fd);
    if (r < 0) {
      fprintf(stderr, "co_spawn: %s\n", co_strerror(r));
      co_io_close(fd); /* this client is refused, the others go on */
    }
  }
}

static void *co_main(void *arg) {
  const options_t *o = arg;
  struct sockaddr_storage own;
  socklen_t len = sizeof own;
  int one = 1, listener = co_tcp_listen(NULL, o->port, 0);
  co_stats_t stats = {.size = sizeof stats};
  if (listener < 0)
    return fprintf(stderr, "listen: %s\n", co_strerror(listener)), NULL;
  /* Accepted sockets inherit it. */
  if (setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
      getsockname(listener, (struct sockaddr *)&own, &len) < 0)
    return perror("socket"), NULL;
  int r = co_stats(&stats);
  if (r < 0)
    return fprintf(stderr, "co_stats: %s\n", co_strerror(r)), NULL;
  printf("http_port %d tcp\n", ntohs(((struct sockaddr_in *)&own)->sin_port));
  printf("http_vcpus %u threads\n", stats.vcpus);
  printf("http_engine %u %s\n", stats.engine, stats.engine == CO_ENGINE_URING ? "uring" : "ready");
  fflush(stdout);
  accept_all(listener, stats.vcpus);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s PORT [VCPUS]\n", argv[0]);
    return 2;
  }
  options_t o = {(uint16_t)atoi(argv[1]), argc > 2 ? (uint32_t)atoi(argv[2]) : 1};
  co_config_t cfg = {.size = sizeof cfg, .vcpus = o.vcpus};
  for (size_t i = 0; i < BATCH; i++)
    memcpy(answers + i * ANSWER_SIZE, ANSWER, ANSWER_SIZE);
  int r = co_run(&cfg, co_main, &o, NULL);
  if (r < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return 1; /* it serves until it is ended */
}
