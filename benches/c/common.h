// What the C programs share: clock, process figures, output. Each is `bench NAME [N]`; see ../README.md.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

// CPU time of the process so far, user and system.
static inline double cpu_ms(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e3 +
         (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e3;
}

// A "KEY: N kB" line of /proc/self/status in bytes: "VmRSS" is resident memory, "VmPTE" page tables
// (which VmRSS does not count).
static inline uint64_t status_bytes(const char *key) {
  char line[256];
  unsigned long long kb = 0;
  size_t len = strlen(key);
  FILE *f = fopen("/proc/self/status", "r");
  if (!f) return 0;
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, key, len) && line[len] == ':') sscanf(line + len + 1, "%llu", &kb);
  fclose(f);
  return kb * 1024;
}

static inline void out(const char *name, double v, const char *unit) {
  printf("%s %.2f %s\n", name, v, unit);
  fflush(stdout);
}
static inline void skip(const char *name, const char *why) {
  fprintf(stderr, "%s: skipped: %s\n", name, why);
  exit(3);
}
static inline void fail(const char *name, const char *why) {
  fprintf(stderr, "%s: FAILED: %s\n", name, why);
  exit(1);
}
static inline void pin_cpu(int cpu) {
  cpu_set_t s;
  CPU_ZERO(&s);
  CPU_SET(cpu, &s);
  sched_setaffinity(0, sizeof s, &s);
}
static inline uint64_t arg_n(int argc, char **argv, int i, uint64_t dflt) {
  return argc > i ? strtoull(argv[i], NULL, 10) : dflt;
}

// The same delays in every program: 64-bit LCG, seed 42, delay = (x >> 33) % 1001 ms.
static inline uint32_t next_delay_ms(uint64_t *x) {
  *x = *x * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)((*x >> 33) % 1001);
}

static inline int cmp_i64(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}
// The value under which the share `q` of `v` lies. Sorts `v`.
static inline double quantile(int64_t *v, size_t n, double q) {
  qsort(v, n, sizeof *v, cmp_i64);
  size_t i = (size_t)((double)n * q);
  return (double)v[i < n ? i : n - 1];
}
static inline void out_timers(int64_t *late_ns, size_t n, uint64_t wall_ns, double cpu) {
  out("timers_wall", (double)wall_ns / 1e6, "ms");
  out("timers_cpu", cpu, "ms");
  out("timers_min", quantile(late_ns, n, 0) / 1e3, "us");
  out("timers_p50", quantile(late_ns, n, 0.5) / 1e3, "us");
  out("timers_p99", quantile(late_ns, n, 0.99) / 1e3, "us");
}

// What two ways of the same work cost, the handing over and the slot between, and the better one as `name`.
static inline void out_best(const char *name, double hand_over, double one_slot) {
  char row[64];
  out(name, hand_over < one_slot ? hand_over : one_slot, "ns");
  snprintf(row, sizeof row, "%s_0", name);
  out(row, hand_over, "ns");
  snprintf(row, sizeof row, "%s_1", name);
  out(row, one_slot, "ns");
}
// Of tasks that took turns for `took_ns`: the slowest one's number of turns over the fastest one's, and ns a turn.
static inline void out_fair(const char *name, const uint64_t *turns, size_t n, uint64_t took_ns) {
  uint64_t least = UINT64_MAX, most = 0, sum = 0;
  char row[64];
  for (size_t i = 0; i < n; i++) {
    if (turns[i] < least) least = turns[i];
    if (turns[i] > most) most = turns[i];
    sum += turns[i];
  }
  out(name, (double)least / (double)most, "x");
  snprintf(row, sizeof row, "%s_turn", name);
  out(row, (double)took_ns / (double)sum, "ns");
}

// What a cancelled task cost, and how many ended by it.
static inline void out_storm(const char *name, double each_ns, uint64_t ended) {
  char row[64];
  snprintf(row, sizeof row, "%s_ended", name);
  out(name, each_ns, "ns");
  out(row, (double)ended, "tasks");
}

// How late the others were beside what blocks, and how long that took.
static inline void out_blocking(const char *name, int64_t *late_ns, size_t n, uint64_t wall_ns) {
  static const struct { const char *tail; double q; } rows[] = {{"", 0.99}, {"_p50", 0.5}, {"_max", 1}};
  char row[64];
  for (int i = 0; i < 3; i++) {
    snprintf(row, sizeof row, "%s%s", name, rows[i].tail);
    out(row, quantile(late_ns, n, rows[i].q) / 1e3, "us");
  }
  snprintf(row, sizeof row, "%s_wall", name);
  out(row, (double)wall_ns / 1e6, "ms");
}

// The two halves of a round trip between sleepers: each side waits this long before it answers, by when
// the other's thread has gone to sleep in the kernel. Not part of the measured time.
#define ASLEEP_NS 200000u
static inline void spin_until(uint64_t t) {
  while (now_ns() < t) {}
}
