#include "check.h"

enum { N = 100 };
static co_t cos[N];
static atomic_int stop;

typedef struct {
  int seen[N], self, calls, stop_after;
  co_t caller;
} look_t;

static int look(const co_info_t *info, void *arg) {
  look_t *l = arg;
  CHECK_GE(info->size, sizeof *info);
  CHECK(info->co != 0 && info->state >= CO_STATE_FRESH && info->state <= CO_STATE_ENDED);
  for (int i = 0; i < N; i++)
    if (info->co == cos[i]) {
      char name[16];
      snprintf(name, sizeof name, "number %d", i);
      CHECK(!strcmp(info->name, name));
      l->seen[i]++;
    }
  if (info->co == l->caller)
    l->self++;
  l->calls++;
  return l->calls == l->stop_after ? 42 : 0;
}

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *all(void *arg) {
  for (int round = 0; round < 100; round++) {
    look_t l = {.caller = co_self()};
    CHECK_EQ(co_foreach(look, &l), 0);
    for (int i = 0; i < N; i++)
      CHECK_EQ(l.seen[i], 1);
    CHECK_EQ(l.self, co_self() != 0);
    if (co_self())
      co_yield_now();
  }
  return arg;
}

static void *end(void *arg) {
  return arg;
}

static void *churn(void *arg) {
  while (!atomic_load(&stop)) {
    conf_join(conf_spawn(end, NULL));
    CHECK_OK(co_spawn(NULL, NULL, end, NULL));
    co_yield_now();
  }
  return arg;
}

static void body(void) {
  co_attr_t attr = conf_attr();
  for (int i = 0; i < N; i++) {
    char name[16];
    snprintf(name, sizeof name, "number %d", i);
    attr.name = name;
    CHECK_OK(co_spawn(&cos[i], &attr, parked, NULL));
  }
  all(NULL);
  co_t busy[2] = {conf_spawn_on(1, churn, NULL), conf_spawn_on(2, churn, NULL)};
  all(NULL); /* while others come and go */
  conf_on_thread(all, NULL);
  atomic_store(&stop, 1);
  conf_join(busy[0]);
  conf_join(busy[1]);

  look_t l = {.stop_after = 5};
  CHECK_EQ(co_foreach(look, &l), 42);
  CHECK_EQ(l.calls, 5);
  CHECK_ERR(co_foreach(NULL, NULL), EINVAL);
  for (int i = 0; i < N; i++) {
    CHECK_OK(co_unpark(cos[i]));
    conf_join(cos[i]);
  }
}

CASE(body)
