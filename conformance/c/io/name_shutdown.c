#include "resolver.h"

/* A runtime ends while a lookup that its caller has left is still going on, and another begins. */
static void *leave(void *arg) {
  struct addrinfo *list = NULL;
  conf_check_engine();
  int before = atomic_load(&resolver_inside);
  do /* until a thread has begun it */
    CHECK_ERR(co_getaddrinfo("slow.test", "7", NULL, &list, 2 * MS), ETIMEDOUT);
  while (atomic_load(&resolver_inside) == before);
  CHECK_OK(co_getaddrinfo("localhost", "7", NULL, &list, CO_FOREVER));
  freeaddrinfo(list);
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  for (int round = 1; round <= 5; round++) {
    int64_t before = co_now();
    CHECK_OK(co_run(&cfg, leave, NULL, NULL));
    CHECK(co_now() - before < 20 * SEC);
    CHECK_GE(atomic_load(&resolver_inside), round);
  }
  atomic_store(&resolver_gate, 1);
  resolver_all_freed();
}

PLAIN_CASE(body)
