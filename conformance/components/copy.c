// Copies a file in one of several ways.   copy FROM TO WAY VCPUS
//
//   pieces     by 16 coroutines at once, each a piece at a time, with co_io_pread and co_io_pwrite
//   copy       by co_io_copy
//   sendfile   by co_io_sendfile
//   range      by co_io_copy_file_range
#include <errno.h>
#include <fcntl.h>
#include <photonrt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 512 * 1024, COROUTINES = 16, MOST = 1 << 30 };
static int from, to;
static _Atomic int64_t next;

static int64_t must(int64_t r, const char *what) {
  if (r < 0) {
    fprintf(stderr, "copy: %s: %s\n", what, co_strerror((int)r));
    exit(1);
  }
  return r;
}

// Whole pieces, unless the file ends; 0 where it has ended.
static int64_t read_piece(char *buf, int64_t at) {
  int64_t got = 0, r;
  do
    got += r = must(co_io_pread(from, buf + got, (size_t)(PIECE - got), at + got, CO_FOREVER), "read");
  while (r > 0 && got < PIECE);
  return got;
}

static void *copier(void *arg) {
  char *buf = malloc(PIECE);
  int64_t at, n;
  if (!buf) must(-ENOMEM, "buffer");
  while ((n = read_piece(buf, at = atomic_fetch_add(&next, PIECE))) > 0)
    for (int64_t done = 0; done < n;)
      done += must(co_io_pwrite(to, buf + done, (size_t)(n - done), at + done, CO_FOREVER), "write");
  free(buf);
  return arg;
}

static void by_pieces(void) {
  co_t co[COROUTINES];
  for (int i = 0; i < COROUTINES; i++) must(co_spawn(&co[i], NULL, copier, NULL), "spawn");
  for (int i = 0; i < COROUTINES; i++) must(co_join(co[i], NULL, CO_FOREVER), "join");
}

static struct { const char *from, *to, *way; } option;
static void *co_main(void *arg) {
  from = (int)must(co_io_open(option.from, O_RDONLY, 0, CO_FOREVER), option.from);
  to = (int)must(co_io_open(option.to, O_WRONLY | O_CREAT | O_TRUNC, 0600, CO_FOREVER), option.to);
  if (!strcmp(option.way, "pieces")) by_pieces();
  else if (!strcmp(option.way, "copy")) must(co_io_copy(from, to, -1, NULL, CO_FOREVER), "copy");
  else if (!strcmp(option.way, "sendfile"))
    while (must(co_io_sendfile(to, from, NULL, MOST, CO_FOREVER), "sendfile")) {}
  else if (!strcmp(option.way, "range"))
    while (must(co_io_copy_file_range(from, NULL, to, NULL, MOST, 0, CO_FOREVER), "range")) {}
  else must(-EINVAL, option.way);
  must(co_io_close(from), "close");
  must(co_io_close(to), "close");
  return arg;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  option.from = argv[1];
  option.to = argv[2];
  option.way = argv[3];
  co_config_t cfg = {.size = sizeof cfg, .vcpus = (uint32_t)atoi(argv[4])};
  must(co_run(&cfg, co_main, NULL, NULL), "co_run");
  return 0;
}
