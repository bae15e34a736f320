#include "check.h"

static void *parked(void *arg) {
  CHECK_OK(co_park(CO_FOREVER));
  return arg;
}

static void *running(void *arg) {
  co_info_t info = conf_info(co_self());
  CHECK_EQ(info.state, CO_STATE_RUNNING);
  CHECK_EQ(info.co, co_self());
  CHECK_EQ(info.group, co_group_self());
  CHECK_EQ(info.vcpu, co_vcpu_self());
  return arg;
}

static void names(void) {
  co_attr_t attr = conf_attr();
  char long_name[100], cut[32];
  co_t co;
  memset(long_name, 'n', sizeof long_name);
  long_name[sizeof long_name - 1] = 0;
  memset(cut, 'n', 31);
  cut[31] = 0;

  attr.name = "from the attr";
  CHECK_OK(co_spawn(&co, &attr, parked, NULL));
  CHECK(!strcmp(conf_info(co).name, "from the attr"));
  CHECK_OK(co_set_name(co, "new"));
  CHECK(!strcmp(conf_info(co).name, "new")); /* nothing is left of the longer one */
  CHECK_OK(co_set_name(co, long_name));
  CHECK(!strcmp(conf_info(co).name, cut));
  CHECK_OK(co_set_name(co, NULL));
  CHECK(!strcmp(conf_info(co).name, ""));
  CHECK_OK(co_set_name(co, "x"));
  CHECK_OK(co_set_name(co, ""));
  CHECK(!strcmp(conf_info(co).name, ""));
  CHECK_OK(co_unpark(co));
  conf_join(co);
  CHECK_ERR(co_set_name(co, "gone"), ESRCH);

  attr.name = long_name;
  CHECK_OK(co_spawn(&co, &attr, parked, NULL));
  memset(long_name, 'z', sizeof long_name - 1); /* it was copied */
  CHECK(!strcmp(conf_info(co).name, cut));
  CHECK_OK(co_unpark(co));
  conf_join(co);
}

static void states(void) {
  static const uint64_t asked[][2] = {
      {0, 256 << 10}, {1, 16 << 10}, {16 << 10, 16 << 10}, {20000, 32 << 10}, {8 << 20, 8 << 20}};
  co_attr_t attr = conf_attr();
  co_t co;
  for (size_t i = 0; i < COUNT_OF(asked); i++) {
    attr.vcpu = co_vcpu_self();
    attr.stack_size = asked[i][0];
    attr.flags = CO_SAVE_FP;
    CHECK_OK(co_spawn(&co, &attr, parked, NULL));
    co_info_t info = conf_info(co);
    CHECK_EQ(info.co, co);
    CHECK_EQ(info.state, CO_STATE_FRESH);
    CHECK_EQ(info.group, co_group_self());
    CHECK_EQ(info.vcpu, co_vcpu_self());
    CHECK_EQ(info.flags, CO_SAVE_FP);
    CHECK_EQ(info.stack_size, asked[i][1]);
    conf_until_state(co, CO_STATE_PARKED);
    CHECK_OK(co_unpark(co));
    uint32_t state = conf_info(co).state;
    CHECK(state == CO_STATE_READY || state == CO_STATE_RUNNING || state == CO_STATE_ENDED);
    conf_until_state(co, CO_STATE_ENDED);
    conf_join(co);
  }
  conf_join(conf_spawn(running, NULL));
  running(NULL);
}

static void sizes(void) {
  co_info_t info;
  co_t self = co_self();
  CHECK_ERR(co_info(self, NULL), EINVAL);
  for (uint32_t size = 0; size < 8; size++) {
    info.size = size;
    CHECK_ERR(co_info(self, &info), EINVAL);
  }
  memset(&info, 0xaa, sizeof info);
  info.size = 16; /* an older header's: size, state, co */
  CHECK_OK(co_info(self, &info));
  CHECK_EQ(info.size, 16);
  CHECK_EQ(info.state, CO_STATE_RUNNING);
  CHECK_EQ(info.co, self);
  CHECK_EQ(info.group, UINT64_C(0xaaaaaaaaaaaaaaaa)); /* and not a byte more */
  CHECK_ERR(co_info(0, &info), ESRCH);
  CHECK_ERR(co_info(self + 1, &info), ESRCH);
}

static void body(void) {
  names();
  states();
  sizes();
}

CASE(body)
