#include "check.h"

enum { MANY = 2000 };

static void choose(size_t cap, int n, int least) {
  co_chan_t ch[5];
  co_select_t cases[5];
  int chosen[5] = {0};
  char elem = 1;
  memset(cases, 0, sizeof cases);
  for (int i = 0; i < n; i++) {
    CHECK_OK(co_chan_new(&ch[i], 1, cap));
    for (int k = 0; k < 3; k++)
      CHECK_OK(co_chan_send(ch[i], &elem, CO_NOW));
    cases[i].kind = i % 2 ? CO_SELECT_SEND : CO_SELECT_RECV;
    cases[i].handle = ch[i];
    cases[i].elem = &elem;
  }
  for (int k = 0; k < MANY; k++) {
    int i = co_select(cases, (size_t)n, k % 2 ? CO_NOW : CO_FOREVER);
    CHECK_GE(i, 0);
    CHECK_EQ(cases[i].result, 0);
    chosen[i]++;
    if (cases[i].kind == CO_SELECT_RECV)
      CHECK_OK(co_chan_send(ch[i], &elem, CO_NOW));
    else
      CHECK_OK(co_chan_recv(ch[i], &elem, CO_NOW));
  }
  for (int i = 0; i < n; i++) {
    CHECK_GE(chosen[i], MANY * least / 100);
    CHECK_OK(co_chan_free(ch[i]));
  }
}

static void *all(void *arg) {
  choose(4, 2, 30);
  choose(CO_CHAN_UNBOUNDED, 2, 30);
  choose(4, 5, 10);
  return arg;
}

static void body(void) {
  all(NULL);
  conf_on_thread(all, NULL);
}

CASE(body)
