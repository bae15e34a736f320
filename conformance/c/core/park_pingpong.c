#include "check.h"

enum { ROUNDS = 20000, PAIRS = 4 };
typedef struct {
  co_t side[2];
  int ball; /* plain: park and unpark order its accesses */
} pair_t;

static void *player(void *arg) {
  pair_t *p = *(pair_t **)arg;
  int me = co_self() == p->side[1];
  for (int i = 0; i < ROUNDS; i++) {
    while (p->ball != 2 * i + me)
      CHECK_OK(co_park(CO_FOREVER));
    p->ball++;
    if (p->ball < 2 * ROUNDS) /* at the last, the other has ended */
      CHECK_OK(co_unpark(p->side[!me]));
  }
  return NULL;
}

static void *player_first(void *arg) {
  CHECK_OK(co_park(CO_FOREVER)); /* until both are known */
  return player(arg);
}

static void body(void) {
  static pair_t pairs[PAIRS];
  static pair_t *args[PAIRS];
  for (int i = 0; i < PAIRS; i++) {
    args[i] = &pairs[i];
    pairs[i].side[0] = conf_spawn_on(1, player_first, &args[i]);
    pairs[i].side[1] = conf_spawn_on(2, player_first, &args[i]);
    CHECK_OK(co_unpark(pairs[i].side[0]));
    CHECK_OK(co_unpark(pairs[i].side[1]));
  }
  for (int i = 0; i < PAIRS; i++) {
    co_t first = pairs[i].side[0], second = pairs[i].side[1];
    CHECK_OK(co_wait(first, CO_FOREVER));
    conf_join(second);
    conf_join(first);
    CHECK_EQ(pairs[i].ball, 2 * ROUNDS);
  }
}

CASE(body)
