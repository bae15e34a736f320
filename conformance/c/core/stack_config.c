#include "check.h"

static void *size(void *arg) {
  CHECK_EQ(conf_info(co_self()).stack_size, (intptr_t)arg);
  return arg;
}

static void *entry(void *arg) {
  conf_join(conf_spawn(size, arg));
  co_t co;
  co_attr_t attr = conf_attr();
  attr.stack_size = 64 * 1024;
  CHECK_OK(co_spawn(&co, &attr, size, (void *)(64 * 1024)));
  conf_join(co);
  return arg;
}

static void body(void) {
  static const uint64_t asked[][2] = {{0, 256 << 10}, {1, 16 << 10}, {100000, 128 << 10}, {8 << 20, 8 << 20}};
  for (size_t i = 0; i < COUNT_OF(asked); i++) {
    co_config_t cfg = conf_config();
    cfg.stack_size = asked[i][0];
    CHECK_OK(co_run(&cfg, entry, (void *)(intptr_t)asked[i][1], NULL));
  }
}

PLAIN_CASE(body)
