#include "check.h"

/* PHOTONRT_TRACE_PINNED=1: a bracket that holds others up is reported with its reason. */
static void *other(void *arg) {
  return arg;
}

static void *brackets(void *arg) {
  co_t co = conf_spawn(other, arg); /* waits for this vCPU, or another */
  CHECK_EQ(co_blocking_enter(), 1);
  CHECK_EQ(co_blocking_leave(), 0);
  conf_join(co);
  return arg;
}

static void *pinned(void *arg) {
  CHECK_EQ(co_pin(), 1);
  brackets(arg);
  CHECK_EQ(co_unpin(), 0);
  return arg;
}

static void run(const char *name, co_entry_t fn, uint32_t flags) {
  co_attr_t attr = conf_attr();
  co_t co;
  attr.name = name;
  attr.flags = flags;
  attr.vcpu = 1;
  CHECK_OK(co_spawn(&co, &attr, fn, NULL));
  conf_join(co);
}

static void *main_fn(void *arg) {
  run("bound", brackets, 0);
  run("held", pinned, CO_MIGRATABLE);
  run("free", brackets, CO_MIGRATABLE);
  CHECK_EQ(co_blocking_enter(), 1); /* nobody waits */
  CHECK_EQ(co_blocking_leave(), 0);
  return arg;
}

static void body(void) {
  int pipe_ends[2];
  char text[8192] = "";
  co_config_t cfg = conf_config();
  cfg.vcpus = 1;
  CHECK_SYS(setenv("PHOTONRT_TRACE_PINNED", "yes", 1));
  CHECK_ERR(co_run(&cfg, main_fn, NULL, NULL), EINVAL);
  CHECK_SYS(setenv("PHOTONRT_TRACE_PINNED", "1", 1));

  int err = CHECK_SYS(dup(2));
  CHECK_SYS(pipe(pipe_ends));
  CHECK_SYS(dup2(pipe_ends[1], 2));
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
  CHECK_SYS(dup2(err, 2));
  close(pipe_ends[1]);
  for (ssize_t n, len = 0; (n = read(pipe_ends[0], text + len, sizeof text - 1 - (size_t)len)) > 0;)
    len += n;
  fputs(text, stderr);
  CHECK(strstr(text, "\"free\"") == NULL);
  CHECK(strstr(text, "\"main\"") == NULL);

  CHECK_SYS(setenv("PHOTONRT_TRACE_PINNED", "0", 1));
  CHECK_SYS(pipe(pipe_ends));
  CHECK_SYS(dup2(pipe_ends[1], 2));
  CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
  CHECK_SYS(dup2(err, 2));
  close(pipe_ends[1]);
  CHECK_EQ(read(pipe_ends[0], text, sizeof text), 0);
}

PLAIN_CASE(body)
