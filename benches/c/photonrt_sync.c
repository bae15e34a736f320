// photonrt's semaphores, mutexes, cancelling and blocking code; see photonrt.c.
#include "photonrt_bench.h"
#include <pthread.h>
#include <stdatomic.h>

// ---- sem_pingpong: one vCPU
static co_sem_t there, back;
static void *sem_ping(void *arg) {
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    must(co_sem_post(&there, 1), "post");
    must(co_sem_wait(&back, 1, CO_FOREVER), "wait");
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  return arg;
}
static void *sem_pong(void *arg) {
  for (uint64_t i = 0; i < N + N / 20; i++) {
    must(co_sem_wait(&there, 1, CO_FOREVER), "wait");
    must(co_sem_post(&back, 1), "post");
  }
  return arg;
}
void *sem_pingpong(void *arg) {
  co_t a = spawn(sem_pong, NULL), b = spawn(sem_ping, NULL);
  join(a);
  join(b);
  return arg;
}

// ---- mutex_free: one vCPU; mutex64, mutex64_fair: two, and 64 coroutines, half on each
static co_mutex_t mutex;
static uint64_t count;
static inline void turn(void) {
  must(co_mutex_lock(&mutex, CO_FOREVER), "lock");
  count++;
  must(co_mutex_unlock(&mutex), "unlock");
}
void *mutex_free(void *arg) {
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    turn();
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  if (count != N + N / 20) fail(name, "wrong count");
  return arg;
}
static void *locker(void *arg) {
  for (uint64_t i = 0; i < N / 64; i++) turn();
  return arg;
}
static void lockers(co_entry_t body, co_t co[64], uint64_t turns[64]) {
  for (uint32_t i = 0; i < 64; i++) co[i] = spawn_on(i % 2 + 1, body, turns ? &turns[i] : NULL);
}
void *mutex64(void *arg) {
  co_t co[64];
  uint64_t t0 = now_ns();
  lockers(locker, co, NULL);
  for (int i = 0; i < 64; i++) join(co[i]);
  uint64_t took = now_ns() - t0;
  if (count != N / 64 * 64) fail(name, "wrong count");
  out(name, (double)took / (double)count, "ns");
  return arg;
}
static atomic_int arrived;
static atomic_bool race_begun, race_over;
// A thread keeps the clock, for the coroutines may leave a vCPU no turn.
static void *race_clock(void *arg) {
  while (atomic_load(&arrived) < 64) usleep(1000);
  uint64_t t0 = now_ns();
  atomic_store(&race_begun, 1);
  usleep((useconds_t)N * 1000);
  atomic_store(&race_over, 1);
  *(uint64_t *)arg = now_ns() - t0;
  return NULL;
}
static void *racer(void *arg) {
  uint64_t *turns = arg, mine = 0;
  atomic_fetch_add(&arrived, 1);
  while (!atomic_load(&race_begun)) must(co_sleep(1000000), "sleep");
  for (; !atomic_load_explicit(&race_over, memory_order_relaxed); mine++) turn();
  *turns = mine;
  return NULL;
}
void *mutex64_fair(void *arg) {
  co_t co[64];
  uint64_t turns[64], took = 0;
  pthread_t clock;
  if (pthread_create(&clock, NULL, race_clock, &took)) fail(name, "no thread");
  lockers(racer, co, turns);
  for (int i = 0; i < 64; i++) join(co[i]);
  pthread_join(clock, NULL);
  out_fair(name, turns, 64, took);
  return arg;
}

// ---- cancel_storm: one vCPU
static co_chan_t never;
static size_t blocked;
static void *until_cancelled(void *arg) {
  uint64_t v;
  blocked++; // seen by nobody before this blocks: there is one vCPU
  return (void *)(intptr_t)(arg ? co_sleep(3600 * 1000000000ll) : co_chan_recv(never, &v, CO_FOREVER));
}
void *cancel_storm(void *arg) {
  double best = 1e300;
  co_t *v = malloc(N * sizeof *v);
  if (!v) fail(name, "no memory");
  must(co_chan_new(&never, sizeof(uint64_t), 0), "chan_new");
  for (int r = 0; r < 5; r++) {
    uint64_t cancelled = 0;
    blocked = 0;
    for (uint64_t i = 0; i < N; i++) v[i] = spawn(until_cancelled, (void *)(uintptr_t)(i % 2));
    while (*(volatile size_t *)&blocked < N) co_yield_now();
    uint64_t t0 = now_ns();
    for (uint64_t i = 0; i < N; i++) must(co_cancel(v[i]), "cancel");
    for (uint64_t i = 0; i < N; i++) {
      void *result;
      must(co_join(v[i], &result, CO_FOREVER), "join");
      cancelled += (intptr_t)result == -ECANCELED;
    }
    double each = (double)(now_ns() - t0) / (double)N;
    if (cancelled != N) fail(name, "a task ended otherwise");
    if (each < best) best = each;
  }
  out_storm(name, best, N);
  free(v);
  return arg;
}

// ---- offload: one vCPU and the thread that the runtime takes
static void *nothing(void *arg) { return arg; }
void *offload(void *arg) {
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    must(co_blocking(nothing, NULL, NULL, CO_FOREVER), "blocking");
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  return arg;
}

// ---- blocking64: two vCPUs; 64 coroutines block for N ms each, eight others sleep 1 ms at a time meanwhile
enum { MS = 1000000, OTHERS = 8 };
static int over;
struct late { int64_t *ns; size_t n, room; };
static void *stuck_fn(void *arg) {
  usleep((useconds_t)N * 1000);
  return arg;
}
static void *stuck(void *arg) {
  must(co_blocking(stuck_fn, NULL, NULL, CO_FOREVER), "blocking");
  return arg;
}
static void *other(void *arg) {
  struct late *l = arg;
  while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
    uint64_t t0 = now_ns();
    must(co_sleep(MS), "sleep");
    if (l->n == l->room) fail(name, "more sleeps than there is time for");
    l->ns[l->n++] = (int64_t)(now_ns() - t0) - MS;
  }
  return NULL;
}
void *blocking64(void *arg) {
  co_t blocked[64], beside[OTHERS];
  struct late late[OTHERS];
  size_t room = N * 4 + 1000, all = 0; // a stall of three times N would still fit
  int64_t *ns = calloc(room * OTHERS, sizeof *ns);
  if (!ns) fail(name, "no memory");
  uint64_t t0 = now_ns();
  for (size_t i = 0; i < OTHERS; i++) {
    late[i] = (struct late){ns + i * room, 0, room};
    beside[i] = spawn_on((uint32_t)i % 2 + 1, other, &late[i]);
  }
  for (int i = 0; i < 64; i++) blocked[i] = spawn(stuck, NULL);
  for (int i = 0; i < 64; i++) join(blocked[i]);
  uint64_t wall = now_ns() - t0;
  __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < OTHERS; i++) join(beside[i]);
  for (size_t i = 0; i < OTHERS; i++) {
    memmove(ns + all, late[i].ns, late[i].n * sizeof *ns);
    all += late[i].n;
  }
  out_blocking(name, ns, all, wall);
  free(ns);
  return arg;
}
