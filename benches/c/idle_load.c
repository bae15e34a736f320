// The client of the idle workload: very many connections to an HTTP server, of which few are active.
//
//   idle_load PORT PID,... CONNECTIONS SECONDS
//   idle_load limit                              prints how many descriptors a process may have here
//
// Opens the connections from several loopback addresses (one has 28,000 ports or so), each of which makes
// one request, so that whatever the server keeps for a connection has been in use. Then reads what
// the server has grown by and what the kernel has, and loads FEW of the connections and MANY of
// them in turn: each active one has one request under way, always. Prints the server's CPU time a request
// for both. The server may be several processes, and this one becomes several, where the limit of
// descriptors does not allow one to have them all:
//
//   worker 0 (measures)   worker 1 ...
//   open                  open            |
//   memory                                | a barrier between
//   load, cpu, load, cpu  load, load      | all of these
//   drain                 drain           |
#include "http.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { FEW = 64, MANY = 10000, PER_ADDRESS = 25000, TOGETHER = 256, TURNS = 3, PROCESSES = 64 };
static const char REQ[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char *const NAME = "idle";
static size_t me; // which worker
static int *fds;
static unsigned char *got; // bytes of the answer so far
static int ep;

static uint64_t number_in(const char *file, const char *key) {
  char line[256];
  unsigned long long n = 0;
  size_t len = strlen(key);
  FILE *f = fopen(file, "r");
  if (!f) fail(NAME, file);
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, key, len)) sscanf(line + len, " %llu", &n);
  fclose(f);
  return n;
}
static long pids[PROCESSES];
static int servers;
static const char *proc(int i, const char *file) {
  static char path[64];
  snprintf(path, sizeof path, "/proc/%ld/%s", pids[i], file);
  return path;
}
// Seconds of CPU that the server has used, and those of them outside of the kernel.
struct cpu { double all, user; };
static struct cpu server_cpu(void) {
  struct cpu sum = {0, 0};
  for (int i = 0; i < servers; i++) {
    char text[1024], *p;
    unsigned long long user, sys;
    FILE *f = fopen(proc(i, "stat"), "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    p = strrchr(text, ')'); // the name before it may hold anything
    if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys) != 2)
      fail(NAME, "the server is gone");
    sum.all += (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
    sum.user += (double)user / (double)sysconf(_SC_CLK_TCK);
  }
  return sum;
}
struct memory { double rss, pte, slab; };
static struct memory memory(void) {
  struct memory m = {0, 0, (double)number_in("/proc/meminfo", "Slab:") * 1024};
  for (int i = 0; i < servers; i++) {
    m.rss += (double)number_in(proc(i, "status"), "VmRSS:") * 1024;
    m.pte += (double)number_in(proc(i, "status"), "VmPTE:") * 1024;
  }
  return m;
}

static int dial(int port, size_t i) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  struct linger hard = {1, 0}; // ends by RST: no port stays in TIME_WAIT
  struct timeval limit = {10, 0};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(NAME, "socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(me * 8 + i / PER_ADDRESS));
  if (bind(fd, (struct sockaddr *)&a, sizeof a)) fail(NAME, "bind to another loopback address");
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons((uint16_t)port);
  if (connect(fd, (struct sockaddr *)&a, sizeof a)) fail(NAME, "connect");
  return fd;
}
static void ask(size_t i) {
  if (send(fds[i], REQ, sizeof REQ - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof REQ - 1)) fail(NAME, "send");
  got[i] = 0;
}
// Takes what is there of the answer on connection `i`; 1 when it is whole.
static int take(size_t i) {
  char buf[256];
  ssize_t n = recv(fds[i], buf, sizeof buf, 0);
  if (n <= 0 || (size_t)n > RESP_LEN - got[i]) fail(NAME, "no answer, or more than one");
  if (memcmp(buf, RESP + got[i], (size_t)n)) fail(NAME, "another answer");
  got[i] = (unsigned char)(got[i] + n);
  return got[i] == RESP_LEN;
}
static void open_all(int port, size_t n) {
  for (size_t from = 0; from < n; from += TOGETHER) {
    size_t end = from + TOGETHER < n ? from + TOGETHER : n;
    for (size_t i = from; i < end; i++) {
      struct epoll_event ev = {.events = EPOLLIN, .data.u64 = i};
      fds[i] = dial(port, i);
      if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev)) fail(NAME, "epoll");
      ask(i);
    }
    for (size_t i = from; i < end; i++)
      while (!take(i)) {}
  }
}

// Keeps `active` of the `n` connections busy until `end`; gives the answers received. `go`: the first
// requests are still to be sent.
static uint64_t load(size_t n, size_t active, uint64_t end, int go) {
  struct epoll_event ev[512];
  uint64_t answers = 0;
  size_t step = n / active;
  for (size_t i = 0; go && i < active; i++) ask(i * step);
  while (now_ns() < end) {
    int k = epoll_wait(ep, ev, 512, 100);
    for (int j = 0; j < k; j++)
      if (take(ev[j].data.u64)) {
        answers++;
        ask(ev[j].data.u64);
      }
  }
  return answers;
}
static void drain(size_t n, size_t active) {
  for (size_t i = 0; i < active; i++)
    while (!take(i * (n / active))) {}
}

// What the workers share.
static struct shared {
  pthread_barrier_t step;
  uint64_t begin;
  double answers[PROCESSES][2];
} *all;
static size_t workers;
static size_t share(size_t n) { return n / workers + (me < n % workers); }
static void step(void) { pthread_barrier_wait(&all->step); }
static volatile sig_atomic_t over;
static void child_ended(int sig) {
  int status;
  (void)sig;
  while (waitpid(-1, &status, WNOHANG) > 0)
    if (!over || status) _exit(1); // it has said why; the others end with this process
}

static void work(int port, size_t connections, uint64_t seconds) {
  struct memory before = {0, 0, 0}, after;
  size_t n = share(connections);
  const size_t active[2] = {FEW, MANY};
  struct cpu cpu[2] = {{0, 0}, {0, 0}}, c = {0, 0}, now = c;
  uint64_t length = seconds * 1000000000u / TURNS, warm = 300000000u;
  fds = malloc(n * sizeof *fds);
  got = calloc(n, 1);
  ep = epoll_create1(EPOLL_CLOEXEC);
  if (!fds || !got || ep < 0) fail(NAME, "no memory");
  if (!me) before = memory();
  step();
  open_all(port, n);
  step();
  if (!me) {
    usleep(200000);
    after = memory();
    out("idle_connections", (double)connections, "connections");
    out("idle_servers", (double)servers, "processes");
    out("idle", (after.rss - before.rss) / (double)connections, "B/connection");
    out("idle_pte", (after.pte - before.pte) / (double)connections, "B/connection");
    out("idle_kernel", (after.slab - before.slab) / (double)connections, "B/connection");
  }
  // In turn, so that what drifts hits both.
  for (int turn = 0; turn < TURNS; turn++)
    for (int j = 0; j < 2; j++) {
      if (!me) all->begin = now_ns();
      step();
      uint64_t from = all->begin + warm;
      load(n, share(active[j]), from, 1);
      if (!me) c = server_cpu();
      all->answers[me][j] += (double)load(n, share(active[j]), from + length, 0);
      if (!me) now = server_cpu();
      cpu[j].all += now.all - c.all;
      cpu[j].user += now.user - c.user;
      drain(n, share(active[j]));
      step();
    }
  for (size_t i = 1; !me && i < workers; i++)
    for (int j = 0; j < 2; j++) all->answers[0][j] += all->answers[i][j];
  if (me) return;
  const double *n_of = all->answers[0];
  double few = cpu[0].all * 1e6 / n_of[0], many = cpu[1].all * 1e6 / n_of[1];
  out("idle_cpu64", few, "us");
  out("idle_cpu10k", many, "us");
  out("idle_user64", cpu[0].user * 1e6 / n_of[0], "us");
  out("idle_user10k", cpu[1].user * 1e6 / n_of[1], "us");
  out("idle_cost", many / few, "x");
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "limit")) {
    printf("%llu\n", (unsigned long long)raise_files());
    return 0;
  }
  if (argc < 5) return 2;
  for (char *p = strtok(argv[2], ","); p && servers < PROCESSES; p = strtok(NULL, ","))
    pids[servers++] = atol(p);
  size_t n = strtoull(argv[3], NULL, 10), each = raise_files() - 64;
  workers = (n + each - 1) / each;
  all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_barrierattr_t a;
  if (workers > PROCESSES || n < MANY || all == MAP_FAILED) fail(NAME, "too many or too few connections");
  pthread_barrierattr_init(&a);
  pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&all->step, &a, (unsigned)workers);
  signal(SIGCHLD, child_ended);
  for (size_t i = 1; i < workers; i++) {
    pid_t child = fork();
    if (child < 0) fail(NAME, "fork");
    if (child) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    me = i;
    break;
  }
  work(atoi(argv[1]), n, strtoull(argv[4], NULL, 10));
  over = 1;
  step();
  return 0;
}
