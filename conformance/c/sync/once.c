#include "crew.h"

/* Done by one, seen by all; tried again after a failure; refused from within. */
enum { N = 8, OBJECTS = 60 };
static co_once_t once, objects[OBJECTS], tried;
static int values[OBJECTS], runs[OBJECTS];
static atomic_int tries;

static int count_run(void *arg) {
  int i = (int)(intptr_t)arg;
  runs[i]++;
  if (i % 3 == 0)
    CHECK_OK(co_sleep(200 * US)); /* it may block */
  values[i] = i + 1;
  return i % 2 ? 7 : 0;
}

static void *all_objects(void *arg) {
  for (intptr_t i = 0; i < OBJECTS; i++) {
    if (i % 4 == 3) {
      int r = co_once_begin(&objects[i], CO_FOREVER);
      if (r == 1) {
        count_run((void *)i);
        CHECK_OK(co_once_end(&objects[i], 1));
      } else {
        CHECK_EQ(r, 0);
      }
    } else {
      CHECK_OK(co_once(&objects[i], count_run, (void *)i, CO_FOREVER));
    }
    CHECK_EQ(values[i], i + 1);
    CHECK_EQ(runs[i], 1);
  }
  return arg;
}

/* Two fail, the third succeeds, and nobody tries after that. */
static int fails_twice(void *arg) {
  (void)arg;
  CHECK_OK(co_sleep(300 * US));
  return atomic_fetch_add(&tries, 1) < 2 ? -EIO : 0;
}

static atomic_int failed;
static void *try_it(void *arg) {
  int r = co_once(&tried, fails_twice, NULL, CO_FOREVER);
  if (r == -EIO)
    atomic_fetch_add(&failed, 1);
  else
    CHECK_OK(r);
  return arg;
}

static int recursive(void *arg) {
  CHECK_ERR(co_once(&once, recursive, NULL, CO_FOREVER), EDEADLK);
  CHECK_ERR(co_once_begin(&once, CO_NOW), EDEADLK);
  return arg ? -EDOM : 0;
}

static int never(void *arg) { FAIL("done again, with %p", arg); }

static void *not_the_runner(void *arg) {
  CHECK_ERR(co_once_end(&once, 1), EPERM);
  CHECK_ERR(co_once_begin(&once, CO_NOW), EAGAIN);
  CHECK_ERR(co_once(&once, never, NULL, MS), ETIMEDOUT);
  return arg;
}

static void *takes_over(void *arg) {
  CHECK_EQ(co_once_begin(&once, CO_FOREVER), 1);
  CHECK_OK(co_once_end(&once, 1));
  return arg;
}

static void body(void) {
  static int yes;
  CHECK_ERR(co_once(NULL, never, NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_once(&once, NULL, NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_once(&once, never, NULL, -2), EINVAL);
  CHECK_ERR(co_once_begin(NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_once_end(NULL, 1), EINVAL);
  CHECK_ERR(co_once_end(&once, 1), EPERM);
  CHECK_ERR(co_once(&once, recursive, &yes, CO_NOW), EDOM);
  CHECK_EQ(co_once_begin(&once, CO_NOW), 1);
  conf_on_thread(not_the_runner, NULL);
  conf_join(conf_spawn_on(2, not_the_runner, NULL));
  co_t co = conf_spawn_on(2, takes_over, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_once_end(&once, 0));
  CHECK_ERR(co_once_end(&once, 0), EPERM);
  conf_join(co);
  CHECK_OK(co_once(&once, never, NULL, CO_NOW));
  CHECK_OK(co_once_begin(&once, CO_NOW));

  for (int kind = 0; kind < CREW_KINDS; kind++) {
    memset(objects, 0, sizeof objects);
    memset(values, 0, sizeof values);
    memset(runs, 0, sizeof runs);
    crew_run(kind, N, all_objects, NULL);
    memset(&tried, 0, sizeof tried);
    atomic_store(&tries, 0);
    atomic_store(&failed, 0);
    crew_run(kind, N, try_it, NULL);
    CHECK_EQ(atomic_load(&tries), 3);
    CHECK_EQ(atomic_load(&failed), 2);
  }
}

CASE(body)
