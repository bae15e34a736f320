/* A crew: some functions at work at once, as coroutines, as plain threads, or as both.
 *
 *   crew_t crew = {.kind = CREW_MIXED};
 *   for (int i = 0; i < 4; i++) crew_add(&crew, work, &jobs[i]);
 *   crew_end(&crew);
 *
 * Started by a coroutine, or without coroutines by a plain thread. */
#ifndef CONFORMANCE_CREW_H
#define CONFORMANCE_CREW_H

#include "check.h"

enum { CREW_COROUTINES, CREW_MIGRATABLE, CREW_THREADS, CREW_MIXED, CREW_KINDS, CREW_MAX = 64 };

typedef struct {
  int kind, size;
  struct {
    bool plain;
    co_t co;
    pthread_t thread;
  } members[CREW_MAX];
} crew_t;

/* One more; coroutines are spread over the vCPUs. */
HELPER void crew_add(crew_t *crew, void *(*fn)(void *), void *arg) {
  int i = crew->size++;
  co_attr_t attr = conf_attr();
  CHECK(i < CREW_MAX);
  crew->members[i].plain = crew->kind == CREW_THREADS || (crew->kind == CREW_MIXED && i % 2);
  if (crew->members[i].plain) {
    crew->members[i].thread = conf_thread(fn, arg);
    return;
  }
  attr.vcpu = (uint32_t)(crew->kind == CREW_MIXED ? i / 2 : i) % conf_vcpus() + 1;
  if (crew->kind == CREW_MIGRATABLE) {
    attr.flags = CO_MIGRATABLE;
    attr.vcpu = 0;
  }
  CHECK_OK(co_spawn(&crew->members[i].co, &attr, fn, arg));
}

/* Waits for all; each gives its argument back. */
HELPER void crew_end(crew_t *crew) {
  for (int i = 0; i < crew->size; i++)
    if (!crew->members[i].plain)
      conf_join(crew->members[i].co);
  for (int i = 0; i < crew->size; i++)
    if (crew->members[i].plain)
      conf_thread_join(crew->members[i].thread);
  crew->size = 0;
}

/* `n` members that do the same. */
HELPER void crew_run(int kind, int n, void *(*fn)(void *), void *arg) {
  crew_t crew = {.kind = kind};
  for (int i = 0; i < n; i++)
    crew_add(&crew, fn, arg);
  crew_end(&crew);
}

#endif
