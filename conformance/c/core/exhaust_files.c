#include "check.h"
#include <dirent.h>
#include <sys/resource.h>

static int open_files(void) {
  DIR *d = opendir("/proc/self/fd");
  CHECK(d != NULL);
  int n = -1; /* the directory itself */
  for (struct dirent *e; (e = readdir(d));)
    n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

static void *child(void *arg) {
  CHECK_OK(co_sleep(100 * US));
  return arg;
}

static void *entry(void *arg) {
  CHECK_OK(co_sleep(MS));
  conf_join(conf_spawn(child, NULL));
  co_group_t group;
  int r = co_group_create(&group, NULL);
  CHECK(r == 0 || r == -EMFILE);
  if (r == 0)
    CHECK_OK(co_group_destroy(group, CO_FOREVER));
  return arg;
}

static void body(void) {
  struct rlimit limit;
  int ran = 0, refused = 0, before = open_files();
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &limit));
  rlim_t saved = limit.rlim_cur;
  co_config_t cfg = conf_config();
  for (int spare = 0; spare < 40; spare++) {
    limit.rlim_cur = (rlim_t)(before + spare);
    CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
    int r = co_run(&cfg, entry, NULL, NULL);
    if (r)
      CHECK_ERR(r, EMFILE);
    r ? refused++ : ran++;
    limit.rlim_cur = saved;
    CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_EQ(open_files(), before);
  }
  CHECK_GE(ran, 1);
  CHECK_GE(refused, 1); /* a vCPU cannot do without any */
  CHECK_OK(co_run(&cfg, entry, NULL, NULL));
}

PLAIN_CASE(body)
