#include "stall.h"

/* The program's own function gets the stalls, with addresses; and all that may be set about them. */
typedef struct {
  pthread_mutex_t lock;
  int calls;
  co_stall_t last;
  int in_spin, in_entry;
} seen_t;

static seen_t seen = {.lock = PTHREAD_MUTEX_INITIALIZER};
static co_t expected;
static atomic_int urgent;
static int without_addresses;

static void on_stall(const co_stall_t *stall, void *arg) {
  seen_t *s = arg;
  CHECK(s == &seen);
  CHECK_EQ(stall->size, sizeof *stall);
  CHECK_EQ(co_self(), 0);
  CHECK_OK(co_sleep(MS)); /* as any thread */
  pthread_mutex_lock(&s->lock);
  s->calls++;
  s->last = *stall;
  s->in_spin = s->in_entry = 0;
  for (uint32_t i = 0; i < stall->depth; i++) {
    uintptr_t at = (uintptr_t)stall->addresses[i];
    s->in_spin |= at - (uintptr_t)spin < 512;
    s->in_entry |= at - (uintptr_t)spin_twice < 2048;
  }
  pthread_mutex_unlock(&s->lock);
}

static void check_last(const char *name, uint32_t blocked) {
  co_stall_t *s = &seen.last;
  uint64_t found = conf_stats().stalls;
  while (pthread_mutex_lock(&seen.lock) || seen.calls != (int)found) { /* counted first, then called */
    pthread_mutex_unlock(&seen.lock);
    CHECK_OK(co_sleep(MS));
  }
  CHECK_EQ(s->co, expected);
  CHECK_EQ(strcmp(s->name, name), 0);
  CHECK_EQ(s->vcpu, conf_vcpus());
  CHECK_EQ(s->group, co_group_self());
  CHECK_GE(s->duration_ns, 10 * MS);
  if (blocked != 2)
    CHECK_EQ(s->blocked, blocked);
  pthread_mutex_unlock(&seen.lock);
}

static void *blocks(void *arg) {
  while (conf_stats().stalls < *(uint64_t *)arg)
    usleep(20 * 1000);
  return arg;
}

static void run_named(co_entry_t fn, uint64_t *n, const char *name, uint32_t blocked) {
  co_attr_t attr = conf_attr();
  attr.vcpu = conf_vcpus();
  attr.name = name;
  attr.stack_size = 16 * 1024; /* the signal does not run on it */
  CHECK_OK(co_spawn(&expected, &attr, fn, n));
  conf_join(expected);
  check_last(name, blocked);
}

static void *main_fn(void *arg) {
  uint64_t n = 1;
  seen.calls = 0;
  run_named(spin_twice, &n, "computing", 0);
  CHECK_EQ(seen.in_spin, !without_addresses);
  CHECK_EQ(seen.in_entry, !without_addresses);
  n++;
  run_named(blocks, &n, "blocked", 2);
  CHECK_EQ(seen.last.depth > 1, !without_addresses);
  CHECK_EQ(conf_stats().stalls, 3);
  raise(SIGURG); /* not ours: for who had it before */
  return arg;
}

static void *quiet(void *arg) {
  burn(60 * MS);
  CHECK_OK(co_sleep(20 * MS));
  CHECK_EQ(conf_stats().stalls, 0);
  return arg;
}

static void on_urgent(int sig) {
  CHECK_EQ(sig, SIGURG);
  atomic_fetch_add(&urgent, 1);
}

static void body(void) {
  struct sigaction act = {.sa_handler = on_urgent}, after;
  CHECK_SYS(sigaction(SIGURG, &act, NULL));
  co_config_t cfg = conf_config();
  cfg.on_stall = on_stall;
  cfg.on_stall_arg = &seen;
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
  CHECK_EQ(atomic_load(&urgent), 1);
  CHECK_SYS(sigaction(SIGURG, NULL, &after));
  CHECK(after.sa_handler == on_urgent);

  without_addresses = 1;
  cfg.flags = CO_NO_SIGNALS;
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
  CHECK_EQ(atomic_load(&urgent), 2);

  seen.calls = 0;
  cfg.stall_ns = CO_FOREVER;
  CHECK_OK(co_run(&cfg, quiet, NULL, NULL));
  cfg.stall_ns = 3600 * SEC;
  CHECK_OK(co_run(&cfg, quiet, NULL, NULL));
  cfg.stall_ns = -2;
  CHECK_ERR(co_run(&cfg, quiet, NULL, NULL), EINVAL);
  cfg.stall_ns = 0;
  CHECK_SYS(setenv("PHOTONRT_STALL_MS", "0", 1));
  CHECK_OK(co_run(&cfg, quiet, NULL, NULL));
  CHECK_SYS(setenv("PHOTONRT_STALL_MS", "3600000", 1));
  CHECK_OK(co_run(&cfg, quiet, NULL, NULL));
  CHECK_SYS(setenv("PHOTONRT_STALL_MS", "ten", 1));
  CHECK_ERR(co_run(&cfg, quiet, NULL, NULL), EINVAL);
  CHECK_EQ(seen.calls, 0);
  CHECK_SYS(setenv("PHOTONRT_STALL_MS", "0", 1)); /* what the program says counts more */
  cfg.stall_ns = 10 * MS;
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
}

PLAIN_CASE(body)
