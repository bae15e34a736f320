#include "check.h"
#include <dirent.h>

/* Started and stopped over and over: nothing is left of one life in the next. */
static int entries(const char *path) {
  DIR *d = opendir(path);
  CHECK(d != NULL);
  int n = 0;
  for (struct dirent *e; (e = readdir(d));)
    n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

static uint64_t address_space(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long long pages = 0;
  CHECK(f && fscanf(f, "%llu", &pages) == 1);
  fclose(f);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void *child(void *arg) {
  CHECK_OK(co_sleep(10 * US));
  return arg;
}

static void *work(void *arg) {
  co_t cos[100];
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    cos[i] = conf_spawn(child, NULL);
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    conf_join(cos[i]);
  return arg;
}

static void stale(const co_t *old, int n) {
  for (int i = 0; i < n; i++) {
    CHECK_ERR(co_unpark(old[i]), ESRCH);
    CHECK_ERR(co_join(old[i], NULL, CO_NOW), ESRCH);
    CHECK_ERR(co_cancel(old[i]), ESRCH);
  }
}

static void body(void) {
  enum { LIVES = 30 };
  co_t old[LIVES];
  co_group_t old_groups[LIVES];
  int files = 0, threads = 0;
  uint64_t space = 0;
  for (int life = 0; life < LIVES; life++) {
    co_config_t cfg = conf_config();
    CHECK_OK(co_init(&cfg));
    stale(old, life);
    for (int i = 0; i < life; i++)
      CHECK_ERR(co_group_vcpu_count(old_groups[i]), ESRCH);
    conf_join(old[life] = conf_spawn(work, NULL));
    CHECK_OK(co_group_create(&old_groups[life], NULL));
    CHECK_EQ(conf_stats().groups, 2);
    CHECK_OK(co_group_destroy(old_groups[life], CO_FOREVER));
    stale(old, life + 1);
    CHECK_OK(co_shutdown(CO_FOREVER));
    stale(old, life + 1);
    CHECK_OK(co_run(&cfg, work, NULL, NULL));
    if (life == 4) { /* libc's own caches are filled by now */
      files = entries("/proc/self/fd");
      threads = entries("/proc/self/task");
      space = address_space();
    }
  }
  CHECK_EQ(entries("/proc/self/fd"), files);
  CHECK_EQ(entries("/proc/self/task"), threads);
  CHECK(address_space() <= space + (UINT64_C(16) << 20));
}

PLAIN_CASE(body)
