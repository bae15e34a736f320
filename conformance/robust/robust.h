/* What the robustness programs share: counting descriptors without /proc, and disturbances. */
#ifndef CONFORMANCE_ROBUST_H
#define CONFORMANCE_ROBUST_H

#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ROBUST_NUMBERS = 32768 };

/* Open descriptors of this process, by a call that the runtime does not make. */
HELPER int robust_files(void) {
  int n = 0;
  for (int fd = 0; fd < ROBUST_NUMBERS; fd++)
    n += lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
  return n;
}

static atomic_int robust_calmed;
static pthread_t robust_ringer;
static bool robust_rings;
static pid_t robust_pauser;

HELPER void robust_heard(int sig) {
  (void)sig;
}

/* Sends a signal to each thread of this process, `arg` times a second. */
HELPER void *robust_ring(void *arg) {
  struct timespec pause = {0, 1000000000 / (long)(intptr_t)arg};
  pid_t process = getpid(), threads[512], self = (pid_t)syscall(SYS_gettid);
  int n = 0;
  for (unsigned round = 0; !atomic_load(&robust_calmed); round++) {
    if (round % 64 == 0) {
      DIR *d = opendir("/proc/self/task");
      CHECK(d != NULL);
      n = 0;
      for (struct dirent *e; (e = readdir(d)) && n < 512;)
        if (e->d_name[0] != '.' && atoi(e->d_name) != self)
          threads[n++] = atoi(e->d_name);
      closedir(d);
    }
    for (int i = 0; i < n; i++) /* some have ended meanwhile */
      syscall(SYS_tgkill, process, threads[i], SIGUSR1);
    nanosleep(&pause, NULL);
  }
  return arg;
}

/* Begins to interrupt system calls (`signals` a second and thread) and to stop and continue the whole
 * process (`pauses` times, a millisecond each). */
HELPER void robust_disturb(long signals, long pauses) {
  if (signals) {
    struct sigaction act = {.sa_handler = robust_heard}; /* no SA_RESTART: that is the point */
    CHECK_SYS(sigaction(SIGUSR1, &act, NULL));
    robust_ringer = conf_thread(robust_ring, (void *)(intptr_t)signals);
    robust_rings = true;
  }
  if (pauses) {
    pid_t parent = getpid();
    robust_pauser = CHECK_SYS(fork());
    if (robust_pauser == 0) {
      struct timespec pause = {0, 1000000};
      for (long i = 0; i < pauses && getppid() == parent; i++) {
        nanosleep(&pause, NULL);
        kill(parent, SIGSTOP);
        nanosleep(&pause, NULL);
        kill(parent, SIGCONT);
      }
      _exit(0);
    }
  }
}

/* Ends both; nothing is left of them. */
HELPER void robust_calm(void) {
  int status;
  atomic_store(&robust_calmed, 1);
  if (robust_rings)
    conf_thread_join(robust_ringer);
  if (robust_pauser) {
    while (waitpid(robust_pauser, &status, 0) < 0)
      CHECK_EQ(errno, EINTR);
    CHECK_EQ(status, 0);
  }
}

#endif
