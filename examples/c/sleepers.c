/* Many sleepers at once, each for a time of its own: what a thread each would cost too much for. None
 * wakes early; how late they wake is measured.   sleepers [COUNT] [LONGEST_MS]
 *
 * (The idea is that of Photon's example of the same purpose.) */
#include <inttypes.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>

#define MS INT64_C(1000000)

static int64_t *late; /* by sleeper, in nanoseconds */
static int64_t longest = 1000 * MS;

static void *sleeper(void *arg) {
  int64_t *mine = arg;
  /* A different time for each, spread over the whole. */
  int64_t ns = (int64_t)((uint64_t)(mine - late) * UINT64_C(2654435761) % (uint64_t)longest);
  int64_t due = co_now() + ns;
  co_sleep_until(due);
  *mine = co_now() - due;
  return NULL;
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void *co_main(void *arg) {
  size_t count = *(size_t *)arg;
  const co_attr_t attr = {.size = sizeof attr, .stack_size = 16 * 1024};
  co_t *all = calloc(count, sizeof *all);
  late = calloc(count, sizeof *late);
  if (!all || !late)
    return fprintf(stderr, "no memory\n"), NULL;
  int64_t start = co_now();
  for (size_t i = 0; i < count; i++) {
    int r = co_spawn(&all[i], &attr, sleeper, &late[i]);
    if (r < 0)
      return fprintf(stderr, "co_spawn: %s\n", co_strerror(r)), NULL;
  }
  for (size_t i = 0; i < count; i++)
    co_join(all[i], NULL, CO_FOREVER);
  int64_t took = co_now() - start;
  qsort(late, count, sizeof *late, by_size);
  printf("sleepers %zu\n", count);
  printf("took %.1f ms\n", (double)took / 1e6);
  printf("earliest %.1f us\n", (double)late[0] / 1e3); /* never below 0 */
  printf("late_p50 %.1f us\n", (double)late[count / 2] / 1e3);
  printf("late_p99 %.1f us\n", (double)late[count * 99 / 100] / 1e3);
  int ok = late[0] >= 0;
  free(all);
  free(late);
  return ok ? arg : NULL;
}

int main(int argc, char **argv) {
  size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
  if (argc > 2)
    longest = strtol(argv[2], NULL, 10) * MS;
  if (count < 1 || longest < MS)
    return fprintf(stderr, "usage: sleepers [COUNT] [LONGEST_MS]\n"), 2;
  const co_config_t cfg = {.size = sizeof cfg, .vcpus = 1};
  void *ok = NULL;
  int r = co_run(&cfg, co_main, &count, &ok);
  if (r < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return r < 0 || !ok;
}
