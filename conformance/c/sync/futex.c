#include "check.h"

/* Waiting for words: which waiters a wake finds, how many, in which order; words side by side and
 * many of them; a word that is gone. */
enum { N = 12, WORDS = 2000 };
static uint32_t words[WORDS];
static int order[N], woken;

static void *wait_in_order(void *arg) {
  CHECK_OK(co_futex_wait(&words[1], 0, CO_FOREVER));
  order[woken++] = (int)(intptr_t)arg;
  return arg;
}

static void *wait_at(void *arg) {
  uint32_t *word = arg;
  CHECK_OK(co_futex_wait(word, *word, CO_FOREVER));
  return arg;
}

static void *wait_for_block(void *arg) {
  uint32_t **block = arg;
  CHECK_OK(co_futex_wait(*block, 5, CO_FOREVER));
  return arg;
}

static void errors(void) {
  char *bytes = (char *)words;
  CHECK_ERR(co_futex_wait(NULL, 0, CO_NOW), EINVAL);
  CHECK_ERR(co_futex_wait((uint32_t *)(void *)(bytes + 1), 0, CO_NOW), EINVAL);
  CHECK_ERR(co_futex_wait((uint32_t *)(void *)(bytes + 2), 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_futex_wake(NULL, 1), EINVAL);
  CHECK_ERR(co_futex_wake((uint32_t *)(void *)(bytes + 3), 1), EINVAL);
  CHECK_ERR(co_futex_wait(words, 1, CO_FOREVER), EAGAIN);
  CHECK_ERR(co_futex_wait(words, 1, MS), EAGAIN);
  CHECK_ERR(co_futex_wait(words, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_futex_wait(words, 0, -2), EINVAL);
  CHECK_ERR(co_futex_wait(words, 0, MS), ETIMEDOUT);
  CHECK_EQ(co_futex_wake(words, UINT32_MAX), 0);
}

static void numbers(void) {
  co_t cos[N];
  for (intptr_t i = 0; i < N; i++) {
    cos[i] = conf_spawn_on(1, wait_in_order, (void *)i);
    conf_until_state(cos[i], CO_STATE_PARKED);
  }
  CHECK_EQ(co_futex_wake(&words[0], UINT32_MAX), 0);
  CHECK_EQ(co_futex_wake(&words[2], UINT32_MAX), 0);
  CHECK_EQ(co_futex_wake(&words[1], 0), 0);
  CHECK_EQ(co_futex_wake(&words[1], 1), 1);
  CHECK_EQ(co_futex_wake(&words[1], 4), 4);
  CHECK_EQ(co_futex_wake(&words[1], UINT32_MAX), N - 5);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
  for (int i = 0; i < N; i++)
    CHECK_EQ(order[i], i);
}

static void many(void) {
  static co_t cos[WORDS];
  for (int i = 0; i < WORDS; i++)
    cos[i] = conf_spawn_on((uint32_t)i % 2 + 1, wait_at, &words[i]);
  for (int i = 0; i < WORDS; i++)
    conf_until_state(cos[i], CO_STATE_PARKED);
  for (int i = WORDS - 1; i >= 0; i--)
    CHECK_EQ(co_futex_wake(&words[i], 3), 1);
  for (int i = 0; i < WORDS; i++)
    conf_join(cos[i]);
}

static void gone(void) {
  uint32_t *block = malloc(sizeof *block);
  CHECK(block != NULL);
  *block = 5;
  uint32_t *at = block;
  co_t co = conf_spawn(wait_for_block, &block);
  conf_until_state(co, CO_STATE_PARKED);
  free(block); /* the address is all that a wake needs */
  CHECK_EQ(co_futex_wake(at, 1), 1);
  conf_join(co);
}

static void *wait_on_thread(void *arg) {
  CHECK_ERR(co_futex_wait(&words[3], 9, CO_FOREVER), EAGAIN);
  CHECK_OK(co_futex_wait(&words[3], 0, CO_FOREVER));
  return arg;
}

static void threads(void) {
  pthread_t a = conf_thread(wait_on_thread, NULL), b = conf_thread(wait_on_thread, NULL);
  for (int n = 0; n < 2;) {
    int r = co_futex_wake(&words[3], 2);
    CHECK_GE(r, 0);
    n += r;
    CHECK_OK(co_sleep(MS / 2));
  }
  CHECK_EQ(co_futex_wake(&words[3], 2), 0);
  conf_thread_join(a);
  conf_thread_join(b);
}

static void body(void) {
  errors();
  numbers();
  many();
  gone();
  threads();
}

CASE(body)
