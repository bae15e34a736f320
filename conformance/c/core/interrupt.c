#include "check.h"

static co_t joinee;
static atomic_int joins_failed;

static void *in_park(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), EINTR);
  CHECK_ERR(co_park(MS), ETIMEDOUT); /* once */
  return arg;
}

static void *in_sleep(void *arg) {
  CHECK_ERR(co_sleep(3600 * SEC), EHOSTDOWN);
  CHECK_OK(co_sleep(MS));
  return arg;
}

static void *in_join(void *arg) {
  CHECK_ERR(co_join(joinee, NULL, CO_FOREVER), 4095);
  atomic_store(&joins_failed, 1);
  CHECK_ERR(co_wait(joinee, CO_FOREVER), 1);
  atomic_store(&joins_failed, 2);
  conf_join(joinee);
  return arg;
}

static void *until_unparked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *fresh(void *arg) {
  co_yield_now(); /* no cancellation point */
  CHECK_ERR(co_sleep(3600 * SEC), ETIME);
  CHECK_OK(co_sleep(0));
  return arg;
}

static void *shielded(void *arg) {
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_OK(co_unpark(*(co_t *)arg));
  CHECK_OK(co_park(CO_FOREVER)); /* the interrupt comes during this */
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_cancel_shield(0), 1);
  CHECK_ERR(co_sleep(3600 * SEC), EINTR);
  CHECK_OK(co_sleep(0));
  return arg;
}

static void *interrupt_main(void *arg) {
  CHECK_OK(co_interrupt(*(co_t *)arg, ENOLINK));
  return arg;
}

static void body(void) {
  co_t self = co_self(), co;

  co = conf_spawn(in_park, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EINTR));
  conf_join(co);

  co = conf_spawn(in_sleep, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EHOSTDOWN));
  conf_join(co);

  joinee = conf_spawn(until_unparked, NULL);
  co = conf_spawn(in_join, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, 4095));
  while (atomic_load(&joins_failed) != 1)
    CHECK_OK(co_sleep(0));
  CHECK_OK(co_interrupt(co, 1));
  while (atomic_load(&joins_failed) != 2)
    CHECK_OK(co_sleep(0));
  CHECK_OK(co_unpark(joinee)); /* the join that was given up left it as it was */
  conf_join(co);

  CHECK_OK(co_interrupt(self, EINTR)); /* before the call; the last of several counts */
  CHECK_OK(co_interrupt(self, ETIME));
  CHECK_ERR(co_sleep(3600 * SEC), ETIME);
  CHECK_OK(co_sleep(0));
  CHECK_ERR(co_park(CO_NOW), EAGAIN);
  CHECK_EQ(co_cancel_pending(), 0);
  CHECK_EQ(co_cancel_clear(), 0);

  co_attr_t attr = conf_attr();
  attr.vcpu = co_vcpu_self(); /* not run by another before it is interrupted */
  CHECK_OK(co_spawn(&co, &attr, fresh, NULL));
  CHECK_OK(co_interrupt(co, EINTR));
  CHECK_OK(co_interrupt(co, ETIME));
  conf_join(co);

  co = conf_spawn(shielded, &self);
  CHECK_OK(co_park(CO_FOREVER));
  CHECK_OK(co_interrupt(co, EINTR));
  CHECK_OK(co_unpark(co));
  conf_join(co);

  conf_thread_join(conf_thread(interrupt_main, &self)); /* from a plain thread */
  CHECK_ERR(co_park(CO_FOREVER), ENOLINK);

  static const int bad[] = {0, -1, -EINTR, 4096, INT_MAX, INT_MIN};
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    CHECK_ERR(co_interrupt(self, bad[i]), EINVAL);
  CHECK_OK(co_sleep(0));
  co = conf_spawn(until_unparked, NULL);
  CHECK_OK(co_unpark(co));
  conf_until_state(co, CO_STATE_ENDED);
  CHECK_ERR(co_interrupt(co, EINTR), ESRCH);
  conf_join(co);
  CHECK_ERR(co_interrupt(co, EINTR), ESRCH);
}

CASE(body)
