/* libs: -lseccomp */
/* Runs a command on a poorer system:
 *
 *     refuse [-c CALL=ERROR]... [-f FILES] [-m BYTES] [-p] -- COMMAND [ARGUMENT]...
 *
 *   -c   a system call fails with this error (EPERM, ENOSYS, ...), in the command and all it starts,
 *        as under a container's seccomp filter
 *   -f   RLIMIT_NOFILE
 *   -m   RLIMIT_MEMLOCK, and not the right to exceed it
 *   -p   without /proc
 *
 * Ends with 77 and a reason on stdout where this system won't have it. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CAP_IPC_LOCK_NUMBER = 14, SKIPPED = 77 };

static const struct {
  const char *name;
  int number;
} errors[] = {{"EPERM", EPERM},   {"ENOSYS", ENOSYS}, {"EACCES", EACCES}, {"EINVAL", EINVAL},
              {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE}, {"EAGAIN", EAGAIN}};

__attribute__((noreturn, format(printf, 2, 3))) static void end(int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(status == SKIPPED ? stdout : stderr, format, args);
  va_end(args);
  fputc('\n', status == SKIPPED ? stdout : stderr);
  exit(status);
}

static void forbid(scmp_filter_ctx filter, char *text) {
  char *error = strchr(text, '=');
  int number = 0;
  if (!error)
    end(2, "refuse: -c CALL=ERROR, not %s", text);
  *error++ = 0;
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
    if (!strcmp(error, errors[i].name))
      number = errors[i].number;
  int call = seccomp_syscall_resolve_name(text);
  if (!number || call == __NR_SCMP_ERROR)
    end(2, "refuse: no call %s or no error %s", text, error);
  int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)number), call, 0);
  if (r)
    end(2, "refuse: %s: %s", text, strerror(-r));
}

static void limit(int what, const char *name, rlim_t value) {
  struct rlimit l = {value, value};
  if (setrlimit(what, &l))
    end(SKIPPED, "%s can't be set: %s", name, strerror(errno));
}

static void hide_proc(void) {
  if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
      mount("none", "/proc", "tmpfs", 0, NULL))
    end(SKIPPED, "/proc can't be hidden: %s", strerror(errno));
}

int main(int argc, char **argv) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int calls = 0;
  if (!filter)
    end(2, "refuse: no filter");
  for (int c; (c = getopt(argc, argv, "+c:f:m:p")) != -1;) {
    switch (c) {
    case 'c':
      forbid(filter, optarg), calls++;
      break;
    case 'f':
      limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", strtoul(optarg, NULL, 10));
      break;
    case 'm':
      if (prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK_NUMBER, 0, 0, 0) && errno != EPERM)
        end(2, "refuse: CAP_IPC_LOCK: %s", strerror(errno));
      limit(RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", strtoul(optarg, NULL, 10));
      break;
    case 'p':
      hide_proc();
      break;
    default:
      return 2;
    }
  }
  if (optind >= argc)
    end(2, "refuse: no command");
  int r = calls ? seccomp_load(filter) : 0;
  if (r)
    end(SKIPPED, "no seccomp filter here: %s", strerror(-r));
  seccomp_release(filter);
  execvp(argv[optind], argv + optind);
  end(2, "refuse: %s: %s", argv[optind], strerror(errno));
}
