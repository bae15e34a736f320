#include "check.h"

static void *unpark_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  CHECK_OK(co_unpark(*(co_t *)arg));
  return NULL;
}

static void *on_thread(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), EPERM);
  CHECK_ERR(co_park(CO_NOW), EPERM);
  CHECK_OK(co_unpark(*(co_t *)arg));
  return NULL;
}

static void *linger(void *arg) {
  CHECK_OK(co_sleep(3 * MS));
  return arg;
}

static void body(void) {
  co_t self = co_self();
  int64_t before;
  co_t other;

  CHECK_ERR(co_park(CO_NOW), EAGAIN);
  for (int i = 1; i <= 20; i++) {
    before = co_now();
    CHECK_ERR(co_park(i * 100 * US), ETIMEDOUT);
    CHECK_GE(co_now() - before, i * 100 * US);
  }
  CHECK_ERR(co_park(-2), EINVAL);
  CHECK_ERR(co_park(INT64_MIN), EINVAL);

  CHECK_OK(co_unpark(self)); /* before */
  CHECK_OK(co_park(CO_FOREVER));
  CHECK_OK(co_unpark(self));
  CHECK_OK(co_park(CO_NOW));
  CHECK_OK(co_unpark(self));
  CHECK_OK(co_park(SEC));
  CHECK_ERR(co_park(CO_NOW), EAGAIN); /* each token is taken once */
  for (int i = 0; i < 5; i++)
    CHECK_OK(co_unpark(self)); /* several are one */
  CHECK_OK(co_park(CO_FOREVER));
  CHECK_ERR(co_park(CO_NOW), EAGAIN);
  CHECK_ERR(co_park(MS), ETIMEDOUT);

  other = conf_spawn(unpark_later, &self); /* after, by each of the timeouts */
  CHECK_OK(co_park(CO_FOREVER));
  conf_join(other);
  other = conf_spawn(unpark_later, &self);
  CHECK_OK(co_park(3600 * SEC));
  conf_join(other);
  other = conf_spawn(unpark_later, &self);
  CHECK_OK(co_park(INT64_MAX));
  conf_join(other);

  /* It wakes co_park and nothing else: the sleep and the join go on, and the token waits. */
  other = conf_spawn(unpark_later, &self);
  before = co_now();
  CHECK_OK(co_sleep(6 * MS));
  CHECK_GE(co_now() - before, 6 * MS);
  conf_join(other);
  CHECK_OK(co_park(CO_NOW));
  other = conf_spawn(linger, NULL);
  CHECK_OK(co_unpark(self));
  conf_join(other);
  CHECK_OK(co_park(CO_NOW));

  conf_on_thread(on_thread, &self);
  CHECK_OK(co_park(CO_FOREVER));
  other = conf_spawn(linger, NULL);
  conf_until_state(other, CO_STATE_ENDED);
  CHECK_ERR(co_unpark(other), ESRCH); /* ended, though not yet joined */
  conf_join(other);
}

CASE(body)
