#include "check.h"

enum { MOST = 200 };
static co_chan_t ch[MOST];
static int64_t got[MOST];
static co_select_t cases[MOST];

static void *send_one(void *arg) {
  int64_t n = (intptr_t)arg;
  CHECK_OK(co_chan_send(ch[n], &n, CO_FOREVER));
  return NULL;
}

static void with(int n, int step) {
  for (int i = 0; i < n; i++)
    cases[i] = (co_select_t){.kind = CO_SELECT_RECV, .handle = ch[i], .elem = &got[i]};
  for (int i = 0; i < n; i += step) {
    co_t co;
    memset(got, -1, sizeof got);
    if (i % 3 == 0)
      CHECK_ERR(co_select(cases, (size_t)n, CO_NOW), EAGAIN);
    co = conf_spawn_on((uint32_t)i % 2 + 1, send_one, (void *)(intptr_t)i);
    CHECK_EQ(co_select(cases, (size_t)n, CO_FOREVER), i);
    for (int k = 0; k < n; k++)
      CHECK_EQ(got[k], k == i ? i : -1);
    conf_join(co);
  }
}

static void *on_thread(void *arg) {
  with(40, 3);
  return arg;
}

static void body(void) {
  static const int sizes[] = {1, 2, 8, 16, 17, 64, MOST};
  for (int i = 0; i < MOST; i++)
    CHECK_OK(co_chan_new(&ch[i], sizeof(int64_t), 0));
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    with(sizes[i], sizes[i] > 20 ? 7 : 1);
  conf_on_thread(on_thread, NULL);
  for (int i = 0; i < MOST; i++)
    CHECK_OK(co_chan_free(ch[i]));
}

CASE(body)
