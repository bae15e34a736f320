// State Threads: coroutines of one OS thread. bench NAME [N] | http PORT 1
#include "http.h"
#include <st.h>

static const char *name;
static uint64_t N;
static st_thread_t spawn(void *(*f)(void *), void *arg, int joinable) {
  st_thread_t t = st_thread_create(f, arg, joinable, 16 * 1024);
  if (!t) fail(name, "st_thread_create");
  return t;
}
static st_thread_t *room(size_t n) {
  st_thread_t *v = malloc(n * sizeof *v);
  if (!v) fail(name, "no memory");
  return v;
}
static void join_all(st_thread_t *v, size_t n) {
  for (size_t i = 0; i < n; i++) st_thread_join(v[i], NULL);
}

// ---- yield2, yield1k, yield100k. 1.9 has no other yield than a sleep of no length.
static uint64_t each, t_begin, t_end;
static size_t tasks, begun, ended;
static void *yielder(void *arg) {
  if (++begun == tasks) t_begin = now_ns();
  while (begun < tasks) st_usleep(0);
  for (uint64_t i = 0; i < each; i++) st_usleep(0);
  if (++ended == tasks) t_end = now_ns();
  return arg;
}
static void yields(size_t t) {
  st_thread_t *v = room(t);
  tasks = t;
  for (int warm = 1; warm >= 0; warm--) {
    each = (warm ? N / 20 : N) / t + 1;
    begun = ended = 0;
    for (size_t i = 0; i < t; i++) v[i] = spawn(yielder, NULL, 1);
    join_all(v, t);
  }
  out(name, (double)(t_end - t_begin) / (double)(each * t), "ns");
}

// ---- spawn_join, spawn_batch
static void *empty(void *arg) { return arg; }
static void spawn_join(void) {
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    st_thread_join(spawn(empty, NULL, 1), NULL);
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
}
static void spawn_batch(void) {
  st_thread_t *v = room(N);
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    uint64_t t0 = now_ns();
    for (uint64_t i = 0; i < N; i++) v[i] = spawn(empty, NULL, 1);
    join_all(v, N);
    double ns = (double)(now_ns() - t0) / (double)N;
    if (ns < best) best = ns;
  }
  out(name, best, "ns");
}

// ---- pingpong: two flags, each with a condition variable
static st_cond_t there, back;
static int full_there, full_back;
static void put(int *full, st_cond_t c) {
  *full = 1;
  st_cond_signal(c);
}
static void get(int *full, st_cond_t c) {
  while (!*full) st_cond_wait(c);
  *full = 0;
}
static void *pong(void *arg) {
  for (uint64_t i = 0; i < N + N / 20; i++) {
    get(&full_there, there);
    put(&full_back, back);
  }
  return arg;
}
static void *ping(void *arg) {
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    put(&full_there, there);
    get(&full_back, back);
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  return arg;
}
static void pingpong(void) {
  st_thread_t v[2] = {spawn(pong, NULL, 1), spawn(ping, NULL, 1)};
  join_all(v, 2);
}

static void mutex_free(void) {
  st_mutex_t m = st_mutex_new();
  uint64_t t0 = 0, count = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    st_mutex_lock(m);
    count++;
    st_mutex_unlock(m);
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  if (count != N + N / 20) fail(name, "wrong count");
}

// ---- timers
struct sleep { uint32_t ms; int64_t late; };
static void *sleeper(void *arg) {
  struct sleep *s = arg;
  uint64_t t0 = now_ns();
  st_usleep((st_utime_t)s->ms * 1000);
  s->late = (int64_t)(now_ns() - t0) - (int64_t)s->ms * 1000000;
  return NULL;
}
static void timers(void) {
  st_thread_t *v = room(N);
  struct sleep *s = calloc(N, sizeof *s);
  int64_t *late = calloc(N, sizeof *late);
  uint64_t x = 42, early = 0;
  if (!s || !late) fail(name, "no memory");
  for (uint64_t i = 0; i < N; i++) s[i].ms = next_delay_ms(&x);
  double c0 = cpu_ms();
  uint64_t t0 = now_ns();
  for (uint64_t i = 0; i < N; i++) v[i] = spawn(sleeper, &s[i], 1);
  join_all(v, N);
  uint64_t wall = now_ns() - t0;
  double cpu = cpu_ms() - c0;
  for (uint64_t i = 0; i < N; i++) early += (late[i] = s[i].late) < 0;
  if (early) {
    fprintf(stderr, "%s: %llu of %llu, by %.0f us at most\n", name, (unsigned long long)early,
            (unsigned long long)N, -quantile(late, N, 0) / 1e3);
    skip(name, "sleeps end early: they count from the clock as it was read in the last idle turn");
  }
  out_timers(late, N, wall, cpu);
}

// ---- cancel_storm: a condition variable for all who receive; a cancel is an interrupt
static st_cond_t never;
static uint64_t cancelled;
static void *receiver(void *arg) {
  cancelled += st_cond_wait(never) == -1 && errno == EINTR;
  return arg;
}
static void *dreamer(void *arg) {
  cancelled += st_sleep(3600) == -1 && errno == EINTR;
  return arg;
}
static void cancel_storm(void) {
  st_thread_t *v = room(N);
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    cancelled = 0;
    for (uint64_t i = 0; i < N; i++) v[i] = spawn(i % 2 ? dreamer : receiver, NULL, 1);
    st_usleep(10000);
    uint64_t t0 = now_ns();
    for (uint64_t i = 0; i < N; i++) st_thread_interrupt(v[i]);
    join_all(v, N);
    double ns = (double)(now_ns() - t0) / (double)N;
    if (ns < best) best = ns;
    if (cancelled != N) fail(name, "not all ended by the cancel");
  }
  out(name, best, "ns");
  out("cancel_storm_ended", (double)N, "tasks");
}

// ---- parked
static void *parker(void *arg) {
  begun++;
  st_cond_wait(never);
  return arg;
}
static void parked(void) {
  char row[32];
  uint64_t rss = status_bytes("VmRSS"), pte = status_bytes("VmPTE");
  for (uint64_t i = 0; i < N; i++) spawn(parker, NULL, 0);
  while (begun < N) st_usleep(0);
  rss = status_bytes("VmRSS") - rss;
  pte = status_bytes("VmPTE") - pte;
  snprintf(row, sizeof row, "%s_pte", name);
  out(name, (double)rss / (double)N, "B/task");
  out(row, (double)pte / (double)N, "B/task");
  _exit(0);
}

// ---- http
static void *connection(void *arg) {
  st_netfd_t fd = arg;
  unsigned st = 0;
  char buf[4096];
  ssize_t r;
  while ((r = st_read(fd, buf, sizeof buf, ST_UTIME_NO_TIMEOUT)) > 0) {
    int n = http_feed(&st, buf, (size_t)r);
    while (n--)
      if (st_write(fd, RESP, RESP_LEN, ST_UTIME_NO_TIMEOUT) != (ssize_t)RESP_LEN) goto end;
  }
end:
  st_netfd_close(fd);
  return NULL;
}
static void http(int port) {
  st_netfd_t listener = st_netfd_open_socket(http_listen(port, 0)), c;
  while ((c = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT))) spawn(connection, c, 0);
  fail(name, "accept");
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  name = argv[1];
  raise_files(); // st_init takes the limit for good
  st_set_eventsys(ST_EVENTSYS_POLL); // Debian builds it without epoll, and select ends at 1,024 descriptors
  if (st_init()) fail(name, "st_init");
  there = st_cond_new();
  back = st_cond_new();
  never = st_cond_new();
#define IS(what, n) (!strcmp(name, what) && ((N = arg_n(argc, argv, 2, n)), 1))
  if (IS("yield2", 20000000)) yields(2);
  else if (IS("yield1k", 20000000)) yields(1000);
  else if (IS("yield100k", 20000000)) yields(100000);
  else if (IS("spawn_join", 2000000)) spawn_join();
  else if (IS("spawn_batch", 100000)) spawn_batch();
  else if (IS("pingpong", 5000000)) pingpong();
  else if (IS("mutex_free", 50000000)) mutex_free();
  else if (IS("timers", 100000)) timers();
  else if (IS("cancel_storm", 10000)) cancel_storm();
  else if (IS("parked", 1000000)) parked();
  else if (IS("parked30k", 30000)) parked();
  else if (IS("http", 8080) && arg_n(argc, argv, 3, 1) == 1) http((int)N);
  else skip(name, "State Threads has one OS thread, mutexes and conditions, no semaphores, channels or pool");
}
