#include "check.h"
#include <sys/mman.h>

/* The program's own SIGSEGV handler gets what is no stack overflow, and is there again afterwards. */
static char *page;
static atomic_int handled;

static void on_fault(int sig, siginfo_t *info, void *context) {
  (void)sig;
  (void)context;
  if ((char *)info->si_addr < page || (char *)info->si_addr >= page + 4096)
    _exit(9);
  atomic_fetch_add(&handled, 1);
  mprotect(page, 4096, PROT_READ | PROT_WRITE); /* the access is tried again and works */
}

static void *fault(void *arg) {
  int before = atomic_load(&handled);
  CHECK_SYS(mprotect(page, 4096, PROT_NONE));
  *(volatile char *)page = 1;
  CHECK_EQ(atomic_load(&handled), before + 1);
  return arg;
}

static void *entry(void *arg) {
  fault(NULL);
  for (uint32_t v = 1; v <= conf_vcpus(); v++)
    conf_join(conf_spawn_on(v, fault, NULL));
  if (arg) {
    struct sigaction now;
    CHECK_SYS(sigaction(SIGSEGV, NULL, &now));
    CHECK(now.sa_sigaction == on_fault); /* CO_NO_SIGNALS */
  }
  return arg;
}

static void body(void) {
  struct sigaction mine, now;
  memset(&mine, 0, sizeof mine);
  mine.sa_sigaction = on_fault;
  mine.sa_flags = SA_SIGINFO;
  CHECK_SYS(sigaction(SIGSEGV, &mine, NULL));
  page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED);
  for (int i = 0; i < 6; i++) {
    co_config_t cfg = conf_config();
    cfg.flags = i % 2 ? CO_NO_SIGNALS : 0;
    CHECK_OK(co_run(&cfg, entry, i % 2 ? &cfg : NULL, NULL));
    CHECK_SYS(sigaction(SIGSEGV, NULL, &now));
    CHECK(now.sa_sigaction == on_fault);
  }
}

PLAIN_CASE(body)
