#include "check.h"

/* Closing in each state: who waits to bring a job is refused, what has been taken is done, then the
 * handle is stale; several that close; a close that is stopped goes on; the group's and the runtime's
 * end. */
static co_pool_t pool;
static atomic_int gate, inside, ran, refused, closed, stale;

static void *held(void *arg) {
  atomic_fetch_add(&inside, 1);
  while (!atomic_load(&gate))
    CHECK_OK(co_sleep(200 * US));
  atomic_fetch_sub(&inside, 1);
  atomic_fetch_add(&ran, 1);
  return arg;
}

static void *submit_refused(void *arg) {
  CHECK_ERR(co_pool_submit(pool, held, arg, CO_FOREVER), EPIPE);
  atomic_fetch_add(&refused, 1);
  return arg;
}

static void *call_refused(void *arg) {
  CHECK_ERR(co_pool_call(pool, held, arg, NULL, CO_FOREVER), EPIPE);
  atomic_fetch_add(&refused, 1);
  return arg;
}

static void *waits(void *arg) {
  CHECK_OK(co_pool_wait(pool, CO_FOREVER));
  CHECK_EQ(atomic_load(&ran), *(int *)arg);
  return arg;
}

static void *closes(void *arg) {
  int r = co_pool_close(pool, CO_FOREVER);
  CHECK(r == 0 || r == -ESRCH);
  atomic_fetch_add(r == 0 ? &closed : &stale, 1);
  return arg;
}

static void *close_cancelled(void *arg) {
  CHECK_ERR(co_pool_close(pool, CO_FOREVER), ECANCELED);
  return arg;
}

static void until_inside(int n) {
  while (atomic_load(&inside) != n)
    CHECK_OK(co_sleep(200 * US));
}

static void all_stale(void) {
  co_pool_info_t info = {.size = sizeof info};
  CHECK_ERR(co_pool_submit(pool, held, NULL, CO_FOREVER), ESRCH);
  CHECK_ERR(co_pool_submit(pool, held, NULL, CO_NOW), ESRCH);
  CHECK_ERR(co_pool_call(pool, held, NULL, NULL, CO_FOREVER), ESRCH);
  CHECK_ERR(co_pool_wait(pool, CO_FOREVER), ESRCH);
  CHECK_ERR(co_pool_close(pool, CO_FOREVER), ESRCH);
  CHECK_ERR(co_pool_info(pool, &info), ESRCH);
}

static void *on_thread(void *arg) {
  closes(arg);
  all_stale();
  return arg;
}

static void in_each_state(uint32_t vcpus) {
  co_pool_attr_t attr = {.size = sizeof attr, .max = 1, .queue = 2, .vcpus = vcpus};
  co_pool_info_t info = {.size = sizeof info};
  co_t a, b, c, d[3];
  CHECK_OK(co_pool_new(&pool, &attr)); /* never used */
  CHECK_OK(co_pool_close(pool, CO_FOREVER));
  all_stale();
  CHECK_OK(co_pool_new(&pool, &attr)); /* used and idle; by a plain thread */
  atomic_store(&gate, 1);
  CHECK_OK(co_pool_call(pool, held, NULL, NULL, CO_FOREVER));
  conf_on_thread(on_thread, NULL);
  all_stale();
  CHECK_OK(co_pool_new(&pool, &attr)); /* at work, with a queue, and with those that wait */
  atomic_store(&gate, 0);
  atomic_store(&ran, 0);
  atomic_store(&refused, 0);
  for (int i = 0; i < 3; i++) {
    CHECK_OK(co_pool_submit(pool, held, NULL, CO_NOW));
    until_inside(1);
  }
  a = conf_spawn(submit_refused, NULL);
  b = conf_spawn(call_refused, NULL);
  int all = 3;
  c = conf_spawn(waits, &all);
  conf_until_state(a, CO_STATE_PARKED);
  conf_until_state(b, CO_STATE_PARKED);
  conf_until_state(c, CO_STATE_PARKED);
  CHECK_OK(co_pool_info(pool, &info));
  CHECK_EQ(info.queued, 2);
  CHECK_EQ(info.waiting, 2);
  CHECK_EQ(info.closing, 0);
  CHECK_ERR(co_pool_close(pool, CO_NOW), EAGAIN);
  conf_join(a);
  conf_join(b);
  CHECK_EQ(atomic_load(&refused), 2);
  CHECK_OK(co_pool_info(pool, &info));
  CHECK_EQ(info.closing, 1);
  CHECK_ERR(co_pool_submit(pool, held, NULL, CO_FOREVER), EPIPE);
  CHECK_ERR(co_pool_call(pool, held, NULL, NULL, CO_FOREVER), EPIPE);
  CHECK_ERR(co_pool_close(pool, 2 * MS), ETIMEDOUT);
  a = conf_spawn(close_cancelled, NULL);
  conf_until_state(a, CO_STATE_PARKED);
  CHECK_OK(co_cancel(a));
  conf_join(a);
  atomic_store(&closed, 0);
  atomic_store(&stale, 0);
  for (int i = 0; i < 3; i++) {
    d[i] = conf_spawn(closes, NULL);
    conf_until_state(d[i], CO_STATE_PARKED);
  }
  CHECK_EQ(atomic_load(&ran), 0);
  atomic_store(&gate, 1);
  for (int i = 0; i < 3; i++)
    conf_join(d[i]);
  conf_join(c);
  CHECK_EQ(atomic_load(&ran), 3);
  CHECK_EQ(atomic_load(&closed), 1);
  CHECK_EQ(atomic_load(&stale), 2);
  all_stale();
}

static void group_ends(void) {
  co_group_t group;
  co_group_attr_t gattr = {.size = sizeof gattr, .vcpus = 1};
  co_pool_attr_t attr = {.size = sizeof attr, .idle_ns = CO_FOREVER};
  CHECK_OK(co_group_create(&group, &gattr));
  attr.group = group;
  CHECK_OK(co_pool_new(&pool, &attr));
  atomic_store(&gate, 0);
  CHECK_OK(co_pool_submit(pool, held, NULL, CO_FOREVER));
  until_inside(1);
  CHECK_ERR(co_group_destroy(group, 2 * MS), ETIMEDOUT);
  atomic_store(&gate, 1);
  for (int i = 0; i < 3; i++) /* the pool goes on */
    CHECK_OK(co_pool_call(pool, held, NULL, NULL, CO_FOREVER));
  CHECK_OK(co_group_destroy(group, CO_FOREVER)); /* idle workers do not keep it */
  all_stale();
}

static void *main_fn(void *arg) {
  in_each_state(0);
  in_each_state(1);
  group_ends();
  /* Left open: an idle pool keeps the runtime no longer than a group. */
  co_pool_attr_t attr = {.size = sizeof attr, .idle_ns = CO_FOREVER};
  CHECK_OK(co_pool_new(&pool, &attr));
  atomic_store(&gate, 1);
  CHECK_OK(co_pool_call(pool, held, NULL, NULL, CO_FOREVER));
  attr.vcpus = 1;
  CHECK_OK(co_pool_new(&pool, &attr));
  CHECK_OK(co_pool_call(pool, held, NULL, NULL, CO_FOREVER));
  return arg;
}

static void body(void) {
  co_pool_t none = 0;
  CHECK_ERR(co_pool_new(&none, NULL), ESRCH);
  all_stale();
  for (int i = 0; i < 2; i++) {
    co_config_t cfg = conf_config();
    cfg.flags = i ? CO_RUN_CANCEL : 0;
    CHECK_OK(co_run(&cfg, main_fn, NULL, NULL));
    all_stale();
  }
  conf_init();
  CHECK_OK(co_pool_new(&pool, NULL)); /* from a plain thread */
  CHECK_OK(co_pool_call(pool, held, NULL, NULL, CO_FOREVER));
  atomic_store(&gate, 0);
  CHECK_OK(co_pool_submit(pool, held, NULL, CO_FOREVER));
  CHECK_ERR(co_shutdown(2 * MS), ETIMEDOUT);
  atomic_store(&gate, 1);
  CHECK_OK(co_pool_call(pool, held, NULL, NULL, CO_FOREVER));
  CHECK_OK(co_shutdown(CO_FOREVER));
  all_stale();
}

PLAIN_CASE(body)
