// What photonrt.c and photonrt_io.c share.
#pragma once
#include "common.h"
#include <photonrt.h>

extern const char *name;     // the workload
extern uint64_t N;           // how much of it
extern uint64_t stack_bytes; // 0: the default
extern size_t tasks;         // coroutines at work, where the table says so
extern const char *path;     // a file to work on, where one is needed
extern int port;             // to serve HTTP on, by
extern uint32_t vcpus;       // so many

// Workloads of photonrt_io.c: bodies of the main coroutine.
void *stream(void *arg);
void *pread4k(void *arg);
void *http(void *arg);
// Of photonrt_sync.c.
void *sem_pingpong(void *arg);
void *mutex_free(void *arg);
void *mutex64(void *arg);
void *mutex64_fair(void *arg);
void *cancel_storm(void *arg);
void *offload(void *arg);
void *blocking64(void *arg);
// Of photonrt_chan.c.
void *chan_pingpong(void *arg);
void *chan_shared(void *arg);
void *select8(void *arg);

static inline int must(int64_t rc, const char *what) {
  if (rc < 0) {
    fprintf(stderr, "%s: %s: %s\n", name, what, co_strerror((int)rc));
    exit(1);
  }
  return (int)rc;
}
static inline void run(uint32_t vcpus, co_entry_t body) {
  co_config_t c = {.size = sizeof c, .vcpus = vcpus, .stack_size = stack_bytes};
  int rc = co_run(&c, body, NULL, NULL);
  if (rc == -ENOSYS) skip(name, "this engine does not work here");
  must(rc, "co_run");
}
static inline co_t spawn_on(uint32_t vcpu, co_entry_t f, void *arg) {
  co_attr_t a = {.size = sizeof a, .vcpu = vcpu};
  co_t co;
  must(co_spawn(&co, &a, f, arg), "spawn");
  return co;
}
static inline co_t spawn(co_entry_t f, void *arg) {
  co_t co;
  must(co_spawn(&co, NULL, f, arg), "spawn");
  return co;
}
static inline void join(co_t co) { must(co_join(co, NULL, CO_FOREVER), "join"); }
