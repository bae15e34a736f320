#include "check.h"
#include <sys/resource.h>

enum { ELEM = 4096 };
static unsigned char elem[ELEM];

static uint64_t address_space(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long long pages = 0;
  CHECK(file && fscanf(file, "%llu", &pages) == 1);
  fclose(file);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit(uint64_t more) {
  struct rlimit l;
  CHECK_SYS(getrlimit(RLIMIT_AS, &l));
  l.rlim_cur = more ? address_space() + more : l.rlim_max;
  CHECK_SYS(setrlimit(RLIMIT_AS, &l));
}

/* A thread that has just begun needs memory of its own: the vCPUs', the monitor's, the watchdog's. (The C
 * library ends the process if there is none.) */
static void *settled(void *arg) {
  CHECK_OK(co_sleep(50 * MS));
  return arg;
}

static void body(void) {
  static co_select_t cases[1];
  co_chan_t ch, other = 77;
  int sent = 0, r, n = 0;
  conf_join(conf_spawn_on(2, settled, NULL));
  CHECK_OK(co_chan_new(&ch, ELEM, CO_CHAN_UNBOUNDED));
  CHECK_ERR(co_chan_new(&other, ELEM, SIZE_MAX / 2), ENOMEM);
  CHECK_ERR(co_chan_new(&other, 1, SIZE_MAX - 1), ENOMEM);
  CHECK_ERR(co_chan_new(&other, ELEM, (size_t)1 << 60), ENOMEM);
  limit(UINT64_C(64) << 20);
  CHECK_ERR(co_chan_new(&other, ELEM, 1 << 16), ENOMEM);
  CHECK_EQ(other, 77);
  for (;; sent++) {
    memcpy(elem, &sent, sizeof sent);
    r = co_chan_send(ch, elem, CO_FOREVER);
    if (r)
      break;
    CHECK(sent < 100000);
  }
  CHECK_ERR(r, ENOMEM);
  CHECK_EQ(co_chan_len(ch), sent);
  cases[0] = (co_select_t){.kind = CO_SELECT_SEND, .handle = ch, .elem = elem};
  CHECK_EQ(co_select(cases, 1, CO_FOREVER), 0);
  CHECK_EQ(cases[0].result, -ENOMEM);
  for (int i = 0; i < sent; i++) {
    CHECK_OK(co_chan_recv(ch, elem, CO_NOW));
    memcpy(&n, elem, sizeof n);
    CHECK_EQ(n, i);
  }
  for (int i = 0; i < sent / 2; i++)
    CHECK_OK(co_chan_send(ch, elem, CO_NOW));
  CHECK_OK(co_chan_free(ch));
  limit(0);
  CHECK_OK(co_chan_new(&ch, ELEM, 1 << 16));
  CHECK_OK(co_chan_free(ch));
}

CASE(body)
