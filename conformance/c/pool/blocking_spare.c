#include "stall.h"

/* All vCPUs of a group are held up: a spare stands in for what may move, within its cap, and is stood
 * down when one is free again. */
static atomic_int found, let_go, stuck, ran, bound_stop;
static co_group_t group;

static void *stuck_inside(void *arg) {
  CHECK_EQ(co_blocking_enter(), 1);
  atomic_fetch_add(&stuck, 1);
  while (!atomic_load(&let_go))
    usleep(200);
  CHECK_EQ(co_blocking_leave(), 0);
  return arg;
}

static void *stalled(void *arg) {
  atomic_fetch_add(&stuck, 1);
  while (!atomic_load(&let_go)) {
  }
  return arg;
}

static void on_stall(const co_stall_t *stall, void *arg) {
  if (stall->group == *(co_group_t *)arg)
    atomic_fetch_add(&found, 1);
}

static void *once(void *arg) {
  (void)arg;
  CHECK_EQ(co_group_self(), group);
  atomic_fetch_add(&ran, 1);
  return (void *)(uintptr_t)co_vcpu_self();
}

/* Not migratable: where it has begun it stays, on the spare too. */
static void *bound(void *arg) {
  uint32_t here = co_vcpu_self();
  atomic_fetch_add(&ran, 1);
  while (!atomic_load(&bound_stop)) {
    CHECK_OK(co_sleep(MS));
    CHECK_EQ(co_vcpu_self(), here);
  }
  return arg;
}

static co_t spawn_there(co_entry_t fn, uint32_t vcpu) {
  co_attr_t attr = conf_attr();
  co_t co;
  attr.group = group;
  attr.vcpu = vcpu;
  CHECK_OK(co_spawn(&co, &attr, fn, NULL));
  return co;
}

static void until(atomic_int *what, int n) {
  while (atomic_load(what) < n)
    CHECK_OK(co_sleep(200 * US));
}

/* What has been sent to a vCPU before its stall is found waits for its end. */
static void until_found(co_entry_t second) {
  while (second == stalled && atomic_load(&found) == 0)
    CHECK_OK(co_sleep(MS));
}

static void begin(uint32_t vcpus) {
  co_group_attr_t attr = {.size = sizeof attr, .vcpus = vcpus};
  CHECK_OK(co_group_create(&group, &attr));
  atomic_store(&let_go, 0);
  atomic_store(&stuck, 0);
  atomic_store(&found, 0);
  atomic_store(&ran, 0);
  atomic_store(&bound_stop, 0);
}

static void stood_in(co_entry_t second) {
  begin(2);
  CHECK_EQ(conf_stats().spares, 0);
  co_t a = spawn_there(stuck_inside, 1), b = spawn_there(second, 2);
  until(&stuck, 2);
  until_found(second);
  co_t c = spawn_there(once, CO_VCPU_ANY), d = spawn_there(bound, CO_VCPU_ANY);
  until(&ran, 2);
  CHECK_GE((uintptr_t)conf_join(c), 3);
  CHECK_EQ(conf_stats().spares, 1);
  CHECK_EQ(conf_stats().spares_active, 1);
  CHECK_EQ(co_group_vcpu_count(group), 2);
  CHECK_EQ(conf_info(d).vcpu, 3);
  CHECK_ERR(co_group_destroy(group, MS), ETIMEDOUT); /* what lives there counts */
  atomic_store(&let_go, 1);
  conf_join(a);
  conf_join(b);
  while (conf_stats().spares_active)
    CHECK_OK(co_sleep(MS));
  for (int i = 0; i < 50; i++) /* it takes nothing more, though it still has one to run */
    CHECK_GE(2, (uintptr_t)conf_join(spawn_there(once, CO_VCPU_ANY)));
  CHECK_EQ(conf_info(d).vcpu, 3);

  /* The same one stands in again. */
  atomic_store(&let_go, 0);
  atomic_store(&stuck, 0);
  atomic_store(&found, 0);
  a = spawn_there(stuck_inside, 1), b = spawn_there(second, 2);
  until(&stuck, 2);
  until_found(second);
  CHECK_EQ((uintptr_t)conf_join(spawn_there(once, CO_VCPU_ANY)), 3);
  CHECK_EQ(conf_stats().spares, 1);
  atomic_store(&let_go, 1);
  atomic_store(&bound_stop, 1);
  conf_join(a);
  conf_join(b);
  conf_join(d);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  CHECK_EQ(conf_stats().spares, 0);
}

/* `spares` of them at most, each of which gets stuck as well. */
static void capped(uint32_t vcpus, uint32_t spares) {
  begin(vcpus);
  co_t cos[8], last;
  uint32_t n = 0;
  for (; n < vcpus; n++)
    cos[n] = spawn_there(stuck_inside, n + 1);
  until(&stuck, (int)n);
  for (; n < vcpus + spares; n++) {
    cos[n] = spawn_there(stuck_inside, CO_VCPU_ANY);
    until(&stuck, (int)n + 1);
  }
  last = spawn_there(once, CO_VCPU_ANY);
  CHECK_OK(co_sleep(30 * MS));
  CHECK_EQ(atomic_load(&ran), 0);
  CHECK_EQ(conf_stats().spares, spares);
  atomic_store(&let_go, 1);
  for (uint32_t i = 0; i < n; i++)
    conf_join(cos[i]);
  conf_join(last);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

static void *main_fn(void *arg) {
  co_config_t *cfg = arg;
  if (cfg->spares == 0) {
    stood_in(stuck_inside);
    stood_in(stalled);
    capped(1, 0); /* its coroutines run one at a time */
    capped(2, 2);
  } else {
    capped(2, cfg->spares == CO_SPARES_NONE ? 0 : cfg->spares);
  }
  return arg;
}

static void body(void) {
  co_config_t cfg = conf_config();
  cfg.on_stall = on_stall;
  cfg.on_stall_arg = &group;
  CHECK_OK(co_run(&cfg, main_fn, &cfg, NULL));
  cfg.spares = 1;
  CHECK_OK(co_run(&cfg, main_fn, &cfg, NULL));
  cfg.spares = CO_SPARES_NONE;
  CHECK_OK(co_run(&cfg, main_fn, &cfg, NULL));
  cfg.spares = 257;
  CHECK_ERR(co_run(&cfg, main_fn, &cfg, NULL), EINVAL);
}

PLAIN_CASE(body)
