// Copies a file by many coroutines at once, each a piece at a time.   copy FROM TO COROUTINES VCPUS
#include <errno.h>
#include <fcntl.h>
#include <photonrt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 512 * 1024 };
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

static struct { const char *from, *to; int coroutines; } option;
static void *co_main(void *arg) {
  co_t *co = calloc((size_t)option.coroutines, sizeof *co);
  if (!co) must(-ENOMEM, "handles");
  from = (int)must(co_io_open(option.from, O_RDONLY, 0, CO_FOREVER), option.from);
  to = (int)must(co_io_open(option.to, O_WRONLY | O_CREAT | O_TRUNC, 0600, CO_FOREVER), option.to);
  for (int i = 0; i < option.coroutines; i++) must(co_spawn(&co[i], NULL, copier, NULL), "spawn");
  for (int i = 0; i < option.coroutines; i++) must(co_join(co[i], NULL, CO_FOREVER), "join");
  must(co_io_close(from), "close");
  must(co_io_close(to), "close");
  free(co);
  return arg;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  option.from = argv[1];
  option.to = argv[2];
  option.coroutines = atoi(argv[3]);
  co_config_t cfg = {.size = sizeof cfg, .vcpus = (uint32_t)atoi(argv[4])};
  must(co_run(&cfg, co_main, NULL, NULL), "co_run");
  return 0;
}
