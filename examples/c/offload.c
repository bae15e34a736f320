/* Work that would hold up a thread goes to the pool and comes back: a checksum of some megabytes, and
 * a library that sleeps by itself. A ticking coroutine on the same single vCPU shows that nobody is
 * held up meanwhile.
 *
 *   cc offload.c libphotonrt.a && ./a.out
 */
#define _POSIX_C_SOURCE 200809L
#include <photonrt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { JOBS = 4, BYTES = 8 << 20 };

typedef struct {
  unsigned char fill;
  uint32_t sum;
} job_t;

static int done, ticks, failed;

/* On a thread of the pool: it may compute and block as it likes. */
static void *checksum(void *arg) {
  job_t *job = arg;
  uint32_t a = 1, b = 0; /* Adler-32, as zlib has it */
  for (int i = 0; i < BYTES; i++) {
    a = (a + job->fill) % 65521;
    b = (b + a) % 65521;
  }
  job->sum = b << 16 | a;
  return job;
}

/* As a foreign library would: it knows of no coroutines. */
static void foreign_sleep(long ms) {
  struct timespec t = {0, ms * 1000000};
  nanosleep(&t, NULL);
}

static void *worker(void *arg) {
  void *result = NULL;
  int r = co_blocking(checksum, arg, &result, CO_FOREVER); /* arg may be on anybody's stack: it is waited for */
  if (r < 0 || result != arg)
    failed = 1;
  done++;
  return NULL;
}

/* Migratable: between enter and leave it is on another thread, and its vCPU goes on. */
static void *caller(void *arg) {
  co_blocking_enter();
  foreign_sleep(20);
  co_blocking_leave();
  done++;
  return arg;
}

static void *ticker(void *arg) {
  while (done < JOBS + 1) {
    ticks++;
    co_sleep(1000000);
  }
  return arg;
}

static void *co_main(void *arg) {
  job_t jobs[JOBS];
  co_t cos[JOBS + 2];
  co_attr_t migratable = {.size = sizeof migratable, .flags = CO_MIGRATABLE};
  int r = co_spawn(&cos[JOBS], &migratable, caller, NULL);
  if (r == 0)
    r = co_spawn(&cos[JOBS + 1], NULL, ticker, NULL);
  for (int i = 0; i < JOBS && r == 0; i++) {
    jobs[i] = (job_t){.fill = (unsigned char)(i + 1)};
    r = co_spawn(&cos[i], NULL, worker, &jobs[i]);
  }
  if (r < 0) {
    fprintf(stderr, "co_spawn: %s\n", co_strerror(r));
    exit(1);
  }
  for (int i = 0; i < JOBS + 2; i++)
    co_join(cos[i], NULL, CO_FOREVER);
  for (int i = 0; i < JOBS; i++)
    printf("adler32 of %d bytes of %d: %08lx\n", BYTES, i + 1, (unsigned long)jobs[i].sum);
  printf("the others had turns meanwhile: %s\n", ticks > 1 ? "yes" : "no");
  return failed || ticks < 2 ? NULL : arg;
}

int main(void) {
  void *ok = NULL;
  co_config_t config = {.size = sizeof config, .vcpus = 1};
  int r = co_run(&config, co_main, &ok, &ok);
  if (r < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return r < 0 || !ok;
}
