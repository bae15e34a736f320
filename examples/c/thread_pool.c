/* Pools: many jobs on few coroutines that are used again, and jobs on threads of their own.
 *
 *   cc thread_pool.c libphotonrt.a && ./a.out [jobs]
 */
#include <photonrt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long ran, at_once, most;
static long jobs = 10000;

/* A request to somebody slow, say: no more than 8 at once, or they complain. */
static void *request(void *arg) {
  long now = atomic_fetch_add(&at_once, 1) + 1;
  if (now > atomic_load(&most))
    atomic_store(&most, now);
  co_sleep(100000);
  atomic_fetch_sub(&at_once, 1);
  atomic_fetch_add(&ran, 1);
  return arg;
}

static void *nothing(void *arg) { return arg; }

/* Something to compute. */
static void *count_primes(void *arg) {
  long n = 0, to = (long)(intptr_t)arg;
  for (long i = 2; i < to; i++) {
    long d = 2;
    while (d * d <= i && i % d)
      d++;
    n += d * d > i;
  }
  return (void *)(intptr_t)n;
}

static int failed(const char *what, int err) {
  fprintf(stderr, "%s: %s\n", what, co_strerror(err));
  return 1;
}

/* At most 8 at work; submitting waits when they all are, and 100 more are queued. */
static int bounded(void) {
  co_pool_t pool;
  co_pool_attr_t attr = {.size = sizeof attr, .max = 8, .queue = 100, .name = "request"};
  co_pool_info_t info = {.size = sizeof info};
  int err = co_pool_new(&pool, &attr);
  if (err < 0)
    return failed("co_pool_new", err);
  for (int i = 0; i < 1000 && err == 0; i++)
    err = co_pool_submit(pool, request, NULL, CO_FOREVER);
  if (err == 0)
    err = co_pool_wait(pool, CO_FOREVER);
  co_pool_info(pool, &info);
  printf("requests %ld\nat_once %ld\nworkers %u\n", (long)ran, (long)most, (unsigned)info.workers);
  int64_t began = co_now();
  for (long i = 0; i < jobs && err == 0; i++)
    err = co_pool_call(pool, nothing, NULL, NULL, CO_FOREVER);
  printf("call %.1f ns\n", (double)(co_now() - began) / (double)jobs);
  co_pool_close(pool, CO_FOREVER);
  return err < 0 ? failed("a job", err) : ran != 1000 || most > 8;
}

/* Two threads of its own, so that this one goes on meanwhile; the result comes back. */
static int own_threads(void) {
  co_pool_t pool;
  co_pool_attr_t attr = {.size = sizeof attr, .vcpus = 2, .name = "primes"};
  void *primes = NULL;
  int err = co_pool_new(&pool, &attr);
  if (err < 0)
    return failed("co_pool_new", err);
  err = co_pool_call(pool, count_primes, (void *)100000, &primes, CO_FOREVER);
  printf("primes %ld\n", (long)(intptr_t)primes);
  co_pool_close(pool, CO_FOREVER);
  return err < 0 ? failed("co_pool_call", err) : (intptr_t)primes != 9592;
}

static void *start(void *status) {
  *(int *)status = bounded() || own_threads();
  return NULL;
}

int main(int argc, char **argv) {
  int status = 1;
  if (argc > 1)
    jobs = strtol(argv[1], NULL, 10);
  int err = co_run(NULL, start, &status, NULL);
  return err < 0 ? failed("co_run", err) : status;
}
