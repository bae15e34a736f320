/* A loop on all CPUs: the Mandelbrot set's area, row by row, and again on one CPU.
 *
 *   cc parallel.c libphotonrt.a && ./a.out [rows]
 */
#include <photonrt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static long rows = 400;

typedef struct {
  long size;
  atomic_long inside;
} set_t;

/* Rows differ in how long they take, so who is done with a part takes the next. */
static int some_rows(void *arg, uint64_t begin, uint64_t end) {
  set_t *set = arg;
  long inside = 0;
  for (long y = (long)begin; y < (long)end; y++)
    for (long x = 0; x < set->size; x++) {
      double ci = 2.5 * (double)y / (double)set->size - 1.25;
      double cr = 2.5 * (double)x / (double)set->size - 2.0, r = 0, i = 0;
      int n = 0;
      for (; n < 200 && r * r + i * i < 4; n++) {
        double t = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = t;
      }
      inside += n == 200;
    }
  atomic_fetch_add(&set->inside, inside);
  return 0; /* below 0 would end the loop */
}

static void *start(void *status) {
  set_t all = {.size = rows}, one = {.size = rows};
  co_for_attr_t alone = {.size = sizeof alone, .workers = 1};
  int64_t began = co_now();
  int err = co_parallel_for(0, (uint64_t)rows, 1, some_rows, &all, NULL, CO_FOREVER);
  int64_t between = co_now();
  if (err == 0)
    err = co_parallel_for(0, (uint64_t)rows, 1, some_rows, &one, &alone, CO_FOREVER);
  int64_t over = co_now();
  if (err < 0)
    fprintf(stderr, "%s\n", co_strerror(err));
  printf("area %.4f\n", 6.25 * (double)all.inside / ((double)rows * (double)rows));
  printf("all_vcpus %.2f ms\none_vcpu %.2f ms\n", (double)(between - began) / 1e6,
         (double)(over - between) / 1e6);
  *(int *)status = err < 0 || all.inside != one.inside;
  return NULL;
}

int main(int argc, char **argv) {
  int status = 1;
  if (argc > 1)
    rows = strtol(argv[1], NULL, 10);
  return co_run(NULL, start, &status, NULL) < 0 || status;
}
