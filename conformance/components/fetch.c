// Fetches what /bytes/N/SEED says from an HTTP server over many connections, and checks every byte.
//
//   fetch PORT CONNECTIONS COUNT SIZES FILES
//
// Sizes are 0 to SIZES bytes, spread over FILES different ones. A connection is kept as long as the
// server keeps it.
#include "pattern.h"
#include "stream.h"

static struct { uint16_t port; uint64_t connections, count, sizes, files; } option;
static uint64_t next, fetched, bytes, dials, wrong;

static bool fail(const char *what, uint64_t k, int64_t why) {
  fprintf(stderr, "fetch: %llu: %s (%lld)\n", (unsigned long long)k, what, (long long)why);
  wrong++;
  return false;
}

// False: it went wrong, which has been said.
static bool fetch(conn_t *c, uint64_t k, bool *keep) {
  uint64_t seed = k % option.files, n = seed * option.sizes / option.files, length = UINT64_MAX, at = 0;
  char text[160], *line;
  const char *value;
  int64_t why = 0;
  int status, len = snprintf(text, sizeof text, "GET /bytes/%llu/%llu HTTP/1.1\r\nHost: localhost\r\n\r\n",
                             (unsigned long long)n, (unsigned long long)seed);
  if (!send_all(c->fd, text, (size_t)len)) return fail("send", k, 0);
  if (!(line = next_line(c, &why)) || sscanf(line, "HTTP/1.1 %d", &status) != 1)
    return fail("no answer", k, why);
  *keep = true;
  while ((line = next_line(c, &why)) && *line) {
    if ((value = header(line, "Content-Length"))) length = strtoull(value, NULL, 10);
    if ((value = header(line, "Connection"))) *keep = strcasecmp(value, "close") != 0;
  }
  if (!line) return fail("the head does not end", k, why);
  if (status != 200 || length != n) return fail("another answer, status", k, status);
  while (at < n) {
    const unsigned char *piece;
    int64_t part = next_piece(c, n - at, &piece);
    if (part <= 0) return fail("the body does not end", k, part);
    if (pattern_check(seed, at, piece, (size_t)part) != (size_t)part)
      return fail("wrong bytes", k, (int64_t)at);
    at += (uint64_t)part;
  }
  fetched++;
  bytes += n;
  return true;
}

static void *client(void *arg) {
  conn_t c = conn_on(-1, 32 * 1024);
  bool keep = true;
  while (next < option.count && !wrong) {
    uint64_t k = next++;
    if (c.fd < 0) {
      conn_use(&c, dial(option.port));
      if (c.fd < 0) {
        fail("connect", k, c.fd);
        break;
      }
      dials++;
    }
    if (!fetch(&c, k, &keep)) break;
    if (keep) continue;
    co_io_close(c.fd);
    c.fd = -1;
  }
  conn_end(&c);
  return arg;
}

static void *co_main(void *arg) {
  for (uint64_t i = 0; i < option.connections; i++)
    if (co_spawn(NULL, NULL, client, NULL) < 0) wrong++;
  return arg;
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  option.port = (uint16_t)atoi(argv[1]);
  option.connections = strtoull(argv[2], NULL, 10);
  option.count = strtoull(argv[3], NULL, 10);
  option.sizes = strtoull(argv[4], NULL, 10);
  option.files = strtoull(argv[5], NULL, 10);
  co_config_t cfg = {.size = sizeof cfg, .vcpus = 1}; // so the counts need no lock
  int r = co_run(&cfg, co_main, NULL, NULL);
  if (r < 0) return fprintf(stderr, "co_run: %s\n", co_strerror(r)), 1;
  printf("fetched %llu of %llu, %llu bytes, %llu connections\n", (unsigned long long)fetched,
         (unsigned long long)option.count, (unsigned long long)bytes, (unsigned long long)dials);
  return wrong || fetched != option.count;
}
