#include "check.h"

enum { FUTURES = 300, WAITERS = 3, BIG = 100 };
static _Atomic co_future_t current;
static atomic_int turn, done, completions;

static void *waiter(void *arg) {
  uint64_t seed = (uint64_t)(intptr_t)arg + 1;
  for (int i = 1; i <= FUTURES; i++) {
    unsigned char got[BIG];
    while (atomic_load(&turn) < i)
      CHECK_OK(co_sleep(10 * US));
    memset(got, 0xee, sizeof got);
    int r = co_future_wait(atomic_load(&current), got, conf_rand(&seed) % 3 ? CO_FOREVER : 500);
    if (r == 0)
      for (int k = 0; k < BIG; k++)
        CHECK_EQ(got[k], (unsigned char)i);
    else {
      CHECK(r == -EIO || r == -EBADF || r == -ETIMEDOUT);
      CHECK_EQ(got[0], 0xee);
    }
    atomic_fetch_add(&done, 1);
  }
  return NULL;
}

static void *completer(void *arg) {
  for (int i = 1; i <= FUTURES; i++) {
    unsigned char value[BIG];
    int r;
    while (atomic_load(&turn) < i)
      CHECK_OK(co_sleep(10 * US));
    memset(value, i, sizeof value);
    r = i % 5 ? co_future_complete(atomic_load(&current), value)
              : co_future_fail(atomic_load(&current), EIO);
    if (r == 0)
      atomic_fetch_add(&completions, 1);
    else
      CHECK(r == -EALREADY || (r == -EBADF && i % 7 == 0));
    atomic_fetch_add(&done, 1);
  }
  return arg;
}

static void body(void) {
  co_t co[WAITERS + 1];
  pthread_t thread = conf_thread(completer, NULL);
  for (intptr_t i = 0; i < WAITERS; i++)
    co[i] = conf_spawn_on((uint32_t)i % 2 + 1, waiter, (void *)i);
  co[WAITERS] = conf_spawn_on(2, completer, NULL);
  for (int i = 1; i <= FUTURES; i++) {
    co_future_t f;
    CHECK_OK(co_future_new(&f, BIG));
    atomic_store(&completions, 0);
    atomic_store(&done, 0);
    atomic_store(&current, f);
    atomic_store(&turn, i);
    if (i % 7 == 0)
      CHECK_OK(co_future_free(f));
    while (atomic_load(&done) < WAITERS + 2)
      CHECK_OK(co_sleep(10 * US));
    if (i % 7 == 0)
      CHECK(atomic_load(&completions) <= 1);
    else {
      CHECK_EQ(atomic_load(&completions), 1);
      CHECK_OK(co_future_free(f));
    }
  }
  for (int i = 0; i <= WAITERS; i++)
    conf_join(co[i]);
  conf_thread_join(thread);
}

CASE(body)
