// photonrt from C, over photonrt.h alone. bench NAME [N] | http PORT VCPUS. I/O is in photonrt_io.c, what
// coroutines do to each other in photonrt_sync.c and photonrt_chan.c.
//
// The library's defaults throughout (256 KiB stacks, every stack guarded); BENCH_STACK=BYTES in the
// environment sets another stack size, to see what it costs. Runs whatever engine PHOTONRT_ENGINE says.
#include "photonrt_bench.h"
#include <stdatomic.h>

const char *name;
uint64_t N;
uint64_t stack_bytes;
const char *path;
int port;
uint32_t vcpus;

static co_t *room(size_t n) {
  co_t *v = malloc(n * sizeof *v);
  if (!v) fail(name, "no memory");
  return v;
}
static co_stats_t stats(void) {
  co_stats_t s = {.size = sizeof s};
  must(co_stats(&s), "stats");
  return s;
}

// ---- yield2, yield1k, yield100k: one vCPU, the clock starts when the last has begun
size_t tasks;
static size_t begun, ended;
static uint64_t yields_each, t_begin, t_end;
static void *yielder(void *arg) {
  uint64_t k = yields_each;
  if (++begun == tasks) t_begin = now_ns();
  while (*(volatile size_t *)&begun < tasks) co_yield_now();
  for (uint64_t i = 0; i < k; i++) co_yield_now();
  if (++ended == tasks) t_end = now_ns();
  return arg;
}
static void *yields(void *arg) {
  co_t *v = room(tasks);
  for (int warm = 1; warm >= 0; warm--) {
    yields_each = (warm ? N / 20 : N) / tasks + 1;
    begun = ended = 0;
    for (size_t i = 0; i < tasks; i++) v[i] = spawn(yielder, NULL);
    for (size_t i = 0; i < tasks; i++) join(v[i]);
  }
  out(name, (double)(t_end - t_begin) / (double)(yields_each * tasks), "ns");
  free(v);
  return arg;
}

// ---- spawn_join, spawn_batch: one vCPU
static void *empty(void *arg) { return arg; }
static void *spawn_join(void *arg) {
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    join(spawn(empty, NULL));
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  return arg;
}
static void *spawn_batch(void *arg) {
  co_t *v = room(N);
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    uint64_t t0 = now_ns();
    for (uint64_t i = 0; i < N; i++) v[i] = spawn(empty, NULL);
    for (uint64_t i = 0; i < N; i++) join(v[i]);
    double each = (double)(now_ns() - t0) / (double)N;
    if (each < best) best = each;
  }
  out(name, best, "ns");
  free(v);
  return arg;
}

// spawn_group: children of a scope, which is then awaited
static void *spawn_group(void *arg) {
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    co_scope_attr_t attr = {.size = sizeof attr, .flags = CO_SCOPE_NO_RESULTS};
    co_scope_t scope;
    uint64_t t0 = now_ns();
    must(co_scope_open(&scope, &attr), "scope");
    for (uint64_t i = 0; i < N; i++) must(co_scope_spawn(scope, empty, NULL), "spawn");
    must(co_scope_wait(scope, CO_FOREVER), "wait");
    double each = (double)(now_ns() - t0) / (double)N;
    if (each < best) best = each;
    must(co_scope_close(scope), "close");
  }
  out(name, best, "ns");
  return arg;
}

// ---- spawn_mt: two vCPUs, a spawner on each
static _Atomic uint64_t left;
static co_t waiter;
static void *tiny(void *arg) {
  if (atomic_fetch_sub_explicit(&left, 1, memory_order_acq_rel) == 1) co_unpark(waiter);
  return arg;
}
static int flood;
static void *spawner(void *arg) {
  for (uint64_t i = 0, n = *(uint64_t *)arg; i < n; i++) {
    must(co_spawn(NULL, NULL, tiny, NULL), "spawn");
    if (i % 64 == 63 && !flood) co_yield_now();
  }
  return arg;
}
static double spawn_mt_once(uint64_t n) {
  uint64_t half = n / 2, t0 = now_ns();
  atomic_store(&left, half * 2);
  waiter = co_self();
  co_t a = spawn_on(1, spawner, &half), b = spawn_on(2, spawner, &half);
  while (atomic_load_explicit(&left, memory_order_acquire)) must(co_park(CO_FOREVER), "park");
  uint64_t took = now_ns() - t0;
  join(a);
  join(b);
  co_park(CO_NOW); // a wake that came late is not the next round's
  return (double)took / (double)n;
}
static void *spawn_mt(void *arg) {
  spawn_mt_once(N / 10);
  out(name, spawn_mt_once(N), "ns");
  flood = 1;
  out("spawn_mt_flood", spawn_mt_once(N / 10), "ns");
  return arg;
}

// ---- skynet: two vCPUs
struct node { uint64_t num, size, sum; };
static void *sky(void *arg) {
  struct node *me = arg, kid[10];
  co_t co[10];
  if (me->size == 1) {
    me->sum = me->num;
    return arg;
  }
  me->sum = 0;
  for (uint64_t i = 0; i < 10; i++) {
    kid[i] = (struct node){me->num + i * (me->size / 10), me->size / 10, 0};
    co[i] = spawn(sky, &kid[i]);
  }
  for (int i = 0; i < 10; i++) {
    join(co[i]);
    me->sum += kid[i].sum;
  }
  return arg;
}
static void *skynet(void *arg) {
  for (int r = 0; r < 2; r++) {
    struct node root = {0, N, 0};
    uint64_t t0 = now_ns();
    join(spawn(sky, &root));
    if (root.sum != N * (N - 1) / 2) fail(name, "wrong sum");
    if (r) out(name, (double)(now_ns() - t0) / 1e6, "ms");
  }
  return arg;
}

// ---- pingpong: park and unpark. On one vCPU; _x on two, one side each, on whatever CPUs the system puts
// them; _x_busy pinned to CPUs 0 and 1, while another coroutine of each vCPU yields all the time, so that
// neither sleeps.
static co_t side[2];
static int crossing, pinned;
static _Atomic int over;
static void *ping(void *arg) {
  uint64_t t0 = 0;
  if (pinned) pin_cpu(0);
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    must(co_unpark(side[1]), "unpark");
    must(co_park(CO_FOREVER), "park");
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  return arg;
}
static void *pong(void *arg) {
  if (pinned) pin_cpu(1);
  for (uint64_t i = 0; i < N + N / 20; i++) {
    must(co_park(CO_FOREVER), "park");
    must(co_unpark(side[0]), "unpark");
  }
  return arg;
}
static void *spinner(void *arg) {
  while (!atomic_load_explicit(&over, memory_order_relaxed)) co_yield_now();
  return arg;
}
static void *pingpong(void *arg) {
  co_t busy[2] = {0, 0};
  crossing = name[8] != 0;
  pinned = !strcmp(name, "pingpong_x_busy");
  if (pinned)
    for (uint32_t i = 0; i < 2; i++) busy[i] = spawn_on(i + 1, spinner, NULL);
  side[1] = spawn_on(crossing ? 2 : 1, pong, NULL);
  side[0] = spawn_on(1, ping, NULL);
  join(side[0]);
  join(side[1]);
  atomic_store(&over, 1);
  for (int i = 0; i < 2; i++)
    if (busy[i]) join(busy[i]);
  return arg;
}

// pingpong_x_sleep: pinned to CPUs 0 and 1; each side lets ASLEEP_NS pass before it answers, by when the
// other's vCPU sleeps in the kernel (the stats prove it: a wake-up system call a way). A way is timed
// from before the unpark to after the park, a round trip is the two ways; the median. The same as
// rt_futex_sleep of limit.c.
static uint64_t told_at;
static int64_t *way_there, *trip;
static void *sleepy_pong(void *arg) {
  pin_cpu(1);
  for (uint64_t i = 0; i < N; i++) {
    must(co_park(CO_FOREVER), "park");
    uint64_t woken = now_ns();
    way_there[i] = (int64_t)(woken - told_at);
    spin_until(woken + ASLEEP_NS);
    told_at = now_ns();
    must(co_unpark(side[0]), "unpark");
  }
  return arg;
}
static void *sleepy_ping(void *arg) {
  pin_cpu(0);
  uint64_t woken = now_ns();
  for (uint64_t i = 0; i < N; i++) {
    spin_until(woken + ASLEEP_NS);
    told_at = now_ns();
    must(co_unpark(side[1]), "unpark");
    must(co_park(CO_FOREVER), "park");
    woken = now_ns();
    trip[i] = (int64_t)(woken - told_at);
  }
  return arg;
}
static void *pingpong_x_sleep(void *arg) {
  way_there = calloc(N, sizeof *way_there);
  trip = calloc(N, sizeof *trip);
  if (!way_there || !trip) fail(name, "no memory");
  uint64_t before = stats().wakeups;
  side[1] = spawn_on(2, sleepy_pong, NULL);
  side[0] = spawn_on(1, sleepy_ping, NULL);
  join(side[0]);
  join(side[1]);
  double wakes = (double)(stats().wakeups - before) / (double)N;
  if (wakes < 1.9) {
    fprintf(stderr, "%s: %.2f wake-up system calls a round trip\n", name, wakes);
    fail(name, "the vCPUs did not sleep, so this is not what it says");
  }
  for (uint64_t i = 0; i < N; i++) trip[i] += way_there[i];
  out(name, quantile(trip, N, 0.5), "ns");
  return arg;
}

// ---- timers: one vCPU, each coroutine sleeps once
struct sleep { uint32_t ms; int64_t late; };
static void *sleeper(void *arg) {
  struct sleep *s = arg;
  uint64_t t0 = now_ns();
  must(co_sleep((int64_t)s->ms * 1000000), "sleep");
  s->late = (int64_t)(now_ns() - t0) - (int64_t)s->ms * 1000000;
  return arg;
}
static void *timers(void *arg) {
  co_t *v = room(N);
  struct sleep *s = calloc(N, sizeof *s);
  int64_t *late = calloc(N, sizeof *late);
  uint64_t x = 42;
  if (!s || !late) fail(name, "no memory");
  for (uint64_t i = 0; i < N; i++) s[i].ms = next_delay_ms(&x);
  double c0 = cpu_ms();
  uint64_t t0 = now_ns();
  for (uint64_t i = 0; i < N; i++) v[i] = spawn(sleeper, &s[i]);
  for (uint64_t i = 0; i < N; i++) join(v[i]);
  uint64_t wall = now_ns() - t0;
  double cpu = cpu_ms() - c0;
  for (uint64_t i = 0; i < N; i++)
    if ((late[i] = s[i].late) < 0) fail(name, "a sleep ended early");
  out_timers(late, N, wall, cpu);
  return arg;
}

// ---- parked: one vCPU, coroutines that ran and now wait, each stack guarded
static void *parker(void *arg) {
  begun++;
  must(co_park(CO_FOREVER), "park");
  return arg;
}
static void *parked(void *arg) {
  uint64_t rss = status_bytes("VmRSS"), pte = status_bytes("VmPTE");
  for (uint64_t i = 0; i < N; i++) must(co_spawn(NULL, NULL, parker, NULL), "spawn");
  while (*(volatile size_t *)&begun < N) co_yield_now();
  rss = status_bytes("VmRSS") - rss;
  pte = status_bytes("VmPTE") - pte;
  co_stats_t s = stats();
  if (s.guards_none || s.guards_light + s.guards_mprotect < N) fail(name, "there are stacks without a guard");
  char row[64];
  snprintf(row, sizeof row, "%s_pte", name);
  out(name, (double)rss / (double)N, "B/task");
  out(row, (double)pte / (double)N, "B/task");
  _exit(0); // taking them down is not the question
  return arg;
}

static const struct workload {
  const char *name;
  uint64_t n;
  uint32_t vcpus;
  size_t tasks;
  co_entry_t body;
} workloads[] = {
    {"yield2", 20000000, 1, 2, yields},
    {"yield1k", 20000000, 1, 1000, yields},
    {"yield100k", 20000000, 1, 100000, yields},
    {"spawn_join", 2000000, 1, 0, spawn_join},
    {"spawn_batch", 100000, 1, 0, spawn_batch},
    {"spawn_group", 100000, 1, 0, spawn_group},
    {"spawn_mt", 1000000, 2, 0, spawn_mt},
    {"skynet", 1000000, 2, 0, skynet},
    {"pingpong", 5000000, 1, 0, pingpong},
    {"pingpong_x", 100000, 2, 0, pingpong},
    {"pingpong_x_busy", 500000, 2, 0, pingpong},
    {"pingpong_x_sleep", 3000, 2, 0, pingpong_x_sleep},
    {"sem_pingpong", 5000000, 1, 0, sem_pingpong},
    {"chan_pingpong", 5000000, 1, 1, chan_pingpong},
    {"chan_pingpong_x", 100000, 2, 2, chan_pingpong},
    {"chan_1_1", 5000000, 2, 0, chan_shared},
    {"chan_n_1", 5000000, 2, 0, chan_shared},
    {"chan_n_m", 5000000, 2, 0, chan_shared},
    {"select8", 2000000, 1, 0, select8},
    {"mutex_free", 50000000, 1, 0, mutex_free},
    {"mutex64", 6400000, 2, 0, mutex64},
    {"mutex64_fair", 1000, 2, 0, mutex64_fair},
    {"timers", 100000, 1, 0, timers},
    {"cancel_storm", 10000, 1, 0, cancel_storm},
    {"offload", 100000, 1, 0, offload},
    {"blocking64", 1000, 2, 0, blocking64},
    {"parked", 1000000, 1, 0, parked},
    {"parked30k", 30000, 1, 0, parked},
    {"stream1", 20000, 1, 1, stream},
    {"stream2", 20000, 2, 2, stream},
    {"pread4k", 2000, 1, 64, pread4k},
    {"pread4k_direct", 2000, 1, 64, pread4k},
};

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  name = argv[1];
  stack_bytes = getenv("BENCH_STACK") ? strtoull(getenv("BENCH_STACK"), NULL, 10) : 0;
  if (!strcmp(name, "http")) {
    port = (int)arg_n(argc, argv, 2, 8080);
    vcpus = (uint32_t)arg_n(argc, argv, 3, 1);
    run(vcpus, http);
    return 0; // never: it serves until it is killed
  }
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
    const struct workload *w = &workloads[i];
    if (strcmp(name, w->name)) continue;
    N = arg_n(argc, argv, 2, w->n);
    tasks = w->tasks;
    path = argc > 3 ? argv[3] : NULL;
    run(w->vcpus, w->body);
    return 0;
  }
  skip(name, "not in this program");
}
