/* A pinned group: as many vCPUs as CPUs, each thread bound to its own; nothing is stolen, what is spawned
 * stays, what comes from outside is dealt out by turns; only co_migrate moves. */
#include "../check.h"

static co_group_t group;
static uint32_t n;

#ifdef __linux__
static int bound_to(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CHECK_SYS(sched_getaffinity(0, sizeof set, &set));
  if (CPU_COUNT(&set) != 1)
    return -1;
  for (int c = 0; c < CPU_SETSIZE; c++)
    if (CPU_ISSET(c, &set))
      return c;
  return -1;
}
#endif

static void *where(void *arg) {
  *(uint32_t *)arg = co_vcpu_self();
  return arg;
}

/* Spins for a while, so that an idle vCPU would have taken it, could it. */
static void *stays(void *arg) {
  uint32_t at = co_vcpu_self();
  for (int i = 0; i < 20; i++) {
    int64_t until = co_now() + 20 * US;
    while (co_now() < until) {
    }
    co_yield_now();
    CHECK_EQ(co_vcpu_self(), at);
  }
  *(uint32_t *)arg = at;
  return arg;
}

static void *parent(void *arg) {
  uint32_t at[32], me = co_vcpu_self();
  co_t all[COUNT_OF(at)];
  co_attr_t attr = conf_attr();
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    attr.flags = i % 2 ? CO_MIGRATABLE : 0;
    at[i] = 0;
    CHECK_OK(co_spawn(&all[i], &attr, stays, &at[i]));
    CHECK_OK(co_spawn(NULL, NULL, where, arg)); /* detached: here too */
  }
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    conf_join(all[i]);
    CHECK_EQ(at[i], me);
  }
  CHECK_EQ(*(uint32_t *)arg, me);
#ifdef __linux__
  CHECK_GE(bound_to(), 0);
#endif
  if (n > 1) {
    co_t co;
    attr.flags = CO_MIGRATABLE;
    CHECK_OK(co_spawn(&co, &attr, where, arg));
    CHECK_OK(co_migrate(co, group, me % n + 1));
    conf_join(co);
    CHECK_EQ(*(uint32_t *)arg, me % n + 1);
  }
  return arg;
}

#ifdef __linux__
static void *cpu_of(void *arg) {
  *(int *)arg = bound_to();
  return arg;
}

static void *any_cpu(void *arg) {
  cpu_set_t set;
  CHECK_SYS(sched_getaffinity(0, sizeof set, &set));
  return (void *)(intptr_t)(CPU_COUNT(&set) + (arg ? 1000 : 0));
}

static void *from_inside(void *arg) {
  /* What a bound thread starts is not bound: a thread of the pool, another group's. */
  void *count = NULL;
  co_group_attr_t ga = {.size = sizeof ga};
  co_group_t other = 0;
  CHECK_OK(co_blocking(any_cpu, NULL, &count, CO_FOREVER));
  CHECK_EQ((intptr_t)count, *(int *)arg);
  CHECK_OK(co_group_create(&other, &ga));
  CHECK_OK(co_group_call(other, any_cpu, NULL, &count, CO_FOREVER));
  CHECK_EQ((intptr_t)count, *(int *)arg);
  CHECK_OK(co_group_destroy(other, CO_FOREVER));
  return arg;
}

static void cpus(void) {
  cpu_set_t all;
  CHECK_SYS(sched_getaffinity(getpid(), sizeof all, &all));
  CHECK_EQ(n, CPU_COUNT(&all));
  cpu_set_t seen;
  CPU_ZERO(&seen);
  for (uint32_t v = 1; v <= n; v++) {
    co_attr_t attr = conf_attr();
    co_t co;
    int cpu = -2;
    attr.group = group;
    attr.vcpu = v;
    CHECK_OK(co_spawn(&co, &attr, cpu_of, &cpu));
    conf_join(co);
    CHECK_GE(cpu, 0);
    CHECK(CPU_ISSET(cpu, &all));
    CHECK(!CPU_ISSET(cpu, &seen)); /* each its own */
    CPU_SET(cpu, &seen);
  }
  int count = CPU_COUNT(&all);
  CHECK_EQ((intptr_t)any_cpu(NULL), count); /* the default group is free */
  CHECK_OK(co_group_call(group, from_inside, &count, NULL, CO_FOREVER));
}
#endif

static void body(void) {
  co_group_attr_t ga = {.size = sizeof ga, .flags = CO_GROUP_PINNED};
  uint32_t count[257] = {0};
  CHECK_OK(co_group_create(&group, &ga));
  n = (uint32_t)co_group_vcpu_count(group);
#ifdef __linux__
  cpus();
#endif
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  ga.vcpus = 3; /* more than CPUs, perhaps */
  CHECK_OK(co_group_create(&group, &ga));
  n = 3;
  CHECK_EQ(co_group_vcpu_count(group), 3);
  co_attr_t attr = conf_attr();
  attr.group = group;
  uint64_t stolen = conf_stats().stolen;
  for (int i = 0; i < 30; i++) { /* by turns */
    co_t co;
    uint32_t at = 0;
    CHECK_OK(co_spawn(&co, &attr, where, &at));
    conf_join(co);
    count[at]++;
  }
  for (uint32_t v = 1; v <= n; v++)
    CHECK_EQ(count[v], 10);
  uint32_t last[6];
  co_t all[COUNT_OF(last)];
  for (size_t i = 0; i < COUNT_OF(all); i++)
    CHECK_OK(co_spawn(&all[i], &attr, parent, &last[i]));
  for (size_t i = 0; i < COUNT_OF(all); i++)
    conf_join(all[i]);
  if (conf_vcpus() == 1)
    CHECK_EQ(conf_stats().stolen, stolen);
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
  ga.flags = CO_GROUP_PINNED | CO_GROUP_EXTERNAL;
  CHECK_ERR(co_group_create(&group, &ga), EINVAL);
}

CASE(body)
