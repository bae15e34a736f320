#include "check.h"
#include <dirent.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Signals: kept while nobody waits, to everybody who does, given back at the end. */
static const int usr1[] = {SIGUSR1}, both[] = {SIGUSR2, SIGUSR1};
static atomic_int own;

static void own_handler(int signo) {
  (void)signo;
  atomic_fetch_add(&own, 1);
}

static void tell(int signo) {
  CHECK_SYS(kill(getpid(), signo));
}

static void *wait_both(void *arg) {
  (void)arg;
  return (void *)(intptr_t)co_signal_wait(both, 2, CO_FOREVER);
}

static void *send_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  tell((int)(intptr_t)arg);
  return NULL;
}

static void kept(void) {
  CHECK_OK(co_signal_subscribe(both, 2));
  CHECK_ERR(co_signal_wait(both, 2, CO_NOW), EAGAIN);
  int64_t before = co_now();
  CHECK_ERR(co_signal_wait(both, 2, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_EQ(raise(SIGUSR1), 0); /* has been handled when it returns */
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_EQ(co_signal_wait(both, 2, CO_NOW), SIGUSR1);
  CHECK_ERR(co_signal_wait(both, 2, CO_NOW), EAGAIN); /* once for each number */
  CHECK_EQ(raise(SIGUSR2), 0);
  CHECK_ERR(co_signal_wait(usr1, 1, CO_NOW), EAGAIN);
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_EQ(co_signal_wait(both, 2, CO_FOREVER) + co_signal_wait(both, 2, CO_FOREVER), SIGUSR1 + SIGUSR2);
  CHECK_ERR(co_signal_wait(both, 2, CO_NOW), EAGAIN);
}

static void awaited(void) {
  for (int i = 0; i < 20; i++) {
    int signo = i % 2 ? SIGUSR1 : SIGUSR2;
    co_t co = conf_spawn(send_later, (void *)(intptr_t)signo);
    CHECK_EQ(co_signal_wait(both, 2, CO_FOREVER), signo);
    conf_join(co);
  }
  CHECK_ERR(co_signal_wait(both, 2, CO_NOW), EAGAIN);
}

static atomic_int thread_id;

static void *wait_both_on_thread(void *arg) {
  atomic_store(&thread_id, (int)syscall(SYS_gettid));
  return wait_both(arg);
}

/* Until the thread sleeps in the system, which it does nowhere else. */
static void until_asleep(void) {
  char path[64], text[512] = "";
  while (!atomic_load(&thread_id))
    CHECK_OK(co_sleep(100 * US));
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&thread_id));
  for (const char *state = NULL; !state || state[2] != 'S'; CHECK_OK(co_sleep(100 * US))) {
    FILE *f = fopen(path, "r");
    CHECK(f && fgets(text, sizeof text, f));
    fclose(f);
    state = strrchr(text, ')');
    CHECK(state);
  }
}

/* Coroutines and a thread, each gets it. */
static void to_all(void) {
  co_t a = conf_spawn_on(1, wait_both, NULL), b = conf_spawn_on(2, wait_both, NULL);
  atomic_store(&thread_id, 0);
  pthread_t thread = conf_thread(wait_both_on_thread, NULL);
  conf_until_state(a, CO_STATE_PARKED);
  conf_until_state(b, CO_STATE_PARKED);
  until_asleep();
  CHECK_ERR(co_signal_release(SIGUSR1), EBUSY);
  tell(SIGUSR1);
  CHECK_EQ((intptr_t)conf_join(a), SIGUSR1);
  CHECK_EQ((intptr_t)conf_join(b), SIGUSR1);
  CHECK_EQ((intptr_t)conf_thread_join(thread), SIGUSR1);
  CHECK_ERR(co_signal_wait(both, 2, CO_NOW), EAGAIN);
  /* Ended otherwise. */
  a = conf_spawn_on(1, wait_both, NULL), b = conf_spawn_on(2, wait_both, NULL);
  conf_until_state(a, CO_STATE_PARKED);
  conf_until_state(b, CO_STATE_PARKED);
  CHECK_OK(co_cancel(a));
  CHECK_EQ((intptr_t)conf_join(a), -ECANCELED);
  CHECK_OK(co_interrupt(b, EIO));
  CHECK_EQ((intptr_t)conf_join(b), -EIO);
}

/* A burst: none is lost, though equal ones may be one. */
static void *listen_for(void *arg) {
  const int until[] = {SIGUSR1, SIGUSR2};
  int signo, n = 0;
  while ((signo = co_signal_wait(until, 2, CO_FOREVER)) == SIGUSR1)
    n++;
  CHECK_EQ(signo, SIGUSR2);
  *(int *)arg = n;
  return NULL;
}

static void burst(void) {
  int n = 0;
  co_t co = conf_spawn_on(2, listen_for, &n);
  for (int i = 0; i < 200; i++) {
    tell(SIGUSR1);
    if (i % 8 == 0)
      CHECK_OK(co_sleep(50 * US));
  }
  CHECK_OK(co_sleep(5 * MS));
  tell(SIGUSR2);
  conf_join(co);
  CHECK_GE(n, 1);
  CHECK(n <= 200);
}

static void errors(void) {
  const int bad[] = {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    const int list[] = {SIGUSR1, bad[i]};
    CHECK_ERR(co_signal_wait(list, 2, CO_FOREVER), EINVAL);
    CHECK_ERR(co_signal_subscribe(list, 2), EINVAL);
    CHECK_ERR(co_signal_release(bad[i]), EINVAL);
  }
  CHECK_ERR(co_signal_wait(usr1, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_signal_wait(usr1, 65, CO_FOREVER), EINVAL);
  CHECK_ERR(co_signal_wait(usr1, 1, -2), EINVAL);
  CHECK_ERR(co_signal_wait((int *)8, 1, CO_FOREVER), EFAULT);
  CHECK_ERR(co_signal_subscribe(NULL, 1), EFAULT);
  const int internal[] = {SIGHUP, 32}; /* libc's own: refused, and the other is not taken either */
  CHECK_ERR(co_signal_subscribe(internal, 2), EINVAL);
}

/* A signal that every thread blocks comes nevertheless; a child's end is one too. */
static void others(void) {
  const int hup[] = {SIGHUP}, chld[] = {SIGCHLD};
  CHECK_OK(co_signal_subscribe(hup, 1));
  tell(SIGHUP);
  CHECK_EQ(co_signal_wait(hup, 1, 10 * SEC), SIGHUP);
  CHECK_OK(co_signal_release(SIGHUP));
  CHECK_OK(co_signal_subscribe(chld, 1));
  pid_t pid = fork();
  CHECK_SYS(pid);
  if (pid == 0)
    _exit(0);
  CHECK_EQ(co_signal_wait(chld, 1, CO_FOREVER), SIGCHLD);
  CHECK_EQ(co_process_wait(-1, NULL, 0, NULL, CO_NOW), pid);
  CHECK_OK(co_signal_release(SIGCHLD));
}

static int threads(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/task");
  CHECK(d != NULL);
  while (readdir(d))
    n++;
  closedir(d);
  return n;
}

static void *all(void *arg) {
  kept();
  awaited();
  to_all();
  burst();
  errors();
  others();
  return arg;
}

static void body(void) {
  int before = threads();
  struct sigaction act = {.sa_handler = own_handler}, now;
  CHECK_SYS(sigaction(SIGUSR1, &act, NULL));
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_EQ(atomic_load(&own), 1);
  all(NULL);
  conf_on_thread(all, NULL);
  CHECK_EQ(atomic_load(&own), 1);
  /* What was there before is there again, and the thread that listened is gone. */
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_OK(co_signal_release(SIGUSR1));
  CHECK_OK(co_signal_release(SIGUSR1));
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_EQ(atomic_load(&own), 2);
  CHECK_OK(co_signal_release(SIGUSR2));
  CHECK_SYS(sigaction(SIGUSR2, NULL, &now));
  CHECK(now.sa_handler == SIG_DFL);
  while (threads() != before)
    CHECK_OK(co_sleep(MS));
  CHECK_ERR(co_signal_wait(usr1, 1, CO_NOW), EAGAIN); /* forgotten with the release */
  /* A handler that somebody has put there since stays. */
  CHECK_SYS(sigaction(SIGUSR1, &act, NULL));
  CHECK_OK(co_signal_release(SIGUSR1));
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_EQ(atomic_load(&own), 3);
}

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return conf_main(body);
}
