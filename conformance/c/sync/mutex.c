#include "check.h"

/* Who holds a mutex, and who may unlock it: another coroutine, another thread, the main coroutine. */
static co_mutex_t m;
static co_rmutex_t r;

static void *not_mine(void *arg) {
  CHECK_ERR(co_mutex_lock(&m, CO_NOW), EAGAIN);
  CHECK_ERR(co_mutex_unlock(&m), EPERM);
  CHECK_ERR(co_rmutex_lock(&r, CO_NOW), EAGAIN);
  CHECK_ERR(co_rmutex_unlock(&r), EPERM);
  return arg;
}

static void *hold(void *arg) {
  co_mutex_t *mine = arg;
  CHECK_OK(co_mutex_lock(mine, CO_FOREVER));
  CHECK_ERR(co_mutex_lock(mine, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_mutex_lock(mine, CO_NOW), EDEADLK);
  CHECK_ERR(co_mutex_lock(mine, 5 * MS), EDEADLK);
  CHECK_OK(co_sleep(3 * MS)); /* held over a wait */
  CHECK_OK(co_mutex_unlock(mine));
  CHECK_ERR(co_mutex_unlock(mine), EPERM);
  return arg;
}

/* Those that wait come in their order. */
static int turns;
static void *in_turn(void *arg) {
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  CHECK_EQ(turns++, (intptr_t)arg);
  CHECK_OK(co_mutex_unlock(&m));
  return arg;
}

static void body(void) {
  enum { DEPTH = 1000, WAITERS = 20 };
  co_mutex_t on_stack = {{0}};
  CHECK_ERR(co_mutex_lock(NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_mutex_unlock(NULL), EINVAL);
  CHECK_ERR(co_rmutex_lock(NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_rmutex_unlock(NULL), EINVAL);
  CHECK_ERR(co_mutex_lock(&m, -2), EINVAL);
  CHECK_ERR(co_mutex_unlock(&m), EPERM);
  CHECK_ERR(co_rmutex_unlock(&r), EPERM);

  CHECK_OK(co_mutex_lock(&m, CO_NOW));
  CHECK_OK(co_rmutex_lock(&r, CO_FOREVER));
  for (int i = 0; i < DEPTH; i++)
    CHECK_OK(co_rmutex_lock(&r, i % 2 ? CO_NOW : CO_FOREVER));
  for (int i = 0; i < DEPTH; i++) {
    if (i % 500 == 0)
      conf_join(conf_spawn_on(2, not_mine, NULL));
    CHECK_OK(co_rmutex_unlock(&r));
  }
  conf_on_thread(not_mine, NULL);
  CHECK_OK(co_rmutex_unlock(&r));
  CHECK_OK(co_rmutex_lock(&r, CO_NOW));
  CHECK_OK(co_rmutex_unlock(&r));
  CHECK_ERR(co_rmutex_unlock(&r), EPERM);
  CHECK_OK(co_mutex_unlock(&m));

  /* The same coroutine, thread or not, is told apart from the one that holds it. */
  co_t co = conf_spawn_on(2, hold, &on_stack);
  conf_on_thread(hold, &on_stack);
  conf_join(co);

  co_t waiters[WAITERS];
  CHECK_OK(co_mutex_lock(&m, CO_NOW));
  for (intptr_t i = 0; i < WAITERS; i++) {
    waiters[i] = conf_spawn(in_turn, (void *)i);
    conf_until_state(waiters[i], CO_STATE_PARKED);
  }
  CHECK_OK(co_mutex_unlock(&m));
  for (int i = 0; i < WAITERS; i++)
    conf_join(waiters[i]);
}

CASE(body)
