#include "check.h"

static co_chan_t ch;
static co_future_t f;
static int what;

/* What happens to the objects, and what it makes of the case on each. */
static int64_t ends(int i, int *channel, int *future) {
  switch (i) {
  case 0:
    *channel = -EPIPE;
    return co_chan_close(ch);
  case 1:
    *channel = -EBADF;
    return co_chan_free(ch);
  case 2:
    *future = -ENXIO;
    return co_future_fail(f, ENXIO);
  default:
    *future = -EBADF;
    return co_future_free(f);
  }
}

static void *later(void *arg) {
  int unused;
  CHECK_OK(co_sleep(200 * US));
  CHECK_OK(ends(what, &unused, &unused));
  return arg;
}

static void round_of(uint32_t kind, int waits) {
  for (what = 0; what < 4; what++) {
    int64_t elem = 5, value = 6;
    int channel = 0, future = 0, i;
    co_select_t cases[3];
    co_t co = 0;
    memset(cases, 0, sizeof cases);
    cases[0] = (co_select_t){.kind = CO_SELECT_RECV, .elem = &elem, .result = 7}; /* never */
    CHECK_OK(co_chan_new(&ch, sizeof elem, 0));
    CHECK_OK(co_future_new(&f, sizeof value));
    cases[1] = (co_select_t){.kind = kind, .handle = ch, .elem = &elem, .result = 7};
    cases[2] = (co_select_t){.kind = CO_SELECT_FUTURE, .handle = f, .elem = &value, .result = 7};
    if (waits) {
      co = conf_spawn_on(2, later, NULL);
      channel = what == 0 ? -EPIPE : what == 1 ? -EBADF : 0;
      future = what == 2 ? -ENXIO : what == 3 ? -EBADF : 0;
    } else
      CHECK_OK(ends(what, &channel, &future));
    i = channel ? 1 : 2;
    CHECK_EQ(co_select(cases, 3, CO_FOREVER), i);
    CHECK_EQ(cases[i].result, i == 1 ? channel : future);
    CHECK_EQ(cases[0].result, 7);
    CHECK_EQ(cases[3 - i].result, 7);
    CHECK_EQ(elem, 5);
    CHECK_EQ(value, 6);
    if (co)
      conf_join(co);
    CHECK_EQ(co_chan_free(ch), what == 1 ? -EBADF : 0);
    CHECK_EQ(co_future_free(f), what == 3 ? -EBADF : 0);
  }
}

static void body(void) {
  int64_t elem = 5;
  co_select_t forged = {.kind = CO_SELECT_RECV, .elem = &elem};
  for (int waits = 0; waits < 2; waits++) {
    round_of(CO_SELECT_SEND, waits);
    round_of(CO_SELECT_RECV, waits);
  }
  for (uint64_t i = 1; i < 100; i++) {
    forged.handle = i * UINT64_C(0x9e3779b97f4a7c15);
    CHECK_EQ(co_select(&forged, 1, CO_FOREVER), 0);
    CHECK_EQ(forged.result, -EBADF);
  }
  /* Neither kind of handle passes for the other. */
  CHECK_OK(co_chan_new(&ch, sizeof elem, 1));
  CHECK_OK(co_future_new(&f, sizeof elem));
  forged = (co_select_t){.kind = CO_SELECT_FUTURE, .handle = ch, .elem = &elem};
  CHECK_EQ(co_select(&forged, 1, CO_FOREVER), 0);
  CHECK_EQ(forged.result, -EBADF);
  forged = (co_select_t){.kind = CO_SELECT_RECV, .handle = f, .elem = &elem};
  CHECK_EQ(co_select(&forged, 1, CO_FOREVER), 0);
  CHECK_EQ(forged.result, -EBADF);
  /* What is left in a closed channel comes first. */
  CHECK_OK(co_chan_send(ch, &elem, CO_NOW));
  CHECK_OK(co_chan_close(ch));
  forged.handle = ch;
  CHECK_EQ(co_select(&forged, 1, CO_FOREVER), 0);
  CHECK_EQ(forged.result, 0);
  CHECK_EQ(co_select(&forged, 1, CO_FOREVER), 0);
  CHECK_EQ(forged.result, -EPIPE);
  CHECK_OK(co_chan_free(ch));
  CHECK_OK(co_future_free(f));
}

CASE(body)
