#include "crew.h"

/* Set and unset; a set lets go everybody who waits at that moment, even if it is reset at once. */
enum { N = 16 };
static co_event_t event;
static atomic_int waiting, gone;

static void *wait_event(void *arg) {
  atomic_fetch_add(&waiting, 1);
  CHECK_OK(co_event_wait(&event, CO_FOREVER));
  atomic_fetch_add(&gone, 1);
  return arg;
}

static void pulses(int kind) {
  for (int round = 0; round < 3; round++) {
    crew_t crew = {.kind = kind};
    atomic_store(&waiting, 0);
    atomic_store(&gone, 0);
    for (int i = 0; i < N; i++)
      crew_add(&crew, wait_event, NULL);
    while (atomic_load(&waiting) != N)
      CHECK_OK(co_sleep(100 * US));
    while (atomic_load(&gone) != N) { /* one pulse, or more for who was not quite there yet */
      CHECK_OK(co_event_set(&event));
      CHECK_OK(co_event_reset(&event));
      CHECK_OK(co_sleep(500 * US));
    }
    crew_end(&crew);
    CHECK_EQ(co_event_is_set(&event), 0);
  }
}

static void body(void) {
  co_t cos[N];
  CHECK_ERR(co_event_wait(NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_event_set(NULL), EINVAL);
  CHECK_ERR(co_event_reset(NULL), EINVAL);
  CHECK_ERR(co_event_is_set(NULL), EINVAL);
  CHECK_EQ(co_event_is_set(&event), 0);
  CHECK_ERR(co_event_wait(&event, CO_NOW), EAGAIN);
  CHECK_OK(co_event_reset(&event));
  CHECK_OK(co_event_set(&event));
  CHECK_OK(co_event_set(&event));
  CHECK_EQ(co_event_is_set(&event), 1);
  CHECK_OK(co_event_wait(&event, CO_NOW));
  CHECK_OK(co_event_wait(&event, CO_FOREVER));
  CHECK_OK(co_event_reset(&event));
  CHECK_ERR(co_event_wait(&event, MS), ETIMEDOUT);

  /* Exactly one pulse for those that are known to wait. */
  for (int i = 0; i < N; i++) {
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, wait_event, NULL);
    conf_until_state(cos[i], CO_STATE_PARKED);
  }
  CHECK_OK(co_event_set(&event));
  CHECK_OK(co_event_reset(&event));
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
  for (int kind = 0; kind < CREW_KINDS; kind++)
    pulses(kind);
}

CASE(body)
