#include "check.h"

typedef struct {
  co_config_t known;
  uint64_t tail[2];
} newer_t;

static int runs;

static void *entry(void *arg) {
  runs++;
  return arg;
}

/* Both ways to start refuse `cfg` with `-err` and leave no runtime behind. */
static void refused(const co_config_t *cfg, int err) {
  co_stats_t stats = {.size = sizeof stats};
  CHECK_ERR(co_run(cfg, entry, NULL, NULL), err);
  CHECK_ERR(co_stats(&stats), ESRCH);
  CHECK_ERR(co_init(cfg), err);
  CHECK_ERR(co_stats(&stats), ESRCH);
  CHECK_EQ(runs, 0);
}

static void refuses(void) {
  co_config_t cfg = conf_config();
  for (uint32_t size = 0; size < 8; size++) {
    cfg.size = size;
    refused(&cfg, EINVAL);
  }
  newer_t newer = {.known = conf_config(), .tail = {0, 1}};
  newer.known.size = sizeof newer;
  refused(&newer.known, E2BIG);
  cfg = conf_config(), cfg.engine = CO_ENGINE_OFFLOAD + 1, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.engine = UINT32_MAX, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.flags = 1u << 20, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.reserved = 1, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.vcpus = 257, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.vcpus = UINT32_MAX, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.stack_size = (8u << 20) + 1, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.stack_size = UINT64_MAX, refused(&cfg, EINVAL);
  cfg = conf_config(), cfg.stack_decay = -1, refused(&cfg, EINVAL);
  cfg = conf_config();
  CHECK_ERR(co_run(&cfg, NULL, NULL, NULL), EINVAL);
  const char *was = getenv("PHOTONRT_ENGINE");
  char engine[16];
  snprintf(engine, sizeof engine, "%s", was ? was : "");
  CHECK_SYS(setenv("PHOTONRT_ENGINE", "epoll", 1)); /* no engine's name */
  cfg = conf_config(), cfg.engine = CO_ENGINE_AUTO, refused(&cfg, EINVAL);
  CHECK_SYS(setenv("PHOTONRT_ENGINE", engine, 1));
}

static void *forced_ready(void *arg) {
  CHECK_EQ(conf_stats().engine, CO_ENGINE_READY);
  CHECK_OK(co_sleep(MS));
  return arg;
}

static void *two_vcpus(void *arg) {
  CHECK_EQ(conf_stats().vcpus, 2);
  return arg;
}

static void takes(void) {
  newer_t newer = {.known = conf_config(), .tail = {0, 0}};
  newer.known.size = sizeof newer;
  CHECK_OK(co_run(&newer.known, entry, NULL, NULL));
  /* A header of the past: only size and vcpus. The rest of the struct must not be looked at. */
  co_config_t cfg = conf_config();
  cfg.size = 8;
  cfg.vcpus = 2;
  cfg.engine = UINT32_MAX;
  cfg.reserved = 1;
  CHECK_OK(co_run(&cfg, two_vcpus, NULL, NULL));
  cfg = conf_config();
  cfg.engine = CO_ENGINE_READY; /* stands above the environment */
  CHECK_OK(co_run(&cfg, forced_ready, NULL, NULL));
  cfg = conf_config();
  cfg.stack_size = 1;
  cfg.stack_cache = 1;
  cfg.stack_decay = 1;
  cfg.blocking_max = 1;
  cfg.seed = 42;
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
  CHECK_EQ(runs, 2);
}

static void body(void) {
  refuses();
  takes();
}

PLAIN_CASE(body)
