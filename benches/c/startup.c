// The client of the startup workload: how long a server takes from exec to its first answer.
//
//   startup STARTS MINIMAL PROGRAM [ARG...]
//
// Starts PROGRAM http PORT 1 on CPU 0 again and again, each time on a port that is free, and from CPU 1 tries to connect without a pause until
// somebody listens, asks once, and takes the whole answer. Then MINIMAL ("-": there is none), from
// before exec until it has been waited for. Two starts of each come before, so that the files are in the
// page cache.
#include "http.h"
#include <sys/prctl.h>
#include <sys/wait.h>

enum { WARM = 2, PATIENCE_S = 20 };
static const char REQ[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char *const NAME = "startup";

static pid_t start(char **argv, uint64_t *t0) {
  *t0 = now_ns();
  pid_t child = vfork();
  if (child < 0) fail(NAME, "vfork");
  if (child) return child;
  pin_cpu(0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execv(argv[0], argv);
  _exit(127);
}
static struct rusage reap(pid_t child, int *status) {
  struct rusage r;
  if (wait4(child, status, 0, &r) != child) fail(NAME, "wait4");
  return r;
}
// A port of its own for each start: an io_uring is taken down after its process, and the listener with it.
static struct sockaddr_in free_port(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || getsockname(fd, (struct sockaddr *)&a, &len))
    fail(NAME, "no port");
  close(fd);
  return a;
}
// From another address: a socket that tries long enough would be connected to itself.
static int try_to_connect(const struct sockaddr_in *to) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
  struct linger hard = {1, 0}; // ends by RST: the port stays free for the next server
  struct timeval limit = {PATIENCE_S, 0};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own)) fail(NAME, "socket");
  if (connect(fd, (const struct sockaddr *)to, sizeof *to)) {
    close(fd);
    return -1;
  }
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return fd;
}
// One start: ns to the end of the first answer; adds the server's CPU time.
static int64_t first_answer(char **argv, char *port, double *cpu_us) {
  const struct sockaddr_in to = free_port();
  uint64_t t0;
  int fd, status;
  char got[RESP_LEN + 256];
  size_t n = 0;
  snprintf(port, 8, "%d", ntohs(to.sin_port));
  pid_t child = start(argv, &t0);
  while ((fd = try_to_connect(&to)) < 0) {
    if (waitpid(child, &status, WNOHANG) == child) {
      if (WIFEXITED(status) && WEXITSTATUS(status) == 3) skip(NAME, "it can't serve HTTP here");
      fail(NAME, "the server ended");
    }
    if (now_ns() - t0 > PATIENCE_S * 1000000000ull) fail(NAME, "the server does not listen");
  }
  if (send(fd, REQ, sizeof REQ - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof REQ - 1)) fail(NAME, "send");
  while (n < RESP_LEN) {
    ssize_t r = recv(fd, got + n, sizeof got - n, 0);
    if (r <= 0) fail(NAME, "no answer");
    n += (size_t)r;
  }
  int64_t took = (int64_t)(now_ns() - t0);
  if (n != RESP_LEN || memcmp(got, RESP, RESP_LEN)) fail(NAME, "another answer");
  close(fd);
  kill(child, SIGKILL);
  struct rusage r = reap(child, &status);
  *cpu_us += (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6;
  *cpu_us += (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
  return took;
}
static int64_t whole_run(char **argv) {
  uint64_t t0;
  int status;
  reap(start(argv, &t0), &status);
  int64_t took = (int64_t)(now_ns() - t0);
  if (!WIFEXITED(status) || WEXITSTATUS(status)) fail(NAME, "the minimal program failed");
  return took;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  size_t n = arg_n(argc, argv, 1, 100);
  char *minimal[] = {argv[2], NULL}, *server[64], port[8];
  int words = 0;
  double cpu = 0;
  int64_t *took = calloc(n ? n : 1, sizeof *took);
  if (!n || !took || argc > 50) fail(NAME, "STARTS is 0, or there are too many arguments");
  for (int i = 3; i < argc; i++) server[words++] = argv[i];
  server[words++] = (char *)(uintptr_t)"http";
  server[words++] = port;
  server[words++] = (char *)(uintptr_t)"1";
  server[words] = NULL;
  pin_cpu(1);
  for (size_t i = 0; i < n + WARM; i++) {
    if (i == WARM) cpu = 0;
    int64_t t = first_answer(server, port, &cpu);
    if (i >= WARM) took[i - WARM] = t;
  }
  out("startup", quantile(took, n, 0.5) / 1e3, "us");
  out("startup_p99", quantile(took, n, 0.99) / 1e3, "us");
  out("startup_cpu", cpu / (double)n, "us");
  if (!strcmp(argv[2], "-")) return 0;
  for (size_t i = 0; i < n + WARM; i++) {
    int64_t t = whole_run(minimal);
    if (i >= WARM) took[i - WARM] = t;
  }
  out("startup_min", quantile(took, n, 0.5) / 1e3, "us");
  return 0;
}
