#include "check.h"

static void *end(void *arg) {
  return arg;
}

static void stale(co_t h) {
  co_info_t info = {.size = sizeof info};
  CHECK_ERR(co_join(h, NULL, CO_NOW), ESRCH);
  CHECK_ERR(co_join(h, NULL, CO_FOREVER), ESRCH);
  CHECK_ERR(co_wait(h, CO_FOREVER), ESRCH);
  CHECK_ERR(co_detach(h), ESRCH);
  CHECK_ERR(co_unpark(h), ESRCH);
  CHECK_ERR(co_interrupt(h, EINTR), ESRCH);
  CHECK_ERR(co_cancel(h), ESRCH);
  CHECK_ERR(co_set_name(h, "nobody"), ESRCH);
  CHECK_ERR(co_info(h, &info), ESRCH);
  CHECK_ERR(co_migrate(h, 0, CO_VCPU_ANY), ESRCH);
  CHECK(co_env(h) == NULL);
}

static void body(void) {
  enum { N = 20000 };
  static co_t old[N];
  co_t self = co_self();
  uint64_t rng = 1;

  /* The same slots over and over: no handle comes twice, and an old one stays stale. */
  for (int i = 0; i < N; i++) {
    old[i] = conf_spawn(end, NULL);
    conf_join(old[i]);
    stale(old[i]);
    stale(old[conf_rand(&rng) % (uint64_t)(i + 1)]);
  }
  for (int i = 0; i < N; i++) {
    CHECK(old[i] != 0 && old[i] != self);
    stale(old[i]);
  }

  /* Forged: this is the only coroutine alive, so that every other number is nobody. */
  conf_until_live(1);
  stale(0);
  stale(UINT64_MAX);
  for (unsigned a = 0; a < 64; a++) {
    stale(self ^ UINT64_C(1) << a);
    for (unsigned b = 0; b < a; b++)
      stale(self ^ UINT64_C(1) << a ^ UINT64_C(1) << b);
  }
  for (int i = 0; i < N; i++) {
    uint64_t h = conf_rand(&rng);
    if (h != self)
      stale(h);
    if ((h & 0xfff) != self)
      stale(h & 0xfff);
  }
  CHECK_EQ(co_self(), self);
  CHECK_OK(co_sleep(0)); /* none of the cancels above has hit this one */
}

CASE(body)
