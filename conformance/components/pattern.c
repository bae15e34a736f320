// Makes and checks what the other programs send and receive; see pattern.h.
//
//   pattern make N SEED      to stdout
//   pattern check N SEED     stdin must be exactly that
//   pattern sparse FILE N    a file of N bytes of which every other MiB is a hole
#define _GNU_SOURCE
#include "pattern.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };
static unsigned char buf[CHUNK];

static void put(int fd, size_t n, int64_t at) {
  for (size_t done = 0; done < n;) {
    ssize_t r = at < 0 ? write(fd, buf + done, n - done)
                       : pwrite(fd, buf + done, n - done, at + (int64_t)done);
    if (r < 0) perror("pattern: write"), exit(1);
    done += (size_t)r;
  }
}

static int make(uint64_t n, uint64_t seed) {
  for (uint64_t at = 0; at < n;) {
    size_t part = n - at < CHUNK ? (size_t)(n - at) : CHUNK;
    pattern_fill(seed, at, buf, part);
    put(1, part, -1);
    at += part;
  }
  return 0;
}

static int check(uint64_t n, uint64_t seed) {
  uint64_t at = 0;
  ssize_t r;
  while ((r = read(0, buf, CHUNK)) > 0) {
    size_t good = pattern_check(seed, at, buf, (size_t)r);
    at += good;
    if (good < (size_t)r) return fprintf(stderr, "pattern: byte %llu is wrong\n", (unsigned long long)at), 1;
  }
  if (r < 0) return perror("pattern: read"), 1;
  if (at != n)
    return fprintf(stderr, "pattern: %llu bytes instead of %llu\n", (unsigned long long)at,
                   (unsigned long long)n),
           1;
  return 0;
}

static int sparse(const char *path, uint64_t n) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)n)) return perror(path), 1;
  for (uint64_t at = 0; at < n; at += 2 * CHUNK) {
    size_t part = n - at < CHUNK ? (size_t)(n - at) : CHUNK;
    pattern_fill(7, at, buf, part);
    put(fd, part, (int64_t)at);
  }
  return close(fd);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  if (!strcmp(argv[1], "make")) return make(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
  if (!strcmp(argv[1], "check")) return check(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
  if (!strcmp(argv[1], "sparse")) return sparse(argv[2], strtoull(argv[3], NULL, 10));
  return 2;
}
