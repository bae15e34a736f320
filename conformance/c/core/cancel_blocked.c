#include "check.h"

/* Many are cancelled in each kind of wait, from coroutines and from a plain thread. */
enum { N = 300 };
static co_t cos[N], never[N];

static void *in_sleep(void *arg) {
  CHECK_ERR(co_sleep(3600 * SEC), ECANCELED);
  return arg;
}

static void *in_park(void *arg) {
  CHECK_ERR(co_park(CO_FOREVER), ECANCELED);
  return arg;
}

static void *in_timed_park(void *arg) {
  CHECK_ERR(co_park(3600 * SEC), ECANCELED);
  return arg;
}

static void *in_join(void *arg) {
  CHECK_ERR(co_join(never[(intptr_t)arg], NULL, CO_FOREVER), ECANCELED);
  return arg;
}

static void *in_wait(void *arg) {
  CHECK_ERR(co_wait(never[(intptr_t)arg], 3600 * SEC), ECANCELED);
  return arg;
}

static void *until_unparked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *cancel_all(void *arg) {
  for (int i = 0; i < N; i++)
    CHECK_OK(co_cancel(cos[i]));
  return arg;
}

static void round_of(int plain_thread) {
  static const co_entry_t kinds[] = {in_sleep, in_park, in_timed_park, in_join, in_wait};
  for (intptr_t i = 0; i < N; i++) {
    never[i] = conf_spawn(until_unparked, NULL);
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, kinds[i % 5], (void *)i);
  }
  CHECK_OK(co_sleep(10 * MS)); /* most are blocked by now, and the others may be cancelled as well */
  if (plain_thread)
    conf_on_thread(cancel_all, NULL);
  else
    cancel_all(NULL);
  for (intptr_t i = 0; i < N; i++)
    CHECK(conf_join(cos[i]) == (void *)i);
  for (int i = 0; i < N; i++) { /* the joins that were given up left these as they were */
    CHECK_ERR(co_join(never[i], NULL, CO_NOW), EAGAIN);
    CHECK_OK(co_unpark(never[i]));
    conf_join(never[i]);
  }
}

static void body(void) {
  for (int i = 0; i < 4; i++)
    round_of(i % 2);
  conf_until_live(1);
}

CASE(body)
