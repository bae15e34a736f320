#include "check.h"

static co_future_t f;
static atomic_int out;

static void *waiter(void *arg) {
  uint64_t value[3] = {0, 0, 0};
  int r = co_future_wait(f, value, CO_FOREVER);
  if (r == 0)
    CHECK(value[0] == 1 && value[1] == 2 && value[2] == 3);
  else
    CHECK_EQ(value[0], 0);
  CHECK_EQ(r, (intptr_t)arg);
  atomic_fetch_add(&out, 1);
  return NULL;
}

static const uint64_t three[3] = {1, 2, 3};

/* A callback of somebody else's code. */
static int compare(const void *a, const void *b) {
  co_future_complete(f, three);
  return *(const int *)a - *(const int *)b;
}

static void *completer(void *arg) {
  int n[2] = {2, 1};
  switch ((intptr_t)arg) {
  case 0:
    CHECK_OK(co_future_complete(f, three));
    break;
  case 1:
    qsort(n, 2, sizeof n[0], compare);
    break;
  case 2:
    CHECK_OK(co_future_fail(f, EHOSTUNREACH));
    break;
  default:
    CHECK_OK(co_future_free(f));
    break;
  }
  return NULL;
}

static void round_of(intptr_t how, int from_thread) {
  enum { N = 5 };
  static const int wants[] = {0, 0, -EHOSTUNREACH, -EBADF};
  intptr_t want = wants[how];
  co_t co[N];
  pthread_t thread;
  uint64_t value[3];
  atomic_store(&out, 0);
  CHECK_OK(co_future_new(&f, sizeof three));
  CHECK_ERR(co_future_wait(f, value, CO_NOW), EAGAIN);
  CHECK_ERR(co_future_wait(f, value, 100 * US), ETIMEDOUT);
  thread = conf_thread(waiter, (void *)want);
  for (int i = 0; i < N; i++) {
    co[i] = conf_spawn_on((uint32_t)i % 2 + 1, waiter, (void *)want);
    conf_until_state(co[i], CO_STATE_PARKED);
  }
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(atomic_load(&out), 0);
  if (from_thread)
    conf_on_thread(completer, (void *)how);
  else
    completer((void *)how);
  for (int i = 0; i < N; i++)
    conf_join(co[i]);
  while (atomic_load(&out) != N + 1)
    CHECK_OK(co_sleep(100 * US));
  conf_thread_join(thread);
  /* Once and for all. */
  CHECK_EQ(co_future_complete(f, three), how == 3 ? -EBADF : -EALREADY);
  CHECK_EQ(co_future_fail(f, EIO), how == 3 ? -EBADF : -EALREADY);
  for (int i = 0; i < 3; i++) {
    waiter((void *)want);
    CHECK_EQ(co_future_wait(f, NULL, CO_NOW), want);
  }
  if (how != 3)
    CHECK_OK(co_future_free(f));
  CHECK_ERR(co_future_free(f), EBADF);
  CHECK_ERR(co_future_wait(f, value, CO_FOREVER), EBADF);
}

static void *cancelled(void *arg) {
  uint64_t value[3] = {7, 7, 7};
  CHECK_EQ(co_future_wait(f, value, CO_FOREVER), (intptr_t)arg);
  CHECK_EQ(value[0], 7);
  return NULL;
}

static void stops(void) {
  co_t co;
  CHECK_OK(co_future_new(&f, sizeof three));
  CHECK_ERR(co_future_complete(f, NULL), EINVAL);
  CHECK_ERR(co_future_fail(f, 0), EINVAL);
  CHECK_ERR(co_future_fail(f, -EIO), EINVAL);
  CHECK_ERR(co_future_fail(f, 4096), EINVAL);
  CHECK_ERR(co_future_wait(f, NULL, -2), EINVAL);
  co = conf_spawn(cancelled, (void *)(intptr_t)-ECANCELED);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  conf_join(co);
  co = conf_spawn(cancelled, (void *)(intptr_t)-ENXIO);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, ENXIO));
  conf_join(co);
  CHECK_OK(co_future_complete(f, three)); /* nobody waits any more */
  waiter(0);
  CHECK_OK(co_future_free(f));
  CHECK_ERR(co_future_complete(f, three), EBADF); /* late */
}

static void body(void) {
  f = 77;
  CHECK_ERR(co_future_new(NULL, 8), EINVAL);
  CHECK_ERR(co_future_new(&f, CO_CHAN_ELEM_MAX + 1), EINVAL);
  CHECK_EQ(f, 77);
  for (intptr_t how = 0; how < 4; how++) {
    round_of(how, 0);
    round_of(how, 1);
  }
  stops();
  CHECK_OK(co_future_new(&f, 0)); /* a mere signal */
  CHECK_ERR(co_future_wait(f, NULL, CO_NOW), EAGAIN);
  CHECK_OK(co_future_complete(f, NULL));
  CHECK_OK(co_future_wait(f, NULL, CO_FOREVER));
  CHECK_OK(co_future_free(f));
  for (uint64_t i = 0; i < 64; i++)
    CHECK_ERR(co_future_wait(f ^ (UINT64_C(1) << i), NULL, CO_FOREVER), EBADF);
  CHECK_ERR(co_future_wait(0, NULL, CO_FOREVER), EBADF);
}

CASE(body)
