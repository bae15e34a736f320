// A Redis client: many connections, each with pipelines of commands, every reply checked.
//
//   redis PORT CONNECTIONS ROUNDS
//
// A round is a pipeline of SET, GET, INCR and an unknown command, whose error reply is expected; every
// tenth round has a value of a megabyte or so. A counter that all share tells at the end whether any
// INCR was lost or done twice.
#include "pattern.h"
#include "stream.h"

enum { DEPTH = 16, BIG = 1000003 };
static struct { uint16_t port; uint64_t connections, rounds; } option;
static uint64_t increments, replies, failures;

static bool bad(const char *what, const char *got, int64_t why) {
  fprintf(stderr, "redis: %s: %s (%lld)\n", what, got ? got : "", (long long)why);
  failures++;
  return false;
}

// A command as the protocol wants it: an array of strings. Gives the end of it.
static char *command(char *p, const char *a, const char *b, const unsigned char *value, size_t n) {
  p += sprintf(p, "*%d\r\n$%zu\r\n%s\r\n", 1 + (b != NULL) + (value != NULL), strlen(a), a);
  if (b) p += sprintf(p, "$%zu\r\n%s\r\n", strlen(b), b);
  if (!value) return p;
  p += sprintf(p, "$%zu\r\n", n);
  memcpy(p, value, n);
  memcpy(p + n, "\r\n", 2);
  return p + n + 2;
}

// The next reply must be the line `want`.
static bool reply_is(conn_t *c, const char *want) {
  int64_t why = 0;
  char *line = next_line(c, &why);
  if (!line || strcmp(line, want)) return bad(want, line, why);
  replies++;
  return true;
}
// The next reply must be the string that the pattern has for `seed`.
static bool reply_has(conn_t *c, uint64_t seed, size_t n) {
  int64_t why = 0;
  char *line = next_line(c, &why);
  if (!line || *line != '$' || strtoull(line + 1, NULL, 10) != n) return bad("a string", line, why);
  for (size_t at = 0; at < n;) {
    const unsigned char *piece;
    int64_t part = next_piece(c, n - at, &piece);
    if (part <= 0) return bad("the rest of a string", NULL, part);
    if (pattern_check(seed, at, piece, (size_t)part) != (size_t)part)
      return bad("wrong bytes", NULL, (int64_t)at);
    at += (size_t)part;
  }
  return reply_is(c, "");
}

// DEPTH commands of each kind in one piece, then all replies.
static bool pipeline(conn_t *c, uint64_t me, uint64_t round, char *out, unsigned char *value) {
  char key[64], want[64], *p = out;
  size_t n = round % 10 ? 10 + round * 7 % 300 : BIG;
  int depth = n == BIG ? 1 : DEPTH;
  for (int i = 0; i < depth; i++) {
    uint64_t seed = me * 1000003 + round * DEPTH + (uint64_t)i;
    snprintf(key, sizeof key, "key:%llu:%d", (unsigned long long)me, i);
    pattern_fill(seed, 0, value, n);
    p = command(p, "SET", key, value, n);
    p = command(p, "GET", key, NULL, 0);
    p = command(p, "INCR", "shared", NULL, 0);
    snprintf(key, sizeof key, "own:%llu", (unsigned long long)me);
    p = command(p, "INCR", key, NULL, 0);
    p = command(p, "NOSUCH", NULL, NULL, 0);
  }
  if (!send_all(c->fd, out, (size_t)(p - out))) return bad("send", NULL, 0);
  for (int i = 0; i < depth; i++) {
    static uint64_t own[1024];
    uint64_t seed = me * 1000003 + round * DEPTH + (uint64_t)i;
    int64_t why = 0;
    if (!reply_is(c, "+OK") || !reply_has(c, seed, n)) return false;
    char *line = next_line(c, &why);
    if (!line || *line != ':') return bad("a number", line, why);
    increments++;
    snprintf(want, sizeof want, ":%llu", (unsigned long long)++own[me]);
    if (!reply_is(c, want)) return false;
    line = next_line(c, &why);
    if (!line || strncmp(line, "-ERR unknown command", 20)) return bad("an error", line, why);
    replies += 3;
  }
  return true;
}

static void *client(void *arg) {
  uint64_t me = (uint64_t)(uintptr_t)arg;
  conn_t c = conn_on(dial(option.port), 64 * 1024);
  unsigned char *value = malloc(BIG);
  char *out = malloc(BIG + 64 * 1024);
  if (c.fd < 0 || !value || !out) bad("connect", NULL, c.fd);
  else
    for (uint64_t r = 0; r < option.rounds && !failures; r++)
      if (!pipeline(&c, me, r + me, out, value)) break;
  free(value);
  free(out);
  conn_end(&c);
  return NULL;
}

static void *co_main(void *arg) {
  co_t co[1024];
  for (uint64_t i = 0; i < option.connections; i++)
    if (co_spawn(&co[i], NULL, client, (void *)(uintptr_t)i) < 0) exit(1);
  for (uint64_t i = 0; i < option.connections; i++) co_join(co[i], NULL, CO_FOREVER);
  conn_t c = conn_on(dial(option.port), 4096);
  char want[64];
  int64_t why = 0;
  snprintf(want, sizeof want, "%llu", (unsigned long long)increments);
  if (c.fd < 0 || !send_all(c.fd, "GET shared\r\n", 12)) bad("connect", NULL, c.fd);
  else {
    char *line = next_line(&c, &why);
    if (!line || *line != '$') bad("a string", line, why);
    else reply_is(&c, want);
  }
  conn_end(&c);
  return arg;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  option.port = (uint16_t)atoi(argv[1]);
  option.connections = strtoull(argv[2], NULL, 10);
  option.rounds = strtoull(argv[3], NULL, 10);
  if (option.connections > 1024) return 2;
  co_config_t cfg = {.size = sizeof cfg, .vcpus = 1}; // so the counts need no lock
  int r = co_run(&cfg, co_main, NULL, NULL);
  if (r < 0) return fprintf(stderr, "co_run: %s\n", co_strerror(r)), 1;
  printf("%llu replies, %llu increments\n", (unsigned long long)replies, (unsigned long long)increments);
  return failures != 0;
}
