#include "check.h"

static co_key_t a, b, c, again;
static char log_text[64];
static int again_left, again_calls;
static atomic_int blocked_done;

static void note(char what) {
  size_t n = strlen(log_text);
  CHECK(n + 1 < sizeof log_text);
  log_text[n] = what;
}

static void destroy(void *value) {
  note(*(char *)value);
}

static void destroy_a(void *value) {
  CHECK(co_local_get(a) == NULL); /* its own is gone */
  CHECK(co_local_get(c) == NULL); /* newer ones too */
  CHECK_OK(co_local_set(c, "z")); /* for the next round */
  note(*(char *)value);
}

static void destroy_b(void *value) {
  CHECK(co_local_get(a) != NULL); /* older ones are still there */
  CHECK_EQ(co_self() != 0, 1);
  CHECK_OK(co_sleep(MS)); /* it may block */
  note(*(char *)value);
}

static void *in_order(void *arg) {
  CHECK_OK(co_local_set(a, "a"));
  CHECK_OK(co_local_set(b, "b"));
  CHECK_OK(co_local_set(c, "x"));
  CHECK_OK(co_local_set(c, "c")); /* the value before gets no destructor */
  return arg;
}

static void destroy_again(void *value) {
  again_calls++;
  if (again_left-- > 0)
    CHECK_OK(co_local_set(again, value));
}

static void *set_again(void *arg) {
  CHECK_OK(co_local_set(again, arg));
  return arg;
}

static void rounds(int left, int want) {
  again_left = left;
  again_calls = 0;
  CHECK(conf_join(conf_spawn(set_again, &again_left)) == &again_left);
  CHECK_EQ(again_calls, want);
  again_left = 0;
}

static void destroy_slowly(void *value) {
  CHECK_OK(co_sleep(20 * MS));
  atomic_store((atomic_int *)value, 1);
}

static void destroy_cancelled(void *value) {
  CHECK_ERR(co_sleep(MS), ECANCELED);
  atomic_fetch_add((atomic_int *)value, 1);
}

static void *cancelled(void *arg) {
  CHECK_ERR(co_sleep(CO_FOREVER), ECANCELED);
  CHECK_OK(co_local_set(*(co_key_t *)arg, &blocked_done));
  return arg;
}

static void *set_slow(void *arg) {
  CHECK_OK(co_local_set(*(co_key_t *)arg, &blocked_done));
  return arg;
}

/* Who waits for the end waits for the destructors; a detached one has them too. */
static void waited_for(void) {
  co_key_t slow, stopped;
  CHECK_OK(co_key_new(&slow, destroy_slowly));
  co_t co = conf_spawn(set_slow, &slow);
  conf_join(co);
  CHECK_EQ(atomic_load(&blocked_done), 1);
  atomic_store(&blocked_done, 0);
  CHECK_OK(co_spawn(NULL, NULL, set_slow, &slow));
  while (!atomic_load(&blocked_done))
    CHECK_OK(co_sleep(MS));
  CHECK_OK(co_key_free(slow));
  CHECK_OK(co_key_new(&stopped, destroy_cancelled));
  co = conf_spawn(cancelled, &stopped);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  conf_join(co);
  CHECK_EQ(atomic_load(&blocked_done), 2);
  CHECK_OK(co_key_free(stopped));
}

static void *freed_before_the_end(void *arg) {
  co_key_t key;
  CHECK_OK(co_key_new(&key, destroy));
  CHECK_OK(co_local_set(key, "f"));
  CHECK_OK(co_key_free(key));
  CHECK_OK(co_key_new(&key, destroy));
  CHECK_OK(co_local_set(key, "n"));
  CHECK_OK(co_local_set(key, NULL)); /* taken back */
  CHECK_OK(co_key_free(key));
  return arg;
}

static void destroy_on_thread(void *value) {
  CHECK_EQ(co_self(), 0);
  CHECK_OK(co_sleep(MS)); /* blocks the thread, which is ending */
  int fds[2];
  char byte = 0;
  CHECK_OK(co_io_pipe(fds, 0));
  CHECK_ERR(co_io_read(fds[0], &byte, 1, MS), ETIMEDOUT);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_OK(co_io_close(fds[1]));
  note(*(char *)value);
}

static void *thread(void *arg) {
  CHECK_OK(co_local_set(*(co_key_t *)arg, "t"));
  CHECK(co_arena_alloc(100, 8) != NULL);
  return arg;
}

static void body(void) {
  CHECK_OK(co_key_new(&a, destroy_a));
  CHECK_OK(co_key_new(&b, destroy_b));
  CHECK_OK(co_key_new(&c, destroy));
  CHECK_OK(co_key_new(&again, destroy_again));
  conf_join(conf_spawn(in_order, NULL));
  CHECK(strcmp(log_text, "cbaz") == 0);
  rounds(0, 1);
  rounds(2, 3);
  rounds(100, 4);
  waited_for();
  memset(log_text, 0, sizeof log_text);
  conf_join(conf_spawn(freed_before_the_end, NULL));
  CHECK(log_text[0] == 0);
  co_key_t of_thread;
  CHECK_OK(co_key_new(&of_thread, destroy_on_thread));
  conf_on_thread(thread, &of_thread);
  CHECK(strcmp(log_text, "t") == 0);
}

CASE(body)
