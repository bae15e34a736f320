// A connection with a buffer, over co_io_*: what the server and the clients here share. Every wait has
// a limit, so that a program that does not work ends instead of hanging.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <photonrt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIMIT_NS 30000000000

// What has been received and not used yet is buf[start..end).
typedef struct {
  int fd;
  size_t start, end, size;
  unsigned char *buf;
} conn_t;

static inline conn_t conn_on(int fd, size_t size) {
  conn_t c = {fd, 0, 0, size, malloc(size)};
  if (!c.buf) fprintf(stderr, "no memory\n"), exit(1);
  return c;
}
static inline void conn_end(conn_t *c) {
  if (c->fd >= 0) co_io_close(c->fd);
  free(c->buf);
}

// A TCP connection to `port` of this machine; negative: the error.
static inline int dial(uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = co_io_socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  int r = co_io_connect(fd, (struct sockaddr *)&a, sizeof a, LIMIT_NS);
  if (r < 0) co_io_close(fd);
  return r < 0 ? r : fd;
}

static inline bool send_all(int fd, const void *data, size_t n) {
  for (const char *p = data; n > 0;) {
    int64_t r = co_io_send(fd, p, n, 0, LIMIT_NS);
    if (r < 0) return false;
    p += r;
    n -= (size_t)r;
  }
  return true;
}

// Receives more behind what is there; > 0, 0 for the end, or an error. -ENOBUFS: the buffer is full.
static inline int64_t receive(conn_t *c) {
  if (c->start > 0) {
    memmove(c->buf, c->buf + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
  }
  if (c->end == c->size) return -ENOBUFS;
  int64_t r = co_io_recv(c->fd, c->buf + c->end, c->size - c->end, 0, LIMIT_NS);
  if (r > 0) c->end += (size_t)r;
  return r;
}

// The next line without its CR LF, as a string that is good until the next call; NULL: the end or an
// error, which *why receives.
static inline char *next_line(conn_t *c, int64_t *why) {
  size_t seen = 0;
  for (;;) {
    unsigned char *from = c->buf + c->start, *nl;
    if ((nl = memchr(from + seen, '\n', c->end - c->start - seen))) {
      c->start = (size_t)(nl + 1 - c->buf);
      nl[nl > from && nl[-1] == '\r' ? -1 : 0] = 0;
      return (char *)from;
    }
    seen = c->end - c->start;
    if ((*why = receive(c)) <= 0) return NULL;
  }
}

// The value of header `name` if the line is that, else NULL.
static inline const char *header(const char *line, const char *name) {
  size_t n = strlen(name);
  if (strncasecmp(line, name, n) || line[n] != ':') return NULL;
  for (line += n + 1; *line == ' '; line++) {}
  return line;
}
