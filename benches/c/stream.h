// The stream workload's pair of sockets, clock and rows; shared so that both sides of the comparison
// have the same.
#pragma once
#include "common.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define MESSAGE ((size_t)1 << 20)

// A connected pair over loopback TCP: fd[0] to send, fd[1] to receive.
static inline void stream_pair(const char *name, int fd[2]) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (l < 0 || fd[0] < 0 || bind(l, (struct sockaddr *)&a, len) || listen(l, 1) ||
      getsockname(l, (struct sockaddr *)&a, &len) || connect(fd[0], (struct sockaddr *)&a, len) ||
      (fd[1] = accept(l, NULL, NULL)) < 0)
    fail(name, "no pair of sockets");
  close(l);
}
// Touched, so that no page is the kernel's zero page.
static inline char *stream_buffer(const char *name) {
  char *b = malloc(MESSAGE);
  if (!b) fail(name, "no memory");
  memset(b, 'x', MESSAGE);
  return b;
}

struct stream_clock { uint64_t wall; double cpu; };
static inline void stream_begin(struct stream_clock *c) {
  c->cpu = cpu_ms();
  c->wall = now_ns();
}
static inline void stream_end(const char *name, const struct stream_clock *c, uint64_t messages) {
  double wall = (double)(now_ns() - c->wall), cpu = (cpu_ms() - c->cpu) * 1e6;
  char row[64];
  snprintf(row, sizeof row, "%s_cpu", name);
  out(name, (double)(messages * MESSAGE) * 1e3 / wall, "MB/s");
  out(row, cpu / (double)(messages * (MESSAGE / 1024)), "ns/KiB");
}
