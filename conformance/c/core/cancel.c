#include "check.h"

static void *end(void *arg) {
  return arg;
}

/* What every cancellation point says once cancelled. */
static void all_fail(void) {
  CHECK_EQ(co_cancel_pending(), 1);
  for (int i = 0; i < 3; i++) {
    CHECK_ERR(co_sleep(MS), ECANCELED);
    CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
    CHECK_ERR(co_sleep_until(co_now() + SEC), ECANCELED);
    CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
    CHECK_ERR(co_park(SEC), ECANCELED);
  }
  co_yield_now();
}

static void *sticky(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  all_fail();
  CHECK_OK(co_cancel(co_self())); /* once more is nothing new */
  all_fail();
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_EQ(co_cancel_pending(), 0);
  CHECK_EQ(co_cancel_clear(), 0);
  CHECK_OK(co_sleep(MS));
  CHECK_ERR(co_park(MS), ETIMEDOUT);
  CHECK_OK(co_cancel(co_self())); /* and a new one counts */
  all_fail();
  return arg;
}

static void *shielded(void *arg) {
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_EQ(co_cancel_shield(1), 1);
  CHECK_EQ(co_cancel_shield(7), 1);
  CHECK_OK(co_unpark(*(co_t *)arg));
  CHECK_OK(co_park(CO_FOREVER)); /* the cancel comes during this */
  CHECK_EQ(co_cancel_pending(), 0);
  CHECK_OK(co_sleep(MS));
  co_t child = conf_spawn(end, NULL);
  conf_join(child);
  CHECK_EQ(co_cancel_shield(0), 1);
  all_fail();
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_cancel_shield(0), 1);
  all_fail();
  CHECK_EQ(co_cancel_shield(0), 0);
  return arg;
}

static void *never_run(void *arg) {
  all_fail(); /* a coroutine that is cancelled before it ran still runs */
  return (char *)arg + 1;
}

static void *cleared_under_shield(void *arg) {
  CHECK_EQ(co_cancel_shield(1), 0);
  CHECK_OK(co_cancel(co_self()));
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_EQ(co_cancel_shield(0), 1);
  CHECK_OK(co_sleep(MS));
  return arg;
}

static void *acknowledges(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  CHECK_EQ(co_cancel_clear(), 1);
  CHECK_EQ(conf_info(co_self()).acknowledged, 1);
  return arg;
}

static void *cancels_itself_again(void *arg) {
  acknowledges(arg);
  CHECK_OK(co_cancel(co_self()));
  CHECK_EQ(conf_info(co_self()).acknowledged, 0);
  return arg;
}

static void *ignores(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  return arg;
}

static void *clears_nothing(void *arg) {
  CHECK_EQ(co_cancel_clear(), 0);
  return arg;
}

/* Who has cancelled a coroutine learns whether it noticed. */
static uint32_t acknowledged(co_entry_t fn, int cancel) {
  co_t co = conf_spawn(fn, NULL);
  if (cancel) {
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(co_cancel(co));
  }
  CHECK_OK(co_wait(co, CO_FOREVER));
  uint32_t yes = conf_info(co).acknowledged;
  conf_join(co);
  return yes;
}

static void body(void) {
  co_t self = co_self(), co;
  char arg;

  CHECK_EQ(acknowledged(acknowledges, 1), 1);
  CHECK_EQ(acknowledged(cancels_itself_again, 1), 0);
  CHECK_EQ(acknowledged(ignores, 1), 0);
  CHECK_EQ(acknowledged(clears_nothing, 0), 0);

  co = conf_spawn(sticky, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_cancel(co));
  conf_join(co);

  co = conf_spawn(shielded, &self);
  CHECK_OK(co_park(CO_FOREVER));
  CHECK_OK(co_cancel(co));
  CHECK_OK(co_unpark(co));
  conf_join(co);

  co = conf_spawn_on(co_vcpu_self(), never_run, &arg);
  CHECK_OK(co_cancel(co));
  CHECK(conf_join(co) == &arg + 1);
  conf_join(conf_spawn(cleared_under_shield, NULL));

  CHECK_OK(co_cancel(self)); /* the main coroutine is one like the others */
  all_fail();
  CHECK_EQ(co_cancel_clear(), 1);
  co = conf_spawn(end, NULL);
  conf_until_state(co, CO_STATE_ENDED);
  CHECK_ERR(co_cancel(co), ESRCH);
  conf_join(co);
  CHECK_ERR(co_cancel(co), ESRCH);
}

CASE(body)
