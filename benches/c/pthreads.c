// Kernel threads, without a runtime: the baseline. bench NAME [N] | http PORT THREADS
//
// A task is a pthread with a stack of 64 KiB and the guard page that pthread_create gives. Work for one OS
// thread is here work on one CPU, on which the runner holds the process.
#include "http.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static const char *name;
static uint64_t N;
static pthread_attr_t attr;
static void spawn(pthread_t *t, void *(*f)(void *), void *arg) {
  int rc = pthread_create(t, &attr, f, arg);
  if (rc) {
    fprintf(stderr, "%s: pthread_create: %s\n", name, strerror(rc));
    skip(name, "the kernel gives no more threads (kernel.pid_max, vm.max_map_count, a container)");
  }
}
static pthread_t *room(size_t n) {
  pthread_t *v = malloc(n * sizeof *v);
  if (!v) fail(name, "no memory");
  return v;
}
static void join_all(pthread_t *v, size_t n) {
  for (size_t i = 0; i < n; i++) pthread_join(v[i], NULL);
}

// ---- yield2, yield1k: a switch, since sched_yield may return at once; the kernel counts them
static uint64_t each;
static size_t tasks;
static atomic_size_t begun, ended;
static uint64_t t_begin, t_end;
static void *yielder(void *arg) {
  if (atomic_fetch_add(&begun, 1) == tasks - 1) t_begin = now_ns();
  while (atomic_load(&begun) < tasks) sched_yield();
  for (uint64_t i = 0; i < each; i++) sched_yield();
  if (atomic_fetch_add(&ended, 1) == tasks - 1) t_end = now_ns();
  return arg;
}
static double switches(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_nvcsw + r.ru_nivcsw);
}
static void yields(size_t t) {
  pthread_t *v = room(t);
  double before = 0;
  tasks = t;
  for (int warm = 1; warm >= 0; warm--) {
    each = (warm ? N / 20 : N) / t + 1;
    atomic_store(&begun, 0);
    atomic_store(&ended, 0);
    before = switches();
    for (size_t i = 0; i < t; i++) spawn(&v[i], yielder, NULL);
    join_all(v, t);
  }
  double asked = (double)(each * t), made = switches() - before;
  out(name, (double)(t_end - t_begin) / (made < asked ? made : asked), "ns");
}

// ---- spawn_join, spawn_batch, spawn_mt
static void *empty(void *arg) { return arg; }
static void spawn_join(void) {
  pthread_t t;
  uint64_t t0 = 0;
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    spawn(&t, empty, NULL);
    pthread_join(t, NULL);
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
}
static void spawn_batch(void) {
  pthread_t *v = room(N);
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    uint64_t t0 = now_ns();
    for (uint64_t i = 0; i < N; i++) spawn(&v[i], empty, NULL);
    join_all(v, N);
    double ns = (double)(now_ns() - t0) / (double)N;
    if (ns < best) best = ns;
  }
  out(name, best, "ns");
}
static atomic_size_t left;
static void *tiny(void *arg) {
  atomic_fetch_sub(&left, 1);
  return arg;
}
// Joins by the hundred, for the number of threads is bounded.
static void *spawner(void *arg) {
  pthread_t v[100];
  for (size_t n = *(size_t *)arg; n;) {
    size_t some = n < 100 ? n : 100;
    for (size_t i = 0; i < some; i++) spawn(&v[i], tiny, NULL);
    join_all(v, some);
    n -= some;
  }
  return arg;
}
static void spawn_mt(void) {
  pthread_t v[2];
  uint64_t took = 0;
  for (int warm = 1; warm >= 0; warm--) {
    size_t half = (warm ? N / 10 : N) / 2;
    uint64_t t0 = now_ns();
    atomic_store(&left, half * 2);
    for (int i = 0; i < 2; i++) spawn(&v[i], spawner, &half);
    join_all(v, 2);
    took = now_ns() - t0;
    if (atomic_load(&left)) fail(name, "a thread did not run");
  }
  out(name, (double)took / (double)N, "ns");
}

// ---- pingpong, sem_pingpong: POSIX semaphores; _x on whatever CPUs the system likes
static sem_t there, back;
static void wait_for(sem_t *s) {
  while (sem_wait(s)) {}
}
static void *pong(void *arg) {
  for (uint64_t i = 0; i < N + N / 20; i++) {
    wait_for(&there);
    sem_post(&back);
  }
  return arg;
}
static void pingpong(void) {
  pthread_t t;
  uint64_t t0 = 0;
  sem_init(&there, 0, 0);
  sem_init(&back, 0, 0);
  spawn(&t, pong, NULL);
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    sem_post(&there);
    wait_for(&back);
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  pthread_join(t, NULL);
}

// ---- mutex_free, mutex64, mutex64_fair
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t count;
static inline void turn(void) {
  pthread_mutex_lock(&mutex);
  count++;
  pthread_mutex_unlock(&mutex);
}
static void mutex_free(void) {
  uint64_t t0 = 0;
  pthread_t t;
  spawn(&t, empty, NULL); // a process of several threads, in which locking is atomic
  for (uint64_t i = 0; i < N + N / 20; i++) {
    if (i == N / 20) t0 = now_ns();
    turn();
  }
  out(name, (double)(now_ns() - t0) / (double)N, "ns");
  if (count != N + N / 20) fail(name, "wrong count");
  pthread_join(t, NULL);
}
static void *locker(void *arg) {
  for (uint64_t i = 0; i < N / 64; i++) turn();
  return arg;
}
static void mutex64(void) {
  pthread_t v[64];
  uint64_t t0 = now_ns();
  for (int i = 0; i < 64; i++) spawn(&v[i], locker, NULL);
  join_all(v, 64);
  uint64_t took = now_ns() - t0;
  if (count != N / 64 * 64) fail(name, "wrong count");
  out(name, (double)took / (double)count, "ns");
}
static atomic_bool begin, over;
static void *racer(void *arg) {
  uint64_t mine = 0;
  atomic_fetch_add(&begun, 1);
  while (!atomic_load(&begin)) usleep(1000);
  for (; !atomic_load_explicit(&over, memory_order_relaxed); mine++) turn();
  *(uint64_t *)arg = mine;
  return NULL;
}
static void mutex64_fair(void) {
  pthread_t v[64];
  uint64_t turns[64];
  for (int i = 0; i < 64; i++) spawn(&v[i], racer, &turns[i]);
  while (atomic_load(&begun) < 64) usleep(1000);
  uint64_t t0 = now_ns();
  atomic_store(&begin, 1);
  usleep((useconds_t)N * 1000);
  atomic_store(&over, 1);
  uint64_t took = now_ns() - t0;
  join_all(v, 64);
  out_fair(name, turns, 64, took);
}

// ---- timers
struct sleep { uint32_t ms; int64_t late; };
static void *sleeper(void *arg) {
  struct sleep *s = arg;
  struct timespec t = {s->ms / 1000, (long)(s->ms % 1000) * 1000000};
  uint64_t t0 = now_ns();
  nanosleep(&t, NULL);
  s->late = (int64_t)(now_ns() - t0) - (int64_t)s->ms * 1000000;
  return NULL;
}
static void timers(void) {
  pthread_t *v = room(N);
  struct sleep *s = calloc(N, sizeof *s);
  int64_t *late = calloc(N, sizeof *late);
  uint64_t x = 42;
  if (!s || !late) fail(name, "no memory");
  for (uint64_t i = 0; i < N; i++) s[i].ms = next_delay_ms(&x);
  double c0 = cpu_ms();
  uint64_t t0 = now_ns();
  for (uint64_t i = 0; i < N; i++) spawn(&v[i], sleeper, &s[i]);
  join_all(v, N);
  uint64_t wall = now_ns() - t0;
  double cpu = cpu_ms() - c0;
  for (uint64_t i = 0; i < N; i++)
    if ((late[i] = s[i].late) < 0) fail(name, "a sleep ended early");
  out_timers(late, N, wall, cpu);
}

// ---- cancel_storm: pthread_cancel; the receivers wait for one condition variable
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static void unlock(void *m) { pthread_mutex_unlock(m); }
static void *receiver(void *arg) {
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(unlock, &mutex);
  count++;
  for (;;) pthread_cond_wait(&never, &mutex);
  pthread_cleanup_pop(1);
  return arg;
}
static void *dreamer(void *arg) {
  pthread_mutex_lock(&mutex);
  count++;
  pthread_mutex_unlock(&mutex);
  sleep(3600);
  return arg;
}
// Until all N have counted themselves, and time for them to block.
static void all_there(void) {
  for (uint64_t there_now = 0; there_now < N;) {
    usleep(10000);
    pthread_mutex_lock(&mutex);
    there_now = count;
    pthread_mutex_unlock(&mutex);
  }
  usleep(10000);
}
static void cancel_storm(void) {
  pthread_t *v = room(N);
  double best = 1e300;
  for (int r = 0; r < 5; r++) {
    uint64_t cancelled = 0;
    count = 0;
    for (uint64_t i = 0; i < N; i++) spawn(&v[i], i % 2 ? dreamer : receiver, NULL);
    all_there();
    uint64_t t0 = now_ns();
    for (uint64_t i = 0; i < N; i++) pthread_cancel(v[i]);
    for (uint64_t i = 0; i < N; i++) {
      void *how;
      pthread_join(v[i], &how);
      cancelled += how == PTHREAD_CANCELED;
    }
    double ns = (double)(now_ns() - t0) / (double)N;
    if (ns < best) best = ns;
    if (cancelled != N) fail(name, "not all ended by the cancel");
  }
  out(name, best, "ns");
  out("cancel_storm_ended", (double)N, "tasks");
}

// ---- blocking64: a thread may just block
static void *stuck(void *arg) {
  usleep((useconds_t)N * 1000);
  return arg;
}
struct late { int64_t *ns; size_t n, room; };
static void *other(void *arg) {
  struct late *l = arg;
  while (!atomic_load_explicit(&over, memory_order_relaxed)) {
    uint64_t t0 = now_ns();
    usleep(1000);
    if (l->n == l->room) fail(name, "more sleeps than there is time for");
    l->ns[l->n++] = (int64_t)(now_ns() - t0) - 1000000;
  }
  return NULL;
}
static void blocking64(void) {
  enum { OTHERS = 8 };
  pthread_t blocked[64], beside[OTHERS];
  struct late late[OTHERS];
  size_t room = N * 4 + 1000, all = 0;
  int64_t *ns = calloc(room * OTHERS, sizeof *ns);
  if (!ns) fail(name, "no memory");
  uint64_t t0 = now_ns();
  for (size_t i = 0; i < OTHERS; i++) {
    late[i] = (struct late){ns + i * room, 0, room};
    spawn(&beside[i], other, &late[i]);
  }
  for (int i = 0; i < 64; i++) spawn(&blocked[i], stuck, NULL);
  join_all(blocked, 64);
  uint64_t wall = now_ns() - t0;
  atomic_store(&over, 1);
  join_all(beside, OTHERS);
  for (size_t i = 0; i < OTHERS; i++) {
    memmove(ns + all, late[i].ns, late[i].n * sizeof *ns);
    all += late[i].n;
  }
  out_blocking(name, ns, all, wall);
  free(ns);
}

// ---- parked
static void parked(void) {
  char row[32];
  pthread_t t;
  uint64_t rss = status_bytes("VmRSS"), pte = status_bytes("VmPTE");
  for (uint64_t i = 0; i < N; i++) spawn(&t, receiver, NULL);
  all_there();
  rss = status_bytes("VmRSS") - rss;
  pte = status_bytes("VmPTE") - pte;
  snprintf(row, sizeof row, "%s_pte", name);
  out(name, (double)rss / (double)N, "B/task");
  out(row, (double)pte / (double)N, "B/task");
  _exit(0);
}

// ---- http: a thread a connection
static void *connection(void *arg) {
  int fd = (int)(intptr_t)arg;
  unsigned st = 0;
  char buf[4096];
  ssize_t r;
  while ((r = recv(fd, buf, sizeof buf, 0)) > 0) {
    int n = http_feed(&st, buf, (size_t)r);
    while (n--)
      if (send(fd, RESP, RESP_LEN, MSG_NOSIGNAL) != (ssize_t)RESP_LEN) goto end;
  }
end:
  close(fd);
  return NULL;
}
static void http(int port) {
  int listener = http_listen(port, 0), c;
  pthread_t t;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  while ((c = accept(listener, NULL, NULL)) >= 0) spawn(&t, connection, (void *)(intptr_t)c);
  fail(name, "accept");
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  name = argv[1];
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 64 * 1024);
#define IS(what, n) (!strcmp(name, what) && ((N = arg_n(argc, argv, 2, n)), 1))
  if (IS("yield2", 2000000)) yields(2);
  else if (IS("yield1k", 2000000)) yields(1000);
  else if (IS("spawn_join", 50000)) spawn_join();
  else if (IS("spawn_batch", 10000)) spawn_batch();
  else if (IS("spawn_mt", 50000)) spawn_mt();
  else if (IS("pingpong", 500000) || IS("sem_pingpong", 500000)) pingpong();
  else if (IS("pingpong_x", 100000)) pingpong();
  else if (IS("mutex_free", 50000000)) mutex_free();
  else if (IS("mutex64", 6400000)) mutex64();
  else if (IS("mutex64_fair", 1000)) mutex64_fair();
  else if (IS("timers", 10000)) timers();
  else if (IS("cancel_storm", 10000)) cancel_storm();
  else if (IS("blocking64", 1000)) blocking64();
  else if (IS("parked", 1000000) || IS("parked30k", 30000)) parked();
  else if (IS("http", 8080)) http((int)N);
  else if (!strcmp(name, "offload")) skip(name, "code that blocks is simply called");
  else if (!strcmp(name, "yield100k")) skip(name, "more threads than the kernel gives");
  else if (!strcmp(name, "skynet")) skip(name, "more threads than the kernel gives");
  else skip(name, "pthreads have no channels");
}
