// photonrt's HTTP server, streams and files; see photonrt.c.
#include "http.h"
#include "photonrt_bench.h"
#include "stream.h"
#include <fcntl.h>

// ---- stream1, stream2: messages of 1 MiB from one coroutine to another over loopback TCP
static uint64_t messages;
static int two;
static void *sender(void *arg) {
  int fd = ((int *)arg)[0];
  char *msg = stream_buffer(name);
  if (two) pin_cpu(0);
  for (uint64_t i = 0; i < messages; i++)
    for (size_t done = 0; done < MESSAGE;)
      done += (size_t)must(co_io_send(fd, msg + done, MESSAGE - done, 0, CO_FOREVER), "send");
  free(msg);
  return arg;
}
static void *receiver(void *arg) {
  int fd = ((int *)arg)[1];
  char *msg = stream_buffer(name);
  if (two) pin_cpu(1);
  for (uint64_t i = 0; i < messages; i++)
    for (size_t got = 0; got < MESSAGE;) {
      int n = must(co_io_recv(fd, msg + got, MESSAGE - got, 0, CO_FOREVER), "recv");
      if (!n) fail(name, "the stream ended");
      got += (size_t)n;
    }
  free(msg);
  return arg;
}
void *stream(void *arg) {
  int fd[2];
  struct stream_clock c;
  two = tasks == 2;
  stream_pair(name, fd);
  for (int warm = 1; warm >= 0; warm--) {
    messages = warm ? N / 20 + 1 : N;
    stream_begin(&c);
    co_t to = spawn_on(two ? 2 : 1, receiver, fd), from = spawn_on(1, sender, fd);
    join(from);
    join(to);
  }
  stream_end(name, &c, messages);
  return arg;
}

// ---- pread4k, pread4k_direct: random blocks of a file by 64 coroutines, for N ms
enum { BLOCK = 4096 };
static int file;
static uint64_t blocks, stop_at;
static uint64_t *counts;
static void *reader(void *arg) {
  uint64_t *count = arg, x = (uint64_t)(count - counts) * 0x9e3779b97f4a7c15ull + 42, n = 0;
  char *buf = aligned_alloc(BLOCK, BLOCK);
  if (!buf) fail(name, "no memory");
  do {
    for (int i = 0; i < 64; i++, n++) { // a clock reading for each would be seen
      x = x * 6364136223846793005ull + 1442695040888963407ull;
      int64_t at = (int64_t)((x >> 20) % blocks) * BLOCK;
      if (must(co_io_pread(file, buf, BLOCK, at, CO_FOREVER), "pread") != BLOCK) fail(name, "a short read");
    }
  } while (now_ns() < stop_at);
  *count = n;
  free(buf);
  return arg;
}
void *pread4k(void *arg) {
  int direct = !strcmp(name, "pread4k_direct");
  file = path ? open(path, O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0)) : -1;
  if (file < 0 && direct && errno == EINVAL) skip(name, "the file's system has no O_DIRECT");
  if (file < 0) fail(name, "pread4k MS FILE");
  blocks = (uint64_t)lseek(file, 0, SEEK_END) / BLOCK;
  counts = calloc(tasks, sizeof *counts);
  co_t *v = calloc(tasks, sizeof *v);
  if (!v || !counts || !blocks) fail(name, "no memory, or an empty file");
  uint64_t begin = 0, sum = 0;
  double cpu = 0;
  for (int warm = 1; warm >= 0; warm--) {
    begin = now_ns();
    cpu = cpu_ms();
    stop_at = begin + (warm ? N / 20 : N) * 1000000;
    for (size_t i = 0; i < tasks; i++) v[i] = spawn(reader, &counts[i]);
    for (size_t i = 0; i < tasks; i++) join(v[i]);
  }
  double wall = (double)(now_ns() - begin) / 1e9;
  cpu = cpu_ms() - cpu;
  for (size_t i = 0; i < tasks; i++) sum += counts[i];
  char row[64];
  snprintf(row, sizeof row, "%s_cpu", name);
  out(name, (double)sum / wall, "reads/s");
  out(row, cpu * 1e3 / (double)sum, "us");
  return arg;
}

// ---- http: an acceptor a vCPU, each with a listener of its own; a coroutine a connection
static int send_all(int fd, const char *b, size_t n) {
  while (n) {
    int64_t r = co_io_send(fd, b, n, 0, CO_FOREVER);
    if (r < 0) return (int)r;
    b += r;
    n -= (size_t)r;
  }
  return 0;
}
static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  unsigned st = 0;
  co_buf_t buf;
  while (co_io_recv_buf(fd, &buf, CO_IO_AHEAD, CO_FOREVER) > 0) {
    int k = http_feed(&st, buf.data, buf.len);
    co_buf_release(&buf);
    while (k--)
      if (send_all(fd, RESP, RESP_LEN)) goto end;
  }
end:
  co_io_close(fd);
  return NULL;
}
static void *acceptor(void *arg) {
  int lfd = http_listen(port, SOCK_NONBLOCK);
  for (;;) {
    int fd = co_io_accept(lfd, NULL, NULL, SOCK_NONBLOCK | CO_IO_AHEAD, CO_FOREVER);
    if (fd >= 0) must(co_spawn(NULL, NULL, serve, (void *)(intptr_t)fd), "spawn");
    else if (fd != -ECONNABORTED) must(fd, "accept");
  }
  return arg;
}
void *http(void *arg) {
  for (uint32_t i = 1; i < vcpus; i++) spawn_on(i + 1, acceptor, NULL);
  return acceptor(arg);
}
