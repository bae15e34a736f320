#include "check.h"

/* co_blocking: another thread runs the function, this vCPU goes on, and the result comes back. */
static pthread_t ran_on;
static co_t self_there, sleeper;
static uint32_t vcpu_there;
static atomic_int turns, stop;

static void *work(void *arg) {
  ran_on = pthread_self();
  self_there = co_self();
  vcpu_there = co_vcpu_self();
  CHECK_ERR(co_park(CO_NOW), EPERM);
  int64_t began = co_now();
  CHECK_OK(co_sleep(20 * MS)); /* as on any plain thread */
  CHECK_GE(co_now() - began, 20 * MS);
  return (char *)arg + 1;
}

static void *turning(void *arg) {
  while (!atomic_load(&stop)) {
    atomic_fetch_add(&turns, 1);
    CHECK_OK(co_sleep(200 * US));
  }
  return arg;
}

static void *joins(void *arg) {
  void *result = NULL;
  CHECK_OK(co_join(*(co_t *)arg, &result, CO_FOREVER));
  return result;
}

static void *spawns(void *arg) {
  CHECK(co_self() == 0);
  co_t co = conf_spawn(turning, arg); /* from the thread, as from any */
  return (void *)(uintptr_t)co;
}

static void *nested(void *arg) {
  void *result = NULL;
  pthread_t me = pthread_self();
  CHECK_OK(co_blocking(work, arg, &result, CO_NOW)); /* a plain thread: right here */
  CHECK(pthread_equal(ran_on, me));
  return result;
}

static void *plain(void *arg) {
  void *result = NULL;
  CHECK_OK(co_blocking(nested, arg, &result, CO_NOW));
  CHECK(result == (char *)arg + 1);
  CHECK_OK(co_blocking(nested, arg, NULL, 5));
  CHECK_ERR(co_blocking(nested, arg, &result, -2), EINVAL);
  CHECK_ERR(co_blocking(NULL, arg, &result, CO_FOREVER), EINVAL);
  return arg;
}

static void *main_fn(void *arg) {
  char place[2];
  void *result = NULL;
  co_t other = conf_spawn_on(1, turning, place);
  for (int i = 0; i < 2; i++) {
    int before = atomic_load(&turns);
    pthread_t me = pthread_self();
    CHECK_OK(co_blocking(work, place, &result, i ? CO_FOREVER : CO_NOW));
    CHECK(result == place + 1);
    CHECK(pthread_equal(me, pthread_self()));
    CHECK(!pthread_equal(ran_on, me));
    CHECK_EQ(self_there, 0);
    CHECK_EQ(vcpu_there, 0);
    CHECK_GE(atomic_load(&turns), before + 2);
  }
  CHECK_OK(co_blocking(work, place, NULL, SEC));
  CHECK_OK(co_blocking(nested, place, &result, SEC));
  CHECK(result == place + 1);
  CHECK_ERR(co_blocking(work, place, &result, -2), EINVAL);
  CHECK_ERR(co_blocking(NULL, place, &result, CO_FOREVER), EINVAL);
  CHECK_OK(co_blocking(spawns, NULL, &result, CO_FOREVER));
  sleeper = (co_t)(uintptr_t)result;
  atomic_store(&stop, 1);
  CHECK_OK(co_blocking(joins, &sleeper, &result, CO_FOREVER));
  CHECK(result == NULL);
  conf_join(other);
  conf_on_thread(plain, place);
  return arg;
}

static void body(void) {
  char place[2];
  plain(place); /* without a runtime */
  for (int i = 0; i < 2; i++) {
    co_config_t cfg = conf_config();
    CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
    atomic_store(&stop, 0);
  }
}

PLAIN_CASE(body)
