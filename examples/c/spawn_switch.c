/* What a spawn with its join costs, and what a yield costs among two and among a thousand
 * coroutines, on one vCPU.  spawn_switch */
#include <inttypes.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPAWNS = 1000000, YIELDS = 10000000, BEST_OF = 3, MOST = 1000 };

/* Shared by the yielders: only one of them runs at a time. */
typedef struct {
  uint32_t running, count;
  uint64_t turns; /* of each */
  int64_t start;
} ring_t;

static void die(const char *what, int err) {
  fprintf(stderr, "%s: %s\n", what, co_strerror(err));
  exit(1);
}

static void *empty(void *arg) {
  return arg;
}

static double spawn_join(void) {
  int64_t start = co_now();
  for (int i = 0; i < SPAWNS; i++) {
    co_t co;
    int r = co_spawn(&co, NULL, empty, NULL);
    if (r < 0 || (r = co_join(co, NULL, CO_FOREVER)) < 0)
      die("spawn and join", r);
  }
  return (double)(co_now() - start) / SPAWNS;
}

static void *yielder(void *arg) {
  ring_t *ring = arg;
  if (++ring->running == ring->count)
    ring->start = co_now(); /* the clock starts when all are there */
  while (ring->running < ring->count)
    co_yield_now();
  for (uint64_t i = 0; i < ring->turns; i++)
    co_yield_now();
  return NULL;
}

static double yields(uint32_t count) {
  static co_t cos[MOST];
  ring_t ring = {.count = count, .turns = YIELDS / count};
  for (uint32_t i = 0; i < count; i++) {
    int r = co_spawn(&cos[i], NULL, yielder, &ring);
    if (r < 0)
      die("co_spawn", r);
  }
  for (uint32_t i = 0; i < count; i++) { /* main is blocked meanwhile, and not in the ring */
    int r = co_join(cos[i], NULL, CO_FOREVER);
    if (r < 0)
      die("co_join", r);
  }
  return (double)(co_now() - ring.start) / (double)(ring.turns * count);
}

static void *co_main(void *arg) {
  double spawn = 1e9, two = 1e9, thousand = 1e9, ns;
  for (int i = 0; i < BEST_OF; i++) {
    spawn = (ns = spawn_join()) < spawn ? ns : spawn;
    two = (ns = yields(2)) < two ? ns : two;
    thousand = (ns = yields(MOST)) < thousand ? ns : thousand;
  }
  printf("spawn_join %.1f ns\n", spawn);
  printf("yield_2 %.2f ns\n", two);
  printf("yield_1000 %.2f ns\n", thousand);
  return arg;
}

int main(void) {
  co_config_t cfg = {.size = sizeof cfg, .vcpus = 1};
  int r = co_run(&cfg, co_main, NULL, NULL);
  if (r < 0)
    die("co_run", r);
  return 0;
}
