/* A million parked coroutines, each on a guarded stack of its own, on one vCPU: what each costs
 * in memory and time.  million [N]  Stacks of 16 KiB, the smallest: a parked coroutine has
 * touched one page of its stack whatever the size, but a page table page serves 2 MiB of address
 * space, so that the tables of 16 KiB stacks take a quarter of those of 64 KiB. The page tables
 * are the kernel's and not in the resident bytes, and are told apart here. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK = 16 * 1024 };

typedef struct {
  uint64_t resident, page_tables; /* bytes */
} memory_t;

static uint64_t parked, woken;

static void die(const char *what, int err) {
  fprintf(stderr, "%s: %s\n", what, co_strerror(err));
  exit(1);
}

static memory_t memory(void) {
  memory_t m = {0, 0};
  char line[256];
  unsigned long long kib;
  FILE *f = fopen("/proc/self/status", "r");
  if (!f) {
    perror("/proc/self/status");
    exit(1);
  }
  while (fgets(line, sizeof line, f)) {
    if (sscanf(line, "VmRSS: %llu kB", &kib) == 1)
      m.resident = kib * 1024;
    if (sscanf(line, "VmPTE: %llu kB", &kib) == 1)
      m.page_tables = kib * 1024;
  }
  fclose(f);
  return m;
}

static void *park(void *arg) {
  parked++; /* one vCPU: no other runs at the same time */
  int r = co_park(CO_FOREVER);
  if (r < 0)
    die("co_park", r);
  woken++;
  return arg;
}

static void *co_main(void *arg) {
  uint64_t n = *(uint64_t *)arg;
  co_attr_t attr = {.size = sizeof attr, .flags = CO_DETACHED, .stack_size = STACK};
  co_stats_t stats = {.size = sizeof stats};
  co_t *cos = malloc(n * sizeof *cos);
  if (!cos) {
    perror("malloc");
    exit(1);
  }
  memset(cos, 0xff, n * sizeof *cos); /* touched before the first look: not the coroutines' */

  memory_t before = memory();
  int64_t start = co_now();
  for (uint64_t i = 0; i < n; i++) {
    int r = co_spawn(&cos[i], &attr, park, NULL);
    if (r < 0)
      die("co_spawn", r);
  }
  int64_t spawned = co_now();
  while (parked < n)
    co_yield_now();
  int64_t all_parked = co_now();
  memory_t with = memory();
  int r = co_stats(&stats);
  if (r < 0)
    die("co_stats", r);

  printf("million_parked %" PRIu64 " coroutines\n", n);
  printf("million_guards_light %" PRIu64 " stacks\n", (uint64_t)stats.guards_light);
  printf("million_guards_mprotect %" PRIu64 " stacks\n", (uint64_t)stats.guards_mprotect);
  printf("million_resident_each %.0f bytes\n", (double)(with.resident - before.resident) / (double)n);
  double tables = (double)(with.page_tables - before.page_tables);
  printf("million_page_tables_each %.0f bytes\n", tables / (double)n);
  printf("million_spawn_each %.0f ns\n", (double)(spawned - start) / (double)n);
  printf("million_first_run_each %.0f ns\n", (double)(all_parked - spawned) / (double)n);
  fflush(stdout);

  int64_t wake = co_now();
  for (uint64_t i = 0; i < n; i++)
    if ((r = co_unpark(cos[i])) < 0)
      die("co_unpark", r);
  while (woken < n)
    co_yield_now();
  printf("million_wake_and_end_each %.0f ns\n", (double)(co_now() - wake) / (double)n);
  free(cos);
  return arg;
}

int main(int argc, char **argv) {
  uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
  co_config_t cfg = {.size = sizeof cfg, .vcpus = 1};
  if (n == 0) {
    fprintf(stderr, "usage: %s [N]\n", argv[0]);
    return 2;
  }
  int r = co_run(&cfg, co_main, &n, NULL);
  if (r < 0)
    die("co_run", r);
  return 0;
}
