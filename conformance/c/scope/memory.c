#include "check.h"
#include <sys/resource.h>

/* At the end of the heap: what has to be had for scopes, locals, timers, futures and waits
 * for signals is refused, and nothing else has changed; with memory again all of it works. */
enum { MOST = 1 << 16 };
static co_key_t key;
static co_timer_t timers[MOST];
static co_future_t futures[MOST];
static int marks[2];

struct block {
  struct block *next;
};

static uint64_t address_space(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long long pages = 0;
  CHECK(f && fscanf(f, "%llu", &pages) == 1);
  fclose(f);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* All that malloc still has, down to its smallest block. */
static struct block *fill(void) {
  struct block *all = NULL;
  for (size_t size = 1 << 20; size >= sizeof(struct block); size /= 2)
    for (struct block *b; (b = malloc(size)); all = b)
      b->next = all;
  return all;
}

static void release(struct block *all) {
  for (struct block *next; all; all = next) {
    next = all->next;
    free(all);
  }
}

static void never(co_timer_t timer, uint64_t expiries, void *arg) {
  FAIL("timer %" PRIu64 " expired %" PRIu64 " times, with %p", timer, expiries, arg);
}

static int start(co_timer_t *out) {
  co_timer_attr_t attr = {.size = sizeof attr, .delay_ns = 3600 * SEC};
  return co_timer_start(out, &attr, never, NULL);
}

static void *child(void *arg) { return arg; }

/* In a coroutine that has nothing of the kind yet. */
static void *refused(void *arg) {
  int *saved = arg, usr1 = SIGUSR1, ntimers = 0, nfutures = 0, r;
  struct rlimit l;
  co_scope_t scope = 77;
  co_binding_t binding = {0};
  CHECK_SYS(getrlimit(RLIMIT_AS, &l));
  rlim_t before = l.rlim_cur;
  l.rlim_cur = address_space();
  CHECK_SYS(setrlimit(RLIMIT_AS, &l));
  struct block *all = fill();
  CHECK_ERR(co_local_set(key, &marks[0]), ENOMEM);
  CHECK(co_local_get(key) == NULL);
  CHECK_ERR(co_scope_open(&scope, NULL), ENOMEM);
  CHECK_EQ(scope, 77);
  CHECK_OK(co_value_begin(&binding, &marks[0], &marks[1])); /* a coroutine's need none */
  CHECK_OK(co_value_end(&binding));
  CHECK(co_arena_alloc(1 << 16, 8) == NULL);
  while ((r = start(&timers[ntimers])) == 0)
    CHECK(++ntimers < MOST);
  CHECK_ERR(r, ENOMEM);
  while ((r = co_future_new(&futures[nfutures], 8)) == 0)
    CHECK(++nfutures < MOST);
  CHECK_ERR(r, ENOMEM);
  CHECK_ERR(co_signal_subscribe(&usr1, 1), ENOMEM);
  l.rlim_cur = before;
  CHECK_SYS(setrlimit(RLIMIT_AS, &l));
  release(all);
  for (int i = 0; i < ntimers; i++)
    CHECK_OK(co_timer_stop(timers[i], CO_FOREVER));
  for (int i = 0; i < nfutures; i++)
    CHECK_OK(co_future_free(futures[i]));
  CHECK_OK(co_local_set(key, &marks[0]));
  CHECK(co_local_get(key) == &marks[0]);
  CHECK_OK(co_value_begin(&binding, &marks[0], &marks[1]));
  CHECK_OK(co_scope_open(&scope, NULL));
  CHECK_OK(co_scope_spawn(scope, child, NULL));
  CHECK_OK(co_scope_wait(scope, CO_FOREVER));
  CHECK_OK(co_scope_close(scope));
  CHECK_OK(co_value_end(&binding));
  return saved;
}

static void body(void) {
  CHECK_OK(co_key_new(&key, NULL));
  /* Threads that have just begun need memory of their own: let them have it. */
  CHECK_OK(co_sleep(20 * MS));
  conf_join(conf_spawn(refused, NULL));
}

CASE(body)
