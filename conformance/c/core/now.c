#include "check.h"

static int64_t system_now(void) {
  struct timespec ts;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &ts));
  return ts.tv_sec * SEC + ts.tv_nsec;
}

static void *look(void *arg) {
  int64_t last = 0;
  for (int i = 0; i < 10000; i++) {
    int64_t before = system_now(), now = co_now(), after = system_now();
    CHECK(before <= now && now <= after);
    CHECK_GE(now, last);
    last = now;
    if (i % 16 == 0)
      co_yield_now();
  }
  return arg;
}

static void body(void) {
  co_t a = conf_spawn(look, NULL), b = conf_spawn(look, NULL);
  look(NULL);
  conf_on_thread(look, NULL);
  conf_join(a);
  conf_join(b);
}

CASE(body)
