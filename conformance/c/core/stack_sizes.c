#include "check.h"

/* Most of each size can be written (the rest is for the runtime's frame, the guard and a call's
 * own needs), and keeps what was written while others run on theirs. */
static size_t usable(uint64_t stack_size) {
  return stack_size <= 16384 ? 6 * 1024 : stack_size / 4 * 3;
}

static void *touch(void *arg) {
  uint64_t stack_size = conf_info(co_self()).stack_size, rng = (uintptr_t)arg;
  size_t n = usable(stack_size);
  volatile unsigned char *p = __builtin_alloca(n);
  for (size_t i = n; i-- > 0;) /* downwards, as a stack grows */
    p[i] = (unsigned char)(rng + i * 7);
  for (int round = 0; round < 3; round++) {
    co_yield_now();
    CHECK_OK(co_sleep(round * 100 * US));
    for (size_t i = 0; i < n; i++)
      if (p[i] != (unsigned char)(rng + i * 7))
        FAIL("byte %zu of a stack of %llu has changed", i, (unsigned long long)stack_size);
  }
  return arg;
}

static void body(void) {
  enum { EACH = 4, SIZES = 10 };
  co_t cos[EACH * SIZES];
  co_attr_t attr = conf_attr();
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < EACH * SIZES; i++) {
      attr.stack_size = UINT64_C(16384) << i % SIZES;
      CHECK_OK(co_spawn(&cos[i], &attr, touch, (void *)(intptr_t)(i * 11 + round)));
    }
    for (int i = 0; i < EACH * SIZES; i++)
      conf_join(cos[i]);
  }
  conf_until_live(1);
}

CASE(body)
