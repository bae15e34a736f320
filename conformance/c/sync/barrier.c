#include "crew.h"

/* Rounds in which all come before anybody goes on, with one leader in each; those who give up leave
 * a place. */
enum { PARTIES = 5, ROUNDS = 200 };
static co_barrier_t barrier;
static atomic_int come[ROUNDS], leaders[ROUNDS];

static void *rounds(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    atomic_fetch_add(&come[i], 1);
    int r = co_barrier_wait(&barrier, PARTIES, i % 3 ? CO_FOREVER : 3600 * SEC);
    CHECK_EQ(atomic_load(&come[i]), PARTIES);
    CHECK(r == 0 || r == 1);
    atomic_fetch_add(&leaders[i], r);
  }
  return arg;
}

static void *of_two(void *arg) {
  CHECK_EQ(co_barrier_wait(&barrier, 2, CO_FOREVER), 0);
  return arg;
}

static void *gives_up(void *arg) {
  CHECK_ERR(co_barrier_wait(&barrier, 3, 5 * MS), ETIMEDOUT);
  return arg;
}

static void *of_three(void *arg) {
  CHECK_EQ(co_barrier_wait(&barrier, 3, CO_FOREVER), 0);
  return arg;
}

static void body(void) {
  CHECK_ERR(co_barrier_wait(NULL, 2, CO_NOW), EINVAL);
  CHECK_ERR(co_barrier_wait(&barrier, 0, CO_NOW), EINVAL);
  CHECK_EQ(co_barrier_wait(&barrier, 1, CO_NOW), 1);
  CHECK_ERR(co_barrier_wait(&barrier, 2, CO_NOW), EAGAIN);
  CHECK_ERR(co_barrier_wait(&barrier, 7, MS), ETIMEDOUT);
  co_t co = conf_spawn_on(2, of_two, NULL); /* those that left had said another number: forgotten */
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_ERR(co_barrier_wait(&barrier, 3, CO_FOREVER), EINVAL);
  CHECK_ERR(co_barrier_wait(&barrier, 1, CO_NOW), EINVAL);
  CHECK_EQ(co_barrier_wait(&barrier, 2, CO_NOW), 1);
  conf_join(co);

  co_t stays = conf_spawn_on(1, of_three, NULL), leaves = conf_spawn_on(2, gives_up, NULL);
  conf_join(leaves);
  CHECK_ERR(co_barrier_wait(&barrier, 3, CO_NOW), EAGAIN); /* two are missing again */
  co_t comes = conf_spawn(of_three, NULL);
  conf_until_state(comes, CO_STATE_PARKED);
  CHECK_EQ(co_barrier_wait(&barrier, 3, CO_NOW), 1);
  conf_join(stays);
  conf_join(comes);

  for (int kind = 0; kind < CREW_KINDS; kind++) {
    memset(come, 0, sizeof come);
    memset(leaders, 0, sizeof leaders);
    crew_run(kind, PARTIES, rounds, NULL);
    for (int i = 0; i < ROUNDS; i++)
      CHECK_EQ(atomic_load(&leaders[i]), 1);
  }
}

CASE(body)
