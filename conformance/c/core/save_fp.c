#include "check.h"
#include <fenv.h>

/* libs: -lm */
static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
static volatile double one = 1, three = 3;
static volatile long double long_one = 1, long_three = 3;
static double quotients[4];
static long double long_quotients[4];

static int index_of(int mode) {
  for (int i = 0; i < 4; i++)
    if (modes[i] == mode)
      return i;
  FAIL("rounding mode %d", mode);
}

/* Both units compute in the mode that is set (x87 and SSE on x86-64). */
static void computes_in(int i) {
  CHECK_EQ(fegetround(), modes[i]);
  CHECK(one / three == quotients[i]);
  CHECK(long_one / long_three == long_quotients[i]);
}

static void *keeps(void *arg) {
  int i = (int)(intptr_t)arg;
  computes_in(index_of(FE_TONEAREST)); /* the default, whatever the spawner had set */
  CHECK(!fesetround(modes[i]));
  for (int k = 0; k < 200; k++) {
    computes_in(i);
    if (k % 20)
      co_yield_now();
    else
      CHECK_OK(co_sleep(50 * US));
  }
  computes_in(i);
  return arg;
}

static void *entry(void *arg) {
  enum { N = 40 };
  co_t cos[N];
  co_attr_t attr = conf_attr();
  for (int i = 0; i < 4; i++) {
    CHECK(!fesetround(modes[i]));
    quotients[i] = one / three;
    long_quotients[i] = long_one / long_three;
  }
  CHECK(quotients[index_of(FE_UPWARD)] != quotients[index_of(FE_DOWNWARD)]);
  CHECK(!fesetround(FE_UPWARD)); /* what a new one must not inherit */
  attr.flags = CO_SAVE_FP;
  for (int i = 0; i < N; i++)
    CHECK_OK(co_spawn(&cos[i], &attr, keeps, (void *)(intptr_t)(i % 4)));
  CHECK(!fesetround(FE_TONEAREST));
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
  return arg;
}

static void body(void) {
  co_t co;
  co_attr_t attr = conf_attr();
  attr.flags = CO_SAVE_FP;
  CHECK_OK(co_spawn(&co, &attr, entry, NULL)); /* so that its own settings stay its own */
  conf_join(co);
}

CASE(body)
