#include "check.h"

/* Coroutines that may run anywhere are spawned on one vCPU that stays busy: an idle one takes
 * its share. Once one has run it keeps its thread. */
enum { N = 2000 };
static atomic_int ran_on[3];

static void burn(int64_t ns) {
  int64_t until = co_now() + ns;
  while (co_now() < until) {
  }
}

static void *worker(void *arg) {
  pthread_t thread = pthread_self();
  uint32_t vcpu = co_vcpu_self();
  CHECK(vcpu == 1 || vcpu == 2);
  atomic_fetch_add(&ran_on[vcpu], 1);
  for (int i = 0; i < 5; i++) {
    burn(5 * US);
    co_yield_now();
    CHECK(pthread_equal(pthread_self(), thread));
    CHECK_EQ(co_vcpu_self(), vcpu);
  }
  CHECK_OK(co_sleep(50 * US));
  CHECK(pthread_equal(pthread_self(), thread));
  return arg;
}

static void body(void) {
  static co_t cos[N];
  uint64_t stolen = conf_stats().stolen;
  for (int round = 0; round < 5; round++) {
    CHECK_OK(co_sleep(5 * MS)); /* the other has nothing to do and sleeps */
    for (int i = 0; i < N; i++) {
      cos[i] = conf_spawn(worker, NULL);
      if (i % 50 == 49)
        co_yield_now();
    }
    for (int i = 0; i < N; i++)
      conf_join(cos[i]);
  }
  CHECK_EQ(atomic_load(&ran_on[1]) + atomic_load(&ran_on[2]), 5 * N);
  CHECK_GE(atomic_load(&ran_on[1]), 1);
  CHECK_GE(atomic_load(&ran_on[2]), 1);
  CHECK_GE(conf_stats().stolen, stolen + 1);
}

CASE(body)
