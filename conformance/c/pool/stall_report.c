#include "stall.h"

/* Without a function for it, a stall is reported on standard error. */
static void body(void) {
  uint64_t n = 1;
  CHECK_EQ(conf_stats().stalls, 0);
  co_t co = conf_spawn_on(2, spin_twice, &n);
  CHECK_OK(co_set_name(co, "spinner"));
  conf_join(co);
  CHECK_EQ(n, 2);
  CHECK_EQ(conf_stats().stalls, 2);
}

CASE(body)
