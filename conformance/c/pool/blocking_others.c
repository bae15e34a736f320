#include "check.h"

/* While one coroutine is stuck in foreign code on the only vCPU of its group, or on each of them: a
 * migratable one holds nobody up; one that is not holds up those that must stay, and no others. */
enum { N = 40 };
static atomic_int let_go, turns, stuck;
static co_group_t group;

static void *stuck_inside(void *arg) {
  CHECK_EQ(co_blocking_enter(), 1);
  atomic_fetch_add(&stuck, 1);
  while (!atomic_load(&let_go))
    usleep(200);
  CHECK_EQ(co_blocking_leave(), 0);
  return arg;
}

static void *turning(void *arg) {
  while (!atomic_load(&let_go)) {
    atomic_fetch_add(&turns, 1);
    CHECK_OK(co_sleep(200 * US));
  }
  return arg;
}

static void *once(void *arg) {
  atomic_fetch_add(&turns, 1);
  return arg;
}

static co_t spawn_there(co_entry_t fn, uint32_t vcpu, uint32_t flags) {
  co_attr_t attr = conf_attr();
  co_t co;
  attr.group = group;
  attr.vcpu = vcpu;
  attr.flags = flags;
  CHECK_OK(co_spawn(&co, &attr, fn, NULL));
  return co;
}

static void until_turns(int n) {
  while (atomic_load(&turns) < n)
    CHECK_OK(co_sleep(200 * US));
}

static void until_stuck(int n) {
  while (atomic_load(&stuck) < n)
    CHECK_OK(co_sleep(200 * US));
}

static void begin(uint32_t vcpus) {
  co_group_attr_t attr = {.size = sizeof attr, .vcpus = vcpus};
  CHECK_OK(co_group_create(&group, &attr));
  atomic_store(&turns, 0);
  atomic_store(&let_go, 0);
  atomic_store(&stuck, 0);
}

static void end(void) {
  CHECK_OK(co_group_destroy(group, CO_FOREVER));
}

static void migratable_holds_nobody_up(void) {
  begin(1);
  co_t a[3], other = spawn_there(turning, 1, 0);
  for (int i = 0; i < 3; i++)
    a[i] = spawn_there(stuck_inside, 1, CO_MIGRATABLE);
  until_stuck(3);
  until_turns(atomic_load(&turns) + 10);
  CHECK_ERR(co_group_destroy(group, 2 * MS), ETIMEDOUT); /* they are its own still */
  atomic_store(&let_go, 1);
  for (int i = 0; i < 3; i++)
    conf_join(a[i]);
  conf_join(other);
  end();
}

static void others_go_elsewhere(void) {
  static co_t cos[N];
  begin(2);
  co_t a = spawn_there(stuck_inside, 1, 0);
  until_stuck(1);
  /* For either vCPU, by chance; none may wait for the stuck one. */
  for (int i = 0; i < N; i++)
    cos[i] = spawn_there(i % 2 ? once : turning, CO_VCPU_ANY, i % 4 ? 0 : CO_MIGRATABLE);
  until_turns(N + 100);
  CHECK_EQ(conf_info(a).state, CO_STATE_RUNNING);
  atomic_store(&let_go, 1);
  conf_join(a);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
  end();
}

static void timers_go_elsewhere(void) {
  begin(2);
  /* Both begin on the first vCPU: the sleeper parks there, and then the other gets stuck. */
  co_t sleeper = spawn_there(turning, CO_VCPU_ANY, CO_MIGRATABLE);
  until_turns(3);
  uint32_t vcpu = conf_info(sleeper).vcpu;
  co_t a = spawn_there(stuck_inside, vcpu ? vcpu : 1, 0);
  until_stuck(1);
  until_turns(atomic_load(&turns) + 20);
  atomic_store(&let_go, 1);
  conf_join(sleeper);
  conf_join(a);
  end();
}

static void body(void) {
  migratable_holds_nobody_up();
  others_go_elsewhere();
  timers_go_elsewhere();
}

CASE(body)
