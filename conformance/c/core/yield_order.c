#include "check.h"

/* After a yield every other runnable coroutine of the vCPU has run. All are on vCPU 1, one at a time, so that
 * plain counters do. */
enum { N = 50, STEPS = 200 };
static int steps[N];
static int started;

static void *stepper(void *arg) {
  int me = (int)(intptr_t)arg, seen[N];
  started++;
  while (started < N)
    co_yield_now();
  for (int s = 0; s < STEPS; s++) {
    memcpy(seen, steps, sizeof seen);
    steps[me]++;
    if (s % 2)
      co_yield_now();
    else
      co_yield();
    for (int i = 0; i < N; i++)
      if (i != me && seen[i] < STEPS && steps[i] == seen[i])
        FAIL("coroutine %d has not run in a round of %d, which is at step %d", i, me, s);
  }
  return NULL;
}

static void body(void) {
  co_t cos[N];
  for (intptr_t i = 0; i < N; i++)
    cos[i] = conf_spawn_on(1, stepper, (void *)i);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
}

CASE(body)
