/* A custom group: its coroutines run only where and when the host runs their tokens. A priority
 * scheduler; tokens on several threads; I/O, sleeps, channels to other groups through poll and fd; every
 * outcome of a token and every error. */
#include "../check.h"
#include <poll.h>

enum { TOKENS = 256, ROUNDS = 40 };

/* A host: what has become ready, by priority (of a coroutine's name: "0", "1", ...). */
typedef struct {
  pthread_mutex_t lock;
  co_token_t queue[10][TOKENS];
  uint32_t first[10], last[10], given;
  co_group_t group;
  atomic_int stop;
} host_t;

static void on_ready(void *ctx, co_token_t token, co_t co) {
  host_t *h = ctx;
  CHECK_EQ(co_self(), 0); /* as on a plain thread */
  CHECK(token != 0);
  CHECK_ERR(co_token_run(token), EBUSY);
  int p = conf_info(co).name[0] - '0';
  p = p >= 0 && p < 10 ? p : 9;
  pthread_mutex_lock(&h->lock);
  h->queue[p][h->last[p]++ % TOKENS] = token;
  h->given++;
  pthread_mutex_unlock(&h->lock);
}

static co_token_t take(host_t *h) {
  co_token_t token = 0;
  pthread_mutex_lock(&h->lock);
  for (int p = 0; p < 10 && !token; p++)
    if (h->first[p] != h->last[p])
      token = h->queue[p][h->first[p]++ % TOKENS];
  pthread_mutex_unlock(&h->lock);
  return token;
}

static void create(host_t *h) {
  co_group_attr_t ga = {.size = sizeof ga, .flags = CO_GROUP_CUSTOM, .on_ready = on_ready, .ctx = h};
  memset(h, 0, sizeof *h);
  pthread_mutex_init(&h->lock, NULL);
  CHECK_OK(co_group_create(&h->group, &ga));
  CHECK_EQ(co_group_vcpu_count(h->group), 1);
}

static co_t spawn(host_t *h, const char *name, co_entry_t fn, void *arg) {
  co_attr_t attr = conf_attr();
  co_t co = 0;
  attr.group = h->group;
  attr.name = name;
  CHECK_OK(co_spawn(&co, &attr, fn, arg));
  return co;
}

static void joined(co_t co, void *result) {
  void *got = NULL;
  CHECK_OK(co_join(co, &got, CO_NOW));
  CHECK(got == result);
}

static char order[64];
static size_t ordered;

static void *note(void *arg) {
  order[ordered++] = *(char *)arg;
  co_yield_now();
  order[ordered++] = *(char *)arg;
  return arg;
}

/* Spawned in one order, run in another: by priority, first come first served within one. */
static void *priorities(void *arg) {
  host_t h;
  create(&h);
  co_t c = spawn(&h, "2", note, "c"), a = spawn(&h, "0", note, "a"), b = spawn(&h, "1", note, "b"),
       d = spawn(&h, "2", note, "d");
  CHECK_EQ(ordered, 0);
  CHECK_EQ(co_group_poll(h.group, CO_NOW), 4);
  CHECK_EQ(co_group_poll(h.group, CO_NOW), 0);
  CHECK_EQ(h.given, 4);
  int ready = 0, gone = 0;
  for (co_token_t token; (token = take(&h));) {
    int r = co_token_run(token);
    CHECK(r == CO_TOKEN_READY || r == CO_TOKEN_GONE);
    ready += r == CO_TOKEN_READY;
    gone += r == CO_TOKEN_GONE;
    CHECK_ERR(co_token_run(token), ESRCH); /* good once */
  }
  CHECK_EQ(ready, 4);
  CHECK_EQ(gone, 4);
  CHECK(!memcmp(order, "aabbcdcd", 8));
  joined(a, "a"), joined(b, "b"), joined(c, "c"), joined(d, "d");
  CHECK_EQ(co_group_poll(h.group, 1 * MS), 0);
  CHECK_OK(co_group_destroy(h.group, CO_FOREVER));
  return arg;
}

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  CHECK_OK(co_sleep(2 * MS));
  return arg;
}

static co_group_t home;

static void *mover(void *arg) {
  CHECK_OK(co_migrate(co_self(), home, CO_VCPU_ANY));
  CHECK_EQ(co_group_self(), home);
  return arg;
}

static void *outcomes(void *arg) {
  host_t h;
  create(&h);
  int fd = co_group_fd(h.group);
  CHECK_GE(fd, 0);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  CHECK_EQ(poll(&p, 1, 0), 0);
  co_t co = spawn(&h, "0", parked, &h);
  CHECK_EQ(poll(&p, 1, 5000), 1); /* a wake makes it readable */
  CHECK_EQ(co_group_poll(h.group, CO_NOW), 1);
  CHECK_EQ(poll(&p, 1, 0), 0);
  co_token_t token = take(&h);
  CHECK_EQ(conf_info(co).state, CO_STATE_FRESH);
  CHECK_EQ(co_token_run(token), CO_TOKEN_PARKED);
  CHECK_ERR(co_token_run(token), ESRCH);
  CHECK_EQ(take(&h), 0);
  CHECK_ERR(co_group_destroy(h.group, CO_NOW), EAGAIN);
  CHECK_OK(co_unpark(co));
  CHECK_EQ(co_group_poll(h.group, CO_FOREVER), 1);
  CHECK_EQ(conf_info(co).state, CO_STATE_READY);
  CHECK_EQ(co_group_poll(h.group, CO_NOW), 0); /* a token is given once */
  int64_t start = co_now();
  CHECK_EQ(co_token_run(take(&h)), CO_TOKEN_PARKED); /* it sleeps */
  CHECK_EQ(poll(&p, 1, 5000), 1);                    /* a timer makes it readable */
  CHECK_GE(co_now() - start, 1 * MS);
  CHECK_EQ(co_group_poll(h.group, SEC), 1);
  CHECK_GE(co_now() - start, 2 * MS);
  CHECK_EQ(co_token_run(take(&h)), CO_TOKEN_GONE);
  joined(co, &h);

  co_attr_t attr = conf_attr();
  attr.group = h.group;
  attr.flags = CO_MIGRATABLE;
  CHECK_OK(co_spawn(&co, &attr, mover, &h));
  CHECK_EQ(co_group_poll(h.group, SEC), 1);
  CHECK_EQ(co_token_run(take(&h)), CO_TOKEN_GONE); /* to the other group */
  void *result = NULL;
  CHECK_OK(co_join(co, &result, CO_FOREVER));
  CHECK(result == &h);
  /* Moved away by somebody else while it has a token. */
  CHECK_OK(co_spawn(&co, &attr, mover, &h));
  CHECK_EQ(co_group_poll(h.group, SEC), 1);
  token = take(&h);
  CHECK_OK(co_migrate(co, home, 1));
  CHECK_EQ(co_group_poll(h.group, CO_NOW), 0);
  CHECK_ERR(co_token_run(token), ESRCH);
  CHECK_OK(co_join(co, &result, CO_FOREVER));
  /* Cancelled while it has one: it runs, and finds out. */
  co = spawn(&h, "0", parked, &h);
  const co_token_t forged[] = {0, 1, UINT64_MAX, token ^ 1, token + (UINT64_C(1) << 32)};
  for (size_t i = 0; i < COUNT_OF(forged); i++)
    CHECK_ERR(co_token_run(forged[i]), ESRCH);
  CHECK_EQ(co_group_poll(h.group, SEC), 1);
  CHECK_EQ(co_token_run(take(&h)), CO_TOKEN_PARKED);
  CHECK_OK(co_unpark(co));
  CHECK_EQ(co_group_poll(h.group, SEC), 1);
  CHECK_EQ(co_token_run(take(&h)), CO_TOKEN_PARKED);
  CHECK_EQ(co_group_poll(h.group, SEC), 1);
  CHECK_EQ(co_token_run(take(&h)), CO_TOKEN_GONE);
  CHECK_OK(co_join(co, NULL, CO_NOW));
  CHECK_OK(co_group_destroy(h.group, CO_FOREVER));
  CHECK_ERR(co_group_poll(h.group, CO_NOW), ESRCH);
  return arg;
}

/* Workers on several threads run what there is; one waits for more. */
static void *worker(void *arg) {
  host_t *h = arg;
  while (!atomic_load(&h->stop)) {
    co_token_t token = take(h);
    if (!token) {
      usleep(100);
      continue;
    }
    int r;
    while ((r = co_token_run(token)) == -EBUSY)
      usleep(20);
    CHECK_GE(r, 0);
  }
  return NULL;
}

static void *poller(void *arg) {
  host_t *h = arg;
  while (!atomic_load(&h->stop)) {
    int64_t r = co_group_poll(h->group, 5 * MS);
    if (r == -ESRCH)
      break; /* destroyed */
    CHECK(r >= 0 || r == -EBUSY);
  }
  return NULL;
}

typedef struct {
  int id, fds[2];
  int *inside, *rounds;
} job_t;

static void *elsewhere(void *arg) {
  CHECK_EQ(co_group_self(), home);
  co_yield_now();
  return arg;
}

/* All of one group: never two at once, on whatever threads. */
static void *job(void *arg) {
  job_t *j = arg;
  char c = 0;
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_EQ((*j->inside)++, 0);
    for (int k = 0; k < 50; k++)
      __asm__ volatile("" ::: "memory");
    CHECK_EQ(--*j->inside, 0);
    ++*j->rounds;
    if (i % 5 == 0)
      CHECK_OK(co_sleep((i % 3) * 50 * US));
    else if (i % 5 == 1)
      CHECK_OK(co_group_call(home, elsewhere, NULL, NULL, CO_FOREVER));
    else if (i % 10 == 3) {
      CHECK_EQ(co_blocking_enter(), 1);
      usleep(20);
      CHECK_EQ(co_blocking_leave(), 0);
    } else if (i % 5 == 2) {
      CHECK_EQ(co_io_write(j->fds[1], &c, 1, CO_FOREVER), 1);
      CHECK_EQ(co_io_read(j->fds[0], &c, 1, CO_FOREVER), 1);
    } else
      co_yield_now();
  }
  return arg;
}

static void *threads(void *arg) {
  enum { JOBS = 20, WORKERS = 3 };
  static host_t h;
  static job_t jobs[JOBS];
  co_t all[JOBS];
  int inside = 0, rounds = 0;
  create(&h);
  pthread_t pool[WORKERS], poll_thread = conf_thread(poller, &h);
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = (job_t){.id = i, .inside = &inside, .rounds = &rounds};
    CHECK_SYS(pipe(jobs[i].fds));
    all[i] = spawn(&h, i % 2 ? "1" : "0", job, &jobs[i]);
  }
  for (int i = 0; i < WORKERS; i++)
    pool[i] = conf_thread(worker, &h);
  for (int i = 0; i < JOBS; i++)
    CHECK_OK(co_join(all[i], NULL, CO_FOREVER));
  CHECK_EQ(rounds, JOBS * ROUNDS);
  CHECK_OK(co_group_destroy(h.group, CO_FOREVER));
  atomic_store(&h.stop, 1);
  for (int i = 0; i < WORKERS; i++)
    conf_thread_join(pool[i]);
  conf_thread_join(poll_thread);
  return arg;
}

static void errors(void) {
  host_t h;
  co_group_t group = 7;
  co_group_attr_t ga = {.size = sizeof ga, .flags = CO_GROUP_CUSTOM};
  CHECK_ERR(co_group_create(&group, &ga), EINVAL); /* no on_ready */
  ga.on_ready = on_ready;
  ga.vcpus = 2;
  CHECK_ERR(co_group_create(&group, &ga), EINVAL);
  ga.vcpus = 1;
  ga.flags = CO_GROUP_CUSTOM | CO_GROUP_EXTERNAL;
  CHECK_ERR(co_group_create(&group, &ga), EINVAL);
  ga.flags = 0;
  CHECK_ERR(co_group_create(&group, &ga), EINVAL); /* on_ready of another kind */
  CHECK_EQ(group, 7);
  create(&h);
  CHECK_ERR(co_group_poll(h.group, CO_NOW), EDEADLK); /* in a coroutine */
  CHECK_ERR(co_token_run(1), EDEADLK);
  CHECK_OK(co_group_destroy(h.group, CO_FOREVER));
}

static void body(void) {
  home = co_group_self();
  errors();
  conf_on_thread(priorities, NULL);
  conf_on_thread(outcomes, NULL);
  conf_on_thread(threads, NULL);
}

CASE(body)
