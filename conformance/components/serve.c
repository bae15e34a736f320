// The HTTP server that real clients are set on.   serve PORT [VCPUS [FILE]]
//
//   GET /hello               13 bytes
//   GET /bytes/N/SEED        N bytes of pattern.h
//   GET /file                FILE, by co_io_sendfile
//   PUT /check/N/SEED        a body that must be exactly those; 200, or 400 with what is wrong
//   GET /connections         how many there are, this one among them
#include "pattern.h"
#include "stream.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };
static _Atomic long connections;
static struct { uint16_t port; uint32_t vcpus; const char *file; } option;

typedef struct {
  bool put, keep, expects;
  uint64_t length; // of the body
  char path[256];
} request_t;

// False: no request comes, or none that can be answered.
static bool read_request(conn_t *c, request_t *r) {
  char method[8], version[16], *line;
  const char *value;
  int64_t why;
  *r = (request_t){.keep = true};
  if (!(line = next_line(c, &why)) || sscanf(line, "%7s %255s %15s", method, r->path, version) != 3)
    return false;
  r->put = !strcmp(method, "PUT");
  r->keep = !strcmp(version, "HTTP/1.1");
  if (!r->put && strcmp(method, "GET")) return false;
  while ((line = next_line(c, &why)) && *line) {
    if ((value = header(line, "Content-Length"))) r->length = strtoull(value, NULL, 10);
    else if ((value = header(line, "Connection"))) r->keep = strcasecmp(value, "close") != 0;
    else if ((value = header(line, "Expect"))) r->expects = true;
    else if (header(line, "Transfer-Encoding")) return false;
  }
  return line != NULL;
}

static bool answer_head(int fd, int status, uint64_t length) {
  char head[160];
  int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: %llu\r\n\r\n", status,
                   status == 200 ? "OK" : "Bad Request", (unsigned long long)length);
  return send_all(fd, head, (size_t)n);
}
static bool answer(int fd, int status, const char *text) {
  char all[256];
  int n = snprintf(all, sizeof all, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                   status == 200 ? "OK" : "Bad Request", strlen(text), text);
  return send_all(fd, all, (size_t)n);
}

static bool send_pattern(int fd, uint64_t n, uint64_t seed) {
  unsigned char *buf = malloc(CHUNK);
  bool good = buf && answer_head(fd, 200, n);
  for (uint64_t at = 0; good && at < n;) {
    size_t part = n - at < CHUNK ? (size_t)(n - at) : CHUNK;
    pattern_fill(seed, at, buf, part);
    good = send_all(fd, buf, part);
    at += part;
  }
  free(buf);
  return good;
}

static bool send_file(int fd) {
  int file = option.file ? co_io_open(option.file, O_RDONLY, 0, LIMIT_NS) : -ENOENT;
  if (file < 0) return answer(fd, 400, "no file\n");
  int64_t size = lseek(file, 0, SEEK_END), at = 0, r = 1;
  bool good = answer_head(fd, 200, (uint64_t)size);
  while (good && at < size && r > 0) r = co_io_sendfile(fd, file, &at, (size_t)(size - at), LIMIT_NS);
  co_io_close(file);
  return good && at == size;
}

static bool check_body(conn_t *c, const request_t *r, uint64_t n, uint64_t seed) {
  uint64_t at = 0, wrong = UINT64_MAX;
  if (r->expects && !send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return false;
  while (at < r->length) {
    const unsigned char *piece;
    int64_t part = next_piece(c, r->length - at, &piece);
    if (part <= 0) return false;
    size_t good = pattern_check(seed, at, piece, (size_t)part);
    if (good < (size_t)part && wrong == UINT64_MAX) wrong = at + good;
    at += (uint64_t)part;
  }
  char text[64];
  if (wrong == UINT64_MAX && n == r->length) return answer(c->fd, 200, "right\n");
  snprintf(text, sizeof text, "byte %llu of %llu\n", (unsigned long long)wrong, (unsigned long long)n);
  return answer(c->fd, 400, text);
}

static void *serve(void *arg) {
  conn_t c = conn_on((int)(intptr_t)arg, CHUNK);
  request_t r;
  unsigned long long n, seed;
  bool good = true;
  char text[32];
  while (good && read_request(&c, &r)) {
    if (!r.put && !strcmp(r.path, "/hello")) good = answer(c.fd, 200, "Hello, World!");
    else if (!r.put && sscanf(r.path, "/bytes/%llu/%llu", &n, &seed) == 2)
      good = send_pattern(c.fd, n, seed);
    else if (!r.put && !strcmp(r.path, "/file")) good = send_file(c.fd);
    else if (r.put && sscanf(r.path, "/check/%llu/%llu", &n, &seed) == 2)
      good = check_body(&c, &r, n, seed);
    else if (!r.put && !strcmp(r.path, "/connections")) {
      snprintf(text, sizeof text, "%ld", atomic_load(&connections));
      good = answer(c.fd, 200, text);
    } else good = answer(c.fd, 400, "no such thing\n") && !r.length;
    if (!r.keep) break;
  }
  conn_end(&c);
  atomic_fetch_sub(&connections, 1);
  return NULL;
}

static void *co_main(void *arg) {
  int one = 1, listener = co_tcp_listen("127.0.0.1", option.port, 0);
  if (listener < 0) return fprintf(stderr, "listen: %s\n", co_strerror(listener)), NULL;
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (;;) {
    int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
    if (fd < 0) return fprintf(stderr, "accept: %s\n", co_strerror(fd)), NULL;
    atomic_fetch_add(&connections, 1);
    int r = co_spawn(NULL, NULL, serve, (void *)(intptr_t)fd);
    if (r < 0) return fprintf(stderr, "spawn: %s\n", co_strerror(r)), NULL;
  }
  return arg;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  option.port = (uint16_t)atoi(argv[1]);
  option.vcpus = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
  option.file = argc > 3 ? argv[3] : NULL;
  signal(SIGPIPE, SIG_DFL); // a send to a peer that is gone must not raise it
  co_config_t cfg = {.size = sizeof cfg, .vcpus = option.vcpus};
  int r = co_run(&cfg, co_main, NULL, NULL);
  if (r < 0) fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return 1; // it serves until it is ended
}
