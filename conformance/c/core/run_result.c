#include "check.h"

static pthread_t caller;

static void *child(void *arg) {
  return arg;
}

static void *entry(void *arg) {
  CHECK(pthread_equal(pthread_self(), caller));
  CHECK(co_self() != 0);
  CHECK_EQ(co_vcpu_self(), 1);
  CHECK(conf_join(conf_spawn(child, arg)) == arg);
  CHECK(pthread_equal(pthread_self(), caller));
  return (char *)arg + 1;
}

static void body(void) {
  caller = pthread_self();
  for (int i = 0; i < 20; i++) {
    char arg[2];
    void *result = NULL;
    co_config_t cfg = conf_config();
    CHECK_OK(co_run(&cfg, entry, arg, &result));
    CHECK(result == arg + 1);
    CHECK_OK(co_run(&cfg, entry, arg, NULL));
    CHECK_EQ(co_self(), 0);
    CHECK_EQ(co_vcpu_self(), 0);
  }
  char arg[2];
  void *result = NULL;
  CHECK_OK(co_run(NULL, entry, arg, &result));
  CHECK(result == arg + 1);
}

PLAIN_CASE(body)
