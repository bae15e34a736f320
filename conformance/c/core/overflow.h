/* The overflow cases: the includer says how large the STACK is. */
#include "check.h"

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

__attribute__((noinline)) static int deeper(volatile char *above, int n) {
  volatile char frame[512];
  frame[0] = above ? above[0] : 1;
  int below = n < INT_MAX ? deeper(frame, n + 1) : 0;
  return below + frame[0];
}

static void *greedy(void *arg) {
  printf("greedy overflows\n");
  deeper(NULL, 0);
  return arg;
}

/* Neighbours on either side, then the one that needs more than it has. */
static void body(void) {
  co_attr_t attr = conf_attr();
  co_t co;
  attr.stack_size = STACK;
  attr.name = "neighbour";
  for (int i = 0; i < 50; i++) {
    CHECK_OK(co_spawn(&co, &attr, parked, NULL));
    if (i == 25) {
      attr.name = "greedy one";
      CHECK_OK(co_spawn(NULL, &attr, greedy, NULL));
      attr.name = "neighbour";
    }
  }
  CHECK_OK(co_sleep(10 * SEC));
  FAIL("the overflow went unnoticed");
}

CASE(body)
