#include "crew.h"

/* A count, who waits for none to be left, and another round. */
enum { N = 8 };
static co_wg_t wg, started;
static int results[N];
static atomic_int next;

static void *work(void *arg) {
  int *mine = arg;
  CHECK_OK(co_sleep((int64_t)(atomic_fetch_add(&next, 1) % 3) * 100 * US));
  *mine += 1; /* seen by who waits */
  CHECK_OK(co_wg_done(&wg));
  return arg;
}

static void *wait_all(void *arg) {
  CHECK_OK(co_wg_done(&started));
  CHECK_OK(co_wg_wait(&wg, CO_FOREVER));
  return arg;
}

static void round_of(int kind) {
  crew_t crew = {.kind = kind}, waiters = {.kind = kind};
  memset(results, 0, sizeof results);
  CHECK_OK(co_wg_add(&wg, N));
  CHECK_OK(co_wg_add(&started, 3));
  for (int i = 0; i < 3; i++)
    crew_add(&waiters, wait_all, NULL);
  CHECK_OK(co_wg_wait(&started, CO_FOREVER));
  for (int i = 0; i < N; i++)
    crew_add(&crew, work, &results[i]);
  CHECK_OK(co_wg_wait(&wg, CO_FOREVER));
  for (int i = 0; i < N; i++)
    CHECK_EQ(results[i], 1);
  crew_end(&waiters);
  crew_end(&crew);
}

static void body(void) {
  co_wg_t full = {{0}};
  CHECK_ERR(co_wg_add(NULL, 1), EINVAL);
  CHECK_ERR(co_wg_done(NULL), EINVAL);
  CHECK_ERR(co_wg_wait(NULL, CO_NOW), EINVAL);
  CHECK_OK(co_wg_wait(&wg, CO_NOW));
  CHECK_ERR(co_wg_done(&wg), EINVAL);
  CHECK_OK(co_wg_add(&wg, 3));
  CHECK_ERR(co_wg_add(&wg, -4), EINVAL);
  CHECK_ERR(co_wg_add(&wg, INT32_MIN), EINVAL);
  CHECK_OK(co_wg_add(&wg, -2));
  CHECK_OK(co_wg_add(&wg, 0));
  CHECK_ERR(co_wg_wait(&wg, CO_NOW), EAGAIN);
  CHECK_OK(co_wg_done(&wg));
  CHECK_OK(co_wg_wait(&wg, CO_FOREVER));

  CHECK_OK(co_wg_add(&full, INT32_MAX));
  CHECK_OK(co_wg_add(&full, INT32_MAX));
  CHECK_OK(co_wg_add(&full, 1)); /* UINT32_MAX */
  CHECK_ERR(co_wg_add(&full, 1), EOVERFLOW);
  CHECK_OK(co_wg_add(&full, -INT32_MAX));
  CHECK_OK(co_wg_add(&full, -INT32_MAX));
  CHECK_ERR(co_wg_wait(&full, MS), ETIMEDOUT);
  CHECK_OK(co_wg_done(&full));
  CHECK_OK(co_wg_wait(&full, CO_NOW));

  for (int i = 0; i < 3 * CREW_KINDS; i++)
    round_of(i % CREW_KINDS);
}

CASE(body)
