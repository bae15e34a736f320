#include "net.h"
#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Children: one each, any of several, stopped ones; two who wait for one; and the vCPU goes on. */
static pid_t child(int delay_ms, int code) {
  pid_t pid = fork();
  CHECK_SYS(pid);
  if (pid == 0) {
    usleep((useconds_t)delay_ms * 1000);
    _exit(code);
  }
  return pid;
}

/* One that ends when it is told to. */
static int gate[2];

static pid_t held(int code) {
  CHECK_SYS(pipe2(gate, O_CLOEXEC));
  pid_t pid = fork();
  CHECK_SYS(pid);
  if (pid == 0) {
    char c;
    close(gate[1]);
    while (read(gate[0], &c, 1) < 0) {
    }
    _exit(code);
  }
  return pid;
}

static void let_go(void) {
  net_close(gate);
}

static void *let_go_later(void *arg) {
  CHECK_OK(co_sleep(3 * MS));
  let_go();
  return arg;
}

static pid_t sleeper(void) {
  pid_t pid = fork();
  CHECK_SYS(pid);
  if (pid == 0) {
    for (;;)
      pause();
  }
  return pid;
}

static int descriptors(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  CHECK(d != NULL);
  while (readdir(d))
    n++;
  closedir(d);
  return n;
}

static void one(void) {
  int status = -1;
  struct rusage usage;
  memset(&usage, 0xff, sizeof usage);
  pid_t pid = held(7);
  CHECK_ERR(co_process_wait(pid, &status, 0, &usage, CO_NOW), EAGAIN);
  CHECK_ERR(co_process_wait(pid, &status, WNOHANG, NULL, CO_FOREVER), EAGAIN);
  CHECK_EQ(status, -1);
  co_t later = conf_spawn(let_go_later, NULL);
  CHECK_EQ(co_process_wait(pid, &status, 0, &usage, CO_FOREVER), pid);
  conf_join(later);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  CHECK(usage.ru_maxrss > 0 && usage.ru_utime.tv_sec == 0);
  CHECK_ERR(co_process_wait(pid, &status, 0, NULL, CO_FOREVER), ECHILD);
  /* It has ended before anybody asks. */
  pid = child(0, 0);
  siginfo_t info;
  CHECK_SYS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
  CHECK_EQ(co_process_wait(pid, NULL, 0, NULL, CO_NOW), pid);
  /* By a signal. */
  pid = sleeper();
  int64_t before = co_now();
  CHECK_ERR(co_process_wait(pid, &status, 0, NULL, 3 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 3 * MS);
  CHECK_SYS(kill(pid, SIGKILL));
  CHECK_EQ(co_process_wait(pid, &status, 0, NULL, CO_FOREVER), pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void errors(void) {
  pid_t pid = child(0, 3);
  siginfo_t info;
  CHECK_SYS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
  CHECK_ERR(co_process_wait(pid, (int *)8, 0, NULL, CO_FOREVER), EFAULT);
  CHECK_ERR(co_process_wait(pid, NULL, 0, (struct rusage *)8, CO_FOREVER), EFAULT);
  CHECK_ERR(co_process_wait(pid, NULL, 0x40000000, NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_process_wait(pid, NULL, 0, NULL, -2), EINVAL);
  CHECK_EQ(co_process_wait(pid, NULL, 0, NULL, CO_NOW), pid); /* still there to be had */
  CHECK_ERR(co_process_wait(getpid(), NULL, 0, NULL, CO_FOREVER), ECHILD);
  CHECK_ERR(co_process_wait(getppid(), NULL, 0, NULL, CO_FOREVER), ECHILD);
  CHECK_ERR(co_process_wait(-1, NULL, 0, NULL, CO_FOREVER), ECHILD);
}

static void several(void) {
  int status, seen = 0;
  pid_t pids[3] = {child(2, 1), child(6, 2), child(0, 4)};
  for (int i = 0; i < 3; i++) {
    int pid = co_process_wait(-1, &status, 0, NULL, CO_FOREVER);
    int k = 0;
    while (k < 3 && pids[k] != pid)
      k++;
    CHECK(k < 3 && WEXITSTATUS(status) == 1 << k);
    seen |= 1 << k;
  }
  CHECK_EQ(seen, 7);
  pid_t pid = held(5);
  CHECK_SYS(setpgid(pid, pid));
  CHECK_ERR(co_process_wait(0, &status, 0, NULL, CO_NOW), ECHILD); /* none in our own group */
  CHECK_ERR(co_process_wait(-pid, &status, 0, NULL, MS), ETIMEDOUT);
  let_go();
  CHECK_EQ(co_process_wait(-pid, &status, 0, NULL, CO_FOREVER), pid);
  CHECK_EQ(WEXITSTATUS(status), 5);
}

static void stops(void) {
  int status;
  pid_t pid = sleeper();
  CHECK_SYS(kill(pid, SIGSTOP));
  CHECK_EQ(co_process_wait(pid, &status, WUNTRACED, NULL, CO_FOREVER), pid);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  CHECK_SYS(kill(pid, SIGCONT));
  CHECK_EQ(co_process_wait(pid, &status, WCONTINUED, NULL, CO_FOREVER), pid);
  CHECK(WIFCONTINUED(status));
  CHECK_SYS(kill(pid, SIGTERM));
  CHECK_EQ(co_process_wait(pid, &status, WUNTRACED | WCONTINUED, NULL, CO_FOREVER), pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void *wait_for(void *arg) {
  return (void *)(intptr_t)co_process_wait((int)(intptr_t)arg, NULL, 0, NULL, CO_FOREVER);
}

static void together(void) {
  void *pid = (void *)(intptr_t)sleeper();
  co_t a = conf_spawn_on(1, wait_for, pid), b = conf_spawn_on(2, wait_for, pid);
  conf_until_state(a, CO_STATE_PARKED);
  conf_until_state(b, CO_STATE_PARKED);
  co_t c = conf_spawn(wait_for, pid), d = conf_spawn(wait_for, pid);
  conf_until_state(c, CO_STATE_PARKED);
  conf_until_state(d, CO_STATE_PARKED);
  CHECK_OK(co_cancel(c));
  CHECK_EQ((intptr_t)conf_join(c), -ECANCELED);
  CHECK_OK(co_interrupt(d, EIO));
  CHECK_EQ((intptr_t)conf_join(d), -EIO);
  CHECK_SYS(kill((pid_t)(intptr_t)pid, SIGKILL));
  intptr_t x = (intptr_t)conf_join(a), y = (intptr_t)conf_join(b);
  CHECK((x == (intptr_t)pid && y == -ECHILD) || (y == (intptr_t)pid && x == -ECHILD));
}

/* One vCPU waits for many at once. */
static void many(void) {
  enum { N = 30 };
  co_t all[N];
  pid_t pids[N];
  for (int i = 0; i < N; i++) {
    pids[i] = child(5 + i % 3, i);
    all[i] = conf_spawn_on(1, wait_for, (void *)(intptr_t)pids[i]);
  }
  for (int i = 0; i < N; i++)
    CHECK_EQ((intptr_t)conf_join(all[i]), pids[i]);
}

static void *alone(void *arg) {
  one();
  errors();
  several();
  stops();
  return arg;
}

static void body(void) {
  alone(NULL);
  int before = descriptors();
  alone(NULL);
  together();
  many();
  CHECK_EQ(descriptors(), before);
  conf_on_thread(alone, NULL);
}

CASE(body)
