/* Skynet (after atemerev/skynet on GitHub, a benchmark written in many languages): every node
 * spawns ten children and gives the sum of theirs, down to a million leaves that give their own
 * number.  skynet [LEAVES] [VCPUS]        (LEAVES: a power of ten) */
#include <inttypes.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 10, ROUNDS = 2 };

/* Number and size travel in the argument, and the sum in the result. */
_Static_assert(sizeof(void *) == 8, "an argument holds two 32-bit numbers");

static const co_attr_t attr = {.size = sizeof attr, .stack_size = 16 * 1024};

static void die(const char *what, int err) {
  fprintf(stderr, "%s: %s\n", what, co_strerror(err));
  exit(1);
}

static void *pack(uint32_t number, uint32_t size) {
  return (void *)(uintptr_t)((uint64_t)size << 32 | number);
}

static void *node(void *arg) {
  uint32_t number = (uint32_t)(uintptr_t)arg, size = (uint32_t)((uintptr_t)arg >> 32);
  co_t children[WIDTH];
  uintptr_t sum = 0;
  int r;
  if (size == 1)
    return (void *)(uintptr_t)number;
  for (uint32_t i = 0; i < WIDTH; i++)
    if ((r = co_spawn(&children[i], &attr, node, pack(number + i * (size / WIDTH), size / WIDTH))) < 0)
      die("co_spawn", r);
  for (int i = 0; i < WIDTH; i++) {
    void *result;
    if ((r = co_join(children[i], &result, CO_FOREVER)) < 0)
      die("co_join", r);
    sum += (uintptr_t)result;
  }
  return (void *)sum;
}

static void *co_main(void *arg) {
  uint32_t leaves = *(uint32_t *)arg;
  uint64_t expected = (uint64_t)leaves * (leaves - 1) / 2;
  for (int round = 1; round <= ROUNDS; round++) { /* the second has the first one's stacks */
    int64_t start = co_now();
    uint64_t sum = (uint64_t)(uintptr_t)node(pack(0, leaves));
    double ms = (double)(co_now() - start) / 1e6;
    if (sum != expected) {
      fprintf(stderr, "the sum is %" PRIu64 " and not %" PRIu64 "\n", sum, expected);
      exit(1);
    }
    printf("skynet_round_%d %.0f ms\n", round, ms);
    fflush(stdout);
  }
  return arg;
}

int main(int argc, char **argv) {
  uint32_t leaves = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000, power = 1;
  co_config_t cfg = {.size = sizeof cfg, .vcpus = argc > 2 ? (uint32_t)atoi(argv[2]) : 1};
  while (power < leaves && power < 1000000000)
    power *= 10;
  if (power != leaves) {
    fprintf(stderr, "usage: %s [LEAVES] [VCPUS]; LEAVES is a power of ten\n", argv[0]);
    return 2;
  }
  int r = co_run(&cfg, co_main, &leaves, NULL);
  if (r < 0)
    die("co_run", r);
  return 0;
}
