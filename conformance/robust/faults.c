/* libs: -lseccomp */
#include "net.h"
#include "robust.h"
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Each system call that the runtime makes fails once, or a few times in a row, with each error that it
 * may give: the first, the second, ... of its calls, in a process of its own each time.
 *
 *     faults [-a] [-c CALL]
 *
 *   -a   each call in turn; without it a sample
 *   -c   this system call only
 *
 *   this process                              the process under test
 *     fork ---------------------------------> a bit of everything that the runtime does (`mix`)
 *     answers for the kernel  <---notify----  the chosen call
 *       "fails with ENOMEM", or "go on"
 *
 * A call of the API may fail, then; but what it says that it did it must have done. No run may hang,
 * abort, or leave descriptors open. (One exception: see `plans`.) Nothing has to be traced: a seccomp filter that the tested process
 * puts on itself sends its calls to this one. */

enum { LIMIT_MS = 20000, BURST = 20, SKIPPED = 77 };
enum { HANGS = -1, SINGLY = -1 };
enum { BODY = 24 << 10, PIECE = 3000 };

typedef struct {
  const char *call;
  int errors[8]; /* SINGLY, to begin with: not several in a row */
} plan_t;

static const plan_t plans[] = {
    {"io_uring_setup", {EPERM, ENOMEM, EMFILE, ENFILE}},
    {"io_uring_enter", {EINTR, EAGAIN, EBUSY, ENOMEM, EIO}},
    {"io_uring_register", {EPERM, ENOMEM, EMFILE}},
    {"epoll_create1", {EMFILE, ENFILE, ENOMEM}},
    {"epoll_ctl", {ENOMEM, ENOSPC}},
    {"epoll_pwait2", {EINTR, ENOSYS}},
    {"epoll_wait", {EINTR}},
    {"eventfd2", {EMFILE, ENFILE, ENOMEM}},
    {"ppoll", {EINTR, ENOMEM, EAGAIN}},
    {"pipe2", {EMFILE, ENFILE}},
    {"pipe", {EMFILE, ENFILE}},
    /* Without any memory a new thread does not get to code of ours: the C library ends the process. */
    {"mmap", {SINGLY, ENOMEM, EAGAIN}},
    {"munmap", {ENOMEM}},
    {"madvise", {ENOMEM, EAGAIN, EINVAL}},
    {"mprotect", {ENOMEM}},
    {"brk", {ENOMEM}},
    {"clone3", {EAGAIN, ENOMEM, ENOSYS}},
    {"futex", {EINTR, EAGAIN}},
    {"recvfrom", {EINTR, EAGAIN, ENOMEM, ENOBUFS, ECONNRESET}},
    {"sendto", {EINTR, EAGAIN, ENOMEM, ENOBUFS, EPIPE}},
    {"accept4", {EINTR, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED}},
    {"connect", {EINTR, EAGAIN, ENOBUFS, EADDRNOTAVAIL, ETIMEDOUT}},
    {"socket", {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
    {"bind", {EADDRINUSE, ENOMEM}},
    {"listen", {EADDRINUSE}},
    {"getsockopt", {ENOBUFS, ENOMEM}},
    {"setsockopt", {ENOBUFS, ENOMEM}},
    {"shutdown", {ENOTCONN}},
    {"preadv2", {EINTR, EAGAIN, EIO, ENOMEM, EOPNOTSUPP}},
    {"pwritev2", {EINTR, EAGAIN, EIO, ENOSPC, EOPNOTSUPP}},
    {"read", {EINTR, EAGAIN, EIO}},
    {"write", {EINTR}},
    {"pread64", {EINTR, EIO}},
    {"pwrite64", {EINTR, EIO, ENOSPC}},
    {"openat", {EINTR, EMFILE, ENFILE, ENOMEM}},
    {"openat2", {EINTR, EAGAIN, EMFILE, ENOSYS}},
    {"fsync", {EINTR, EIO}},
    {"fcntl", {EINTR, ENOMEM, EMFILE}},
    {"newfstatat", {ENOMEM, EIO}},
    {"fstat", {ENOMEM, EIO}},
    {"sigaltstack", {ENOMEM}},
    {"rt_sigaction", {ENOMEM}},
    {"clock_nanosleep", {EINTR}},
};

/* What both processes see. */
typedef struct {
  atomic_int filter; /* the descriptor's number in the tested process; 0: not yet */
  atomic_int go;
  uint64_t seen, failed; /* calls, and those that were made to fail */
} shared_t;

static shared_t *shared;

/* ---- the process under test ---- */

/* Nobody fails without a reason in 10 s: that would be a call that waits for what has happened. */
static const int64_t LONG = 10 * SEC;

static bool failed(int64_t r) {
  if (r == -ETIMEDOUT && shared->failed == 0)
    FAIL("a call waited for ten seconds");
  return r < 0;
}

typedef struct {
  int fd;
  uint64_t moved;
  bool socket, whole;
} end_t;

static void *sender(void *arg) {
  end_t *e = arg;
  unsigned char buf[PIECE];
  while (e->moved < BODY) {
    size_t n = BODY - e->moved < PIECE ? BODY - e->moved : PIECE;
    net_fill(buf, n, 3, e->moved);
    int64_t r = co_io_write(e->fd, buf, n, LONG);
    if (failed(r))
      return arg;
    e->moved += (uint64_t)r;
  }
  e->whole = true;
  return arg;
}

static void *receiver(void *arg) {
  end_t *e = arg;
  unsigned char buf[PIECE];
  for (int64_t r;; e->moved += (uint64_t)r) {
    r = e->socket ? co_io_recv(e->fd, buf, sizeof buf, 0, LONG) : co_io_read(e->fd, buf, sizeof buf, LONG);
    if (failed(r))
      return arg;
    net_same(buf, (size_t)r, 3, e->moved);
    if (r == 0) {
      e->whole = true;
      return arg;
    }
  }
}

/* A coroutine on vCPU `vcpu`, or the call made right here if there is none to be had. */
static co_t begin(uint32_t vcpu, co_entry_t fn, void *arg) {
  co_t co = 0;
  co_attr_t attr = conf_attr();
  attr.vcpu = vcpu;
  int r = co_spawn(&co, &attr, fn, arg);
  return r ? 0 : co;
}

static void end(co_t co) {
  if (co)
    CHECK_OK(co_join(co, NULL, CO_FOREVER));
}

/* Data goes from one end to the other; when both say that all went well it has. */
static void transfer(int in, int out, bool socket) {
  end_t from = {.fd = in}, to = {.fd = out, .socket = socket};
  co_t reading = begin(2, receiver, &to), writing = begin(1, sender, &from);
  if (reading == 0) /* nobody would take it: the sender sees that */
    co_io_close(out);
  end(writing);
  co_io_close(in);
  end(reading);
  if (reading)
    co_io_close(out);
  if (from.whole && to.whole)
    CHECK_EQ(to.moved, BODY);
  CHECK_GE(from.moved, to.moved);
}

static void *blocked(void *arg) {
  char c;
  int64_t r = co_io_read(*(int *)arg, &c, 1, CO_FOREVER);
  CHECK(r < 0);
  return arg;
}

/* A reader is called off, then another has its descriptor closed. */
static void stops(int fds[2]) {
  co_t co = begin(2, blocked, &fds[0]);
  co_sleep(MS);
  int r = co_cancel(co);
  CHECK(r == 0 || r == -ESRCH); /* it may have failed already */
  end(co);
  co = begin(2, blocked, &fds[0]);
  co_sleep(MS);
  CHECK_OK(co_io_close(fds[0]));
  end(co);
  CHECK_OK(co_io_close(fds[1]));
}

static void *connector(void *arg) {
  int *fds = arg; /* the listener, the result */
  struct sockaddr_in a;
  socklen_t len = sizeof a;
  fds[1] = co_io_socket(AF_INET, SOCK_STREAM, 0);
  if (fds[1] < 0 || getsockname(fds[0], (struct sockaddr *)&a, &len) ||
      failed(co_io_connect(fds[1], (struct sockaddr *)&a, len, LONG))) {
    if (fds[1] >= 0)
      co_io_close(fds[1]);
    fds[1] = -1;
    co_io_close(fds[0]); /* nobody will come */
    fds[0] = -1;
  }
  return arg;
}

static void tcp(void) {
  int fds[2] = {co_tcp_listen("127.0.0.1", 0, 0), -1}, in = -1;
  if (fds[0] < 0)
    return;
  int listener = fds[0];
  co_t co = begin(2, connector, fds);
  if (co)
    for (int tries = 0; tries < 100; tries++) {
      in = co_io_accept(listener, NULL, NULL, 0, LONG);
      if (!failed(in) || in == -EBADF)
        break;
      co_sleep(MS);
    }
  end(co);
  if (fds[0] >= 0)
    CHECK_OK(co_io_close(fds[0]));
  if (in >= 0 && fds[1] >= 0)
    transfer(in, fds[1], true);
  else if (in >= 0)
    co_io_close(in);
  else if (fds[1] >= 0)
    co_io_close(fds[1]);
}

static void file(void) {
  char name[64];
  unsigned char buf[PIECE], back[PIECE];
  snprintf(name, sizeof name, "faults.%d", (int)getpid());
  int fd = co_io_open(name, O_RDWR | O_CREAT, 0600, LONG);
  if (failed(fd))
    return;
  net_fill(buf, sizeof buf, 4, 0);
  int64_t wrote = co_io_pwrite(fd, buf, sizeof buf, 100, LONG);
  if (!failed(wrote)) {
    failed(co_io_fsync(fd, LONG));
    int64_t r = co_io_pread(fd, back, (size_t)wrote, 100, LONG);
    if (!failed(r))
      net_same(back, (size_t)r, 4, 0);
  }
  CHECK_OK(co_io_close(fd));
  unlink(name);
}

static void *on_thread(void *arg) {
  char c = 0;
  int64_t r = co_io_read(*(int *)arg, &c, 1, LONG);
  if (!failed(r))
    CHECK(r == 1 && c == 'x');
  return arg;
}

static void plain(int fds[2]) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, on_thread, &fds[0]) == 0) {
    co_sleep(MS);
    if (failed(co_io_write(fds[1], "x", 1, LONG)))
      CHECK_EQ(write(fds[1], "x", 1), 1);
    pthread_join(thread, NULL);
  }
  net_close(fds);
}

static int prepared[5][2]; /* made before anything fails */

static void *mix(void *arg) {
  co_group_t group;
  transfer(prepared[0][1], prepared[0][0], false);
  transfer(prepared[1][1], prepared[1][0], true);
  stops(prepared[2]);
  stops(prepared[3]);
  tcp();
  file();
  plain(prepared[4]);
  if (co_group_create(&group, NULL) == 0)
    CHECK_OK(co_group_destroy(group, CO_FOREVER));
  co_sleep(MS);
  return arg;
}

/* Of futex only the waits: a wake does not fail. */
static bool add_rules(scmp_filter_ctx filter, int number) {
  static const unsigned waits[] = {0 /* FUTEX_WAIT */, 9 /* FUTEX_WAIT_BITSET */};
  if (number != SCMP_SYS(futex))
    return !seccomp_rule_add(filter, SCMP_ACT_NOTIFY, number, 0);
  for (size_t i = 0; i < COUNT_OF(waits); i++)
    if (seccomp_rule_add(filter, SCMP_ACT_NOTIFY, number, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0x7f, waits[i])))
      return false;
  return true;
}

static void arm(const char *call) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int number = seccomp_syscall_resolve_name(call);
  if (!filter || number < 0 || seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) ||
      !add_rules(filter, number) || seccomp_load(filter))
    _exit(SKIPPED);
  int fd = seccomp_notify_fd(filter);
  if (fd < 0)
    _exit(SKIPPED);
  atomic_store(&shared->filter, fd);
  while (!atomic_load(&shared->go)) {
  }
}

static void tested(const char *call) {
  co_config_t cfg = conf_config();
  co_t co;
  cfg.vcpus = 2;
  conf_start();
  for (int i = 0; i < 5; i++)
    i % 2 ? net_unix_pair(prepared[i]) : (void)CHECK_SYS(pipe2(prepared[i], O_CLOEXEC));
  arm(call);
  int before = robust_files();
  int r = co_init(&cfg);
  if (r == 0) {
    r = co_spawn(&co, NULL, mix, NULL);
    if (r == 0)
      CHECK_OK(co_join(co, NULL, CO_FOREVER));
    CHECK_OK(co_shutdown(CO_FOREVER));
    before -= r ? 0 : 10;
  }
  CHECK_GE(before + 2, robust_files()); /* this thread's own two, if it has waited */
  _exit(0);
}

/* ---- the process that answers for the kernel ---- */

/* Answers one notification; `first` to `first + burst - 1` fail. */
static void answer(int fd, int error, uint64_t first, uint64_t burst) {
  struct seccomp_notif ask;
  struct seccomp_notif_resp reply;
  memset(&ask, 0, sizeof ask);
  memset(&reply, 0, sizeof reply);
  if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &ask))
    return; /* it has ended meanwhile */
  shared->seen++;
  reply.id = ask.id;
  if (shared->seen >= first && shared->seen < first + burst)
    reply.error = -error, shared->failed++;
  else
    reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static int64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Its exit status; HANGS. */
static int attend(pid_t pid, int pidfd, int error, uint64_t first, uint64_t burst) {
  int64_t limit = clock_ms() + LIMIT_MS;
  int status, fd = -1, asked = 0;
  for (;;) {
    if (waitpid(pid, &status, WNOHANG) == pid)
      break;
    if (fd < 0 && atomic_load(&shared->filter)) {
      fd = CHECK_SYS(syscall(SYS_pidfd_getfd, pidfd, atomic_load(&shared->filter), 0));
      atomic_store(&shared->go, 1);
    }
    struct pollfd p[2] = {{pidfd, POLLIN, 0}, {fd, POLLIN, 0}};
    CHECK_SYS(poll(p, 2, fd < 0 ? 1 : 1000));
    if (fd >= 0 && p[1].revents & POLLIN)
      answer(fd, error, first, burst);
    if (clock_ms() > limit) {
      kill(pid, asked++ ? SIGKILL : SIGQUIT); /* the first makes it print its coroutines */
      limit = clock_ms() + 2000;
    }
  }
  if (fd >= 0)
    close(fd);
  return asked ? HANGS : status;
}

static int run(const char *call, int error, uint64_t first, uint64_t burst, FILE *log) {
  memset(shared, 0, sizeof *shared);
  rewind(log);
  CHECK_SYS(ftruncate(fileno(log), 0));
  fflush(stdout);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    dup2(fileno(log), 1);
    dup2(fileno(log), 2);
    tested(call);
  }
  int pidfd = CHECK_SYS(syscall(SYS_pidfd_open, pid, 0));
  int status = attend(pid, pidfd, error, first, burst);
  close(pidfd);
  return status;
}

static void show(FILE *log) {
  char line[512];
  rewind(log);
  for (int i = 0; i < 40 && fgets(line, sizeof line, log); i++)
    printf("    | %s", line);
}

/* The next call to fail. A sample has the first two, and two of the rest. */
static uint64_t next(uint64_t at, bool all, uint64_t calls) {
  return at + (all || at < 2 ? 1 : calls / 2 + 1);
}

static bool try_plan(const plan_t *p, bool all, FILE *log, uint64_t *runs, uint64_t *hits) {
  bool good = true;
  int status = run(p->call, 0, 0, 0, log);
  if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
    printf("SKIPPED: %s: no such system call here, or no notifying filter\n", p->call);
    return true;
  }
  uint64_t calls = shared->seen;
  if (status) {
    printf("%s: fails without a fault\n", p->call);
    show(log);
    return false;
  }
  bool singly = p->errors[0] == SINGLY;
  for (int e = singly; e < 8 && p->errors[e]; e++)
    for (uint64_t at = 1; at <= calls; at = next(at, all, calls))
      for (uint64_t burst = 1; burst <= (singly ? 1 : BURST); burst += BURST - 1) {
        status = run(p->call, p->errors[e], at, burst, log);
        ++*runs, *hits += shared->failed;
        if (status == 0)
          continue;
        good = false;
        printf("FAILED: %s, call %llu of %llu and %llu on, %s: %s %d\n", p->call, (unsigned long long)at,
               (unsigned long long)calls, (unsigned long long)burst, strerrorname_np(p->errors[e]),
               status == HANGS ? "hangs" : WIFSIGNALED(status) ? "signal" : "exit",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        show(log);
      }
  printf("%s: %llu calls\n", p->call, (unsigned long long)calls);
  return good;
}

int main(int argc, char **argv) {
  bool all = false, good = true;
  const char *only = NULL;
  uint64_t runs = 0, hits = 0;
  for (int c; (c = getopt(argc, argv, "ac:")) != -1;) {
    if (c == 'a')
      all = true;
    else if (c == 'c')
      only = optarg;
    else
      return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  FILE *log = tmpfile();
  CHECK(shared != MAP_FAILED && log != NULL);
  for (size_t i = 0; i < COUNT_OF(plans); i++)
    if (!only || !strcmp(only, plans[i].call))
      good &= try_plan(&plans[i], all, log, &runs, &hits);
  printf("%llu runs, %llu calls failed: %s\n", (unsigned long long)runs, (unsigned long long)hits,
         good ? "no hang, abort or leak" : "FAILED");
  return good ? 0 : 1;
}
