#include "check.h"

static int ran;

static void *mark(void *arg) {
  ran = 1;
  return arg;
}

static void *next(void *arg) {
  return (char *)arg + 1;
}

static void body(void) {
  enum { N = 1000 };
  static char args[N + 1];
  static co_t cos[N];

  co_t co = conf_spawn(mark, args);
  if (conf_vcpus() == 1)
    CHECK_EQ(ran, 0); /* not before its turn */
  CHECK(conf_join(co) == args);
  CHECK_EQ(ran, 1);

  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < N; i++)
      cos[i] = conf_spawn(next, &args[i]);
    for (int i = 1; i < N; i++)
      CHECK(cos[i] != cos[i - 1] && cos[i] != co_self());
    for (int i = 0; i < N; i++) {
      int k = round % 2 ? N - 1 - i : i;
      CHECK(conf_join(cos[k]) == &args[k + 1]);
    }
  }
  CHECK_OK(co_join(conf_spawn(next, args), NULL, CO_FOREVER));
  conf_until_live(1);
}

CASE(body)
