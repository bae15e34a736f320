#include "check.h"

/* Many coroutines do random things to each other through handles that may be stale: every answer
 * is one of those that the contract allows, and in the end all can be ended. */
enum { SLOTS = 64, WORKERS = 8, STEPS = 4000 };
static _Atomic co_t slots[SLOTS];

static int allowed(int r, const int *errors, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (r == -errors[i])
      return 1;
  return r >= 0;
}

#define EXPECT(call, ...)                                      \
  do {                                                         \
    int got_ = (int)(call);                                    \
    const int errors_[] = {__VA_ARGS__};                       \
    if (!allowed(got_, errors_, COUNT_OF(errors_)))            \
      FAIL("%s is %d (%s)", #call, got_, co_strerror(got_));   \
  } while (0)

static void *subject(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)arg;
  for (int i = 0; i < 30; i++) {
    switch (conf_rand(&rng) % 6) {
    case 0:
      co_yield_now();
      break;
    case 1:
      EXPECT(co_sleep((int64_t)(conf_rand(&rng) % 100) * US), EINTR, ECANCELED);
      break;
    case 2:
      EXPECT(co_park((int64_t)(conf_rand(&rng) % 100 + 1) * US), ETIMEDOUT, EINTR, ECANCELED);
      break;
    case 3:
      EXPECT(co_park(CO_NOW), EAGAIN, EINTR, ECANCELED);
      break;
    case 4:
      EXPECT(co_join(slots[conf_rand(&rng) % SLOTS], NULL, 50 * US), ETIMEDOUT, ESRCH, EDEADLK, EINTR,
             ECANCELED);
      break;
    default:
      CHECK_GE(co_cancel_shield(1), 0);
      CHECK_OK(co_sleep(10 * US));
      CHECK_EQ(co_cancel_shield(0), 1);
      CHECK_GE(co_cancel_clear(), 0);
    }
  }
  return arg;
}

static void step(uint64_t *rng) {
  _Atomic co_t *slot = &slots[conf_rand(rng) % SLOTS];
  co_t co = atomic_load(slot), fresh = 0;
  co_attr_t attr = conf_attr();
  co_info_t info = {.size = sizeof info};
  switch (conf_rand(rng) % 10) {
  case 0:
  case 1:
    attr.flags = (uint32_t)(conf_rand(rng) % 8) & (CO_MIGRATABLE | CO_SAVE_FP | CO_DETACHED);
    attr.stack_size = UINT64_C(16384) << conf_rand(rng) % 4;
    CHECK_OK(co_spawn(&fresh, &attr, subject, (void *)(uintptr_t)(conf_rand(rng) | 1)));
    co_detach(atomic_exchange(slot, fresh));
    break;
  case 2:
    EXPECT(co_join(co, NULL, (int64_t)(conf_rand(rng) % 200) * US), ETIMEDOUT, EAGAIN, ESRCH);
    break;
  case 3:
    EXPECT(co_wait(co, (int64_t)(conf_rand(rng) % 200) * US), ETIMEDOUT, EAGAIN, ESRCH);
    break;
  case 4:
    EXPECT(co_unpark(co), ESRCH);
    break;
  case 5:
    EXPECT(co_interrupt(co, EINTR), ESRCH);
    break;
  case 6:
    EXPECT(co_cancel(co), ESRCH);
    break;
  case 7:
    EXPECT(co_info(co, &info), ESRCH);
    EXPECT(co_set_name(co, "subject"), ESRCH);
    break;
  case 8:
    EXPECT(co_migrate(co, 0, CO_VCPU_ANY), ESRCH, EPERM);
    break;
  default:
    co_yield_now();
  }
}

static void *worker(void *arg) {
  uint64_t rng = (uint64_t)(uintptr_t)arg;
  for (int i = 0; i < STEPS; i++)
    step(&rng);
  return arg;
}

static void body(void) {
  co_t cos[WORKERS];
  for (uintptr_t i = 0; i < WORKERS; i++)
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, worker, (void *)(i * 1000 + 17));
  conf_on_thread(worker, (void *)(uintptr_t)4711);
  for (int i = 0; i < WORKERS; i++)
    conf_join(cos[i]);
  for (int i = 0; i < SLOTS; i++) {
    co_cancel(slots[i]);
    co_detach(slots[i]);
  }
  conf_until_live(1);
}

CASE(body)
