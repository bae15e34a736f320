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

typedef struct {
  int fd;
  char *buf;
  size_t size;
  co_reader_t in;
} conn_t;

static inline void must_be(bool good, const char *what) {
  if (!good) fprintf(stderr, "%s\n", what), exit(1);
}
// Goes on with another descriptor; -1: none yet.
static inline void conn_use(conn_t *c, int fd) {
  c->fd = fd;
  c->in.size = sizeof c->in;
  must_be(fd < 0 || co_reader_init(&c->in, fd, c->buf, c->size) == 0, "co_reader_init");
}
static inline conn_t conn_on(int fd, size_t size) {
  conn_t c = {.buf = malloc(size), .size = size};
  must_be(c.buf != NULL, "no memory");
  conn_use(&c, fd);
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
  return co_io_write_all(fd, data, n, NULL, LIMIT_NS) >= 0;
}

// The next line without its CR LF, as a string that is good until the next call; NULL: the end or an
// error, which *why receives.
static inline char *next_line(conn_t *c, int64_t *why) {
  char *line;
  *why = co_reader_line(&c->in, &line, NULL, LIMIT_NS);
  return *why == 1 ? line : NULL; // 2: a stream that ended within a line
}

// Some of the next `most` bytes, > 0 of them, which are good until the next call; 0 for the end, or an
// error.
static inline int64_t next_piece(conn_t *c, uint64_t most, const unsigned char **piece) {
  char *data;
  int64_t n = co_reader_peek(&c->in, &data, 1, LIMIT_NS);
  if (n <= 0) return n;
  if ((uint64_t)n > most) n = (int64_t)most;
  *piece = (unsigned char *)data;
  co_reader_consume(&c->in, (size_t)n);
  return n;
}

// The value of header `name` if the line is that, else NULL.
static inline const char *header(const char *line, const char *name) {
  size_t n = strlen(name);
  if (strncasecmp(line, name, n) || line[n] != ':') return NULL;
  for (line += n + 1; *line == ' '; line++) {}
  return line;
}
