/* A request that asks several services at once, within a deadline: structured concurrency.
 *
 *   scope_deadline
 *
 * `handle` opens a scope, asks for a user and for the orders, and returns when both have answered,
 * or one has failed, or the time is up. Whichever it is, no coroutine of the request is left when
 * it returns: the one that is still waiting has been cancelled, and so has what it had begun
 * itself. Which request it is is not passed along, but bound around the handler and seen by all. */
#include <errno.h>
#include <photonrt.h>
#include <stdint.h>
#include <stdio.h>

#define MS INT64_C(1000000)

struct request {
  const char *name;
  int64_t user_takes, orders_take; /* of the services, in nanoseconds; below 0: it fails */
};

/* What is bound here is the request that the code runs for. */
static const char current_request;

static const struct request *request(void) {
  return co_value_get(&current_request);
}

static void say(const char *text) {
  printf("%s: %s\n", request()->name, text);
}

/* Stands for a call over the network. */
static void *service(int64_t takes, const char *answer) {
  int err = co_sleep(takes < 0 ? -takes : takes);
  if (err < 0)
    return co_scope_fail(err); /* cancelled: the request is over */
  if (takes < 0)
    return co_scope_fail(-EIO);
  return (void *)(uintptr_t)answer;
}

static void *find_user(void *arg) {
  (void)arg;
  return service(request()->user_takes, "anna");
}

static void *fetch_page(void *arg) {
  (void)arg;
  return service(request()->orders_take, "3 orders");
}

/* Asks two replicas and takes what comes first. */
static void *fetch_orders(void *arg) {
  co_scope_t s;
  co_scope_attr_t attr = {.size = sizeof attr, .policy = CO_SCOPE_FIRST};
  co_scope_info_t info = {.size = sizeof info};
  int err = co_scope_open(&s, &attr);
  if (err < 0)
    return co_scope_fail(err);
  for (int i = 0; i < 2; i++)
    if ((err = co_scope_spawn(s, fetch_page, arg)) < 0)
      break;
  if (err >= 0)
    err = co_scope_wait(s, CO_FOREVER);
  if (err >= 0)
    err = co_scope_info(s, &info);
  co_scope_close(s);
  return err < 0 ? co_scope_fail(err) : info.result;
}

static void *handle(void *arg) {
  co_scope_t s;
  co_scope_attr_t attr = {.size = sizeof attr, .policy = CO_SCOPE_FAIL_FAST, .timeout_ns = 100 * MS};
  (void)arg;
  int err = co_scope_open(&s, &attr);
  if (err < 0)
    return say(co_strerror(err)), NULL;
  int user = co_scope_spawn(s, find_user, NULL);
  int orders = co_scope_spawn(s, fetch_orders, NULL);
  err = user < 0 ? user : orders < 0 ? orders : co_scope_wait(s, CO_FOREVER);
  if (err == 0) {
    void *name, *list;
    co_scope_result(s, user, &name);
    co_scope_result(s, orders, &list);
    printf("%s: %s has %s\n", request()->name, (char *)name, (char *)list);
  } else {
    say(err == -ETIME ? "took too long" : co_strerror(err));
  }
  co_scope_close(s);
  return NULL;
}

static void *co_main(void *arg) {
  static const struct request requests[] = {
      {"quick", 5 * MS, 10 * MS},
      {"broken", 5000 * MS, -5 * MS},
      {"slow", 5 * MS, 5000 * MS},
  };
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    int64_t began = co_now();
    co_value_call(&current_request, (void *)(uintptr_t)&requests[i], handle, NULL, NULL);
    printf("%s_ms %.1f ms\n", requests[i].name, (double)(co_now() - began) / 1e6);
  }
  return arg;
}

int main(void) {
  int err = co_run(NULL, co_main, NULL, NULL);
  if (err < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(err));
  return err < 0;
}
