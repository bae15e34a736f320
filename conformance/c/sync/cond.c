#include "check.h"

/* Whom a signal wakes and how many; that the mutex is held after the wait, however it ended. */
enum { N = 10 };
static co_mutex_t m;
static co_cond_t c;
static int order[N], woken;

static void *wait_signal(void *arg) {
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  CHECK_OK(co_cond_wait(&c, &m, arg ? CO_FOREVER : 3600 * SEC));
  order[woken++] = (int)(intptr_t)arg;
  CHECK_OK(co_mutex_unlock(&m));
  return arg;
}

static co_t waiter(intptr_t i) {
  co_t co = conf_spawn_on(1, wait_signal, (void *)i);
  conf_until_state(co, CO_STATE_PARKED);
  return co;
}

static void *no_holder(void *arg) {
  CHECK_ERR(co_cond_wait(&c, &m, CO_FOREVER), EPERM);
  CHECK_ERR(co_cond_wait(&c, &m, CO_NOW), EPERM);
  return arg;
}

static void errors(void) {
  CHECK_ERR(co_cond_wait(NULL, &m, CO_NOW), EINVAL);
  CHECK_ERR(co_cond_wait(&c, NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_cond_signal(NULL), EINVAL);
  CHECK_ERR(co_cond_broadcast(NULL), EINVAL);
  no_holder(NULL);
  CHECK_OK(co_mutex_lock(&m, CO_NOW));
  conf_on_thread(no_holder, NULL);
  conf_join(conf_spawn(no_holder, NULL));
  CHECK_ERR(co_cond_wait(&c, &m, -2), EINVAL);
  CHECK_ERR(co_cond_wait(&c, &m, CO_NOW), EAGAIN);
  CHECK_EQ(co_cond_signal(&c), 0);
  CHECK_ERR(co_cond_wait(&c, &m, 2 * MS), ETIMEDOUT); /* that signal is gone */
  CHECK_ERR(co_mutex_lock(&m, CO_NOW), EDEADLK);
  CHECK_OK(co_mutex_unlock(&m));
  CHECK_EQ(co_cond_broadcast(&c), 0);
}

static void signals(void) {
  co_t cos[N];
  woken = 0;
  for (intptr_t i = 0; i < N; i++)
    cos[i] = waiter(i);
  CHECK_EQ(co_cond_signal(&c), 1);
  CHECK_EQ(co_cond_signal(&c), 1);
  conf_join(cos[0]);
  conf_join(cos[1]);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(woken, 2);
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  CHECK_EQ(co_cond_broadcast(&c), N - 2); /* with the mutex held */
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(woken, 2);
  CHECK_OK(co_mutex_unlock(&m));
  for (int i = 2; i < N; i++)
    conf_join(cos[i]);
  for (int i = 0; i < N; i++)
    CHECK_EQ(order[i], i);
}

/* Cancelled, interrupted or late while somebody else has the mutex: it waits for the mutex still. */
static atomic_int over;
static void *stopped(void *arg) {
  int want = (int)(intptr_t)arg;
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  CHECK_ERR(co_cond_wait(&c, &m, want == ETIMEDOUT ? MS : CO_FOREVER), want);
  atomic_store(&over, 1);
  CHECK_OK(co_mutex_unlock(&m));
  return arg;
}

static void relocks(int want) {
  co_t co = conf_spawn_on(2, stopped, (void *)(intptr_t)want);
  atomic_store(&over, 0);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  if (want == ECANCELED)
    CHECK_OK(co_cancel(co));
  else if (want != ETIMEDOUT)
    CHECK_OK(co_interrupt(co, want));
  CHECK_OK(co_sleep(5 * MS));
  if (want == EINTR)
    CHECK_OK(co_cancel(co)); /* while it waits for the mutex */
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(atomic_load(&over), 0);
  CHECK_EQ(conf_info(co).state, CO_STATE_PARKED);
  CHECK_OK(co_mutex_unlock(&m));
  conf_join(co);
  CHECK_EQ(atomic_load(&over), 1);
  CHECK_EQ(co_cond_signal(&c), 0); /* it does not wait any more */
}

/* Signalled first, then cancelled, before it has run: the signal counts, the cancel is for later. */
static void *signalled_first(void *arg) {
  CHECK_OK(co_mutex_lock(&m, CO_FOREVER));
  CHECK_OK(co_cond_wait(&c, &m, CO_FOREVER));
  CHECK_OK(co_mutex_unlock(&m));
  CHECK_ERR(co_sleep(0), (int)(intptr_t)arg);
  return arg;
}

static void both_at_once(int stop) {
  co_t co = conf_spawn_on(1, signalled_first, (void *)(intptr_t)stop);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_EQ(co_cond_signal(&c), 1);
  if (stop == ECANCELED)
    CHECK_OK(co_cancel(co));
  else
    CHECK_OK(co_interrupt(co, stop));
  conf_join(co);
}

static void body(void) {
  errors();
  signals();
  relocks(ETIMEDOUT);
  relocks(ECANCELED);
  relocks(EINTR);
  both_at_once(ECANCELED);
  both_at_once(EINTR);
}

CASE(body)
