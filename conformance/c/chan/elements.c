#include "check.h"

static co_chan_t ch;
static size_t size;
static unsigned char in[CO_CHAN_ELEM_MAX + 16], out[CO_CHAN_ELEM_MAX + 16];
enum { ROUNDS = 6 };

static void fill(unsigned char *p, int seed) {
  for (size_t i = 0; i < size; i++)
    p[i] = (unsigned char)(seed * 7 + (int)(i % 251));
}

static void *sender(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    fill(in, i);
    CHECK_OK(co_chan_send(ch, in, CO_FOREVER));
    memset(in, 0xee, size); /* it has been taken */
    if (arg)
      co_yield_now();
  }
  return NULL;
}

static void pass(int slow_sender, int slow_receiver) {
  static unsigned char want[CO_CHAN_ELEM_MAX];
  co_t co = conf_spawn(sender, slow_sender ? &ch : NULL);
  for (int i = 0; i < ROUNDS; i++) {
    if (slow_receiver)
      CHECK_OK(co_sleep(50 * US));
    memset(out, 0xaa, sizeof out);
    CHECK_OK(co_chan_recv(ch, out, CO_FOREVER));
    fill(want, i);
    CHECK(memcmp(out, want, size) == 0);
    for (size_t j = size; j < sizeof out; j++)
      CHECK_EQ(out[j], 0xaa);
  }
  conf_join(co);
}

static void body(void) {
  static const size_t sizes[] = {0, 1, 3, 8, 100, CO_CHAN_ELEM_MAX};
  static const size_t caps[] = {0, 1, 3, CO_CHAN_UNBOUNDED};
  ch = 77;
  CHECK_ERR(co_chan_new(&ch, CO_CHAN_ELEM_MAX + 1, 0), EINVAL);
  CHECK_ERR(co_chan_new(&ch, SIZE_MAX, 1), EINVAL);
  CHECK_ERR(co_chan_new(NULL, 1, 1), EINVAL);
  CHECK_EQ(ch, 77);
  for (size_t s = 0; s < COUNT_OF(sizes); s++)
    for (size_t c = 0; c < COUNT_OF(caps); c++) {
      size = sizes[s];
      CHECK_OK(co_chan_new(&ch, size, caps[c]));
      if (size > 0)
        CHECK_ERR(co_chan_send(ch, NULL, CO_FOREVER), EINVAL);
      else if (caps[c] > 0) {
        CHECK_OK(co_chan_send(ch, NULL, CO_FOREVER));
        CHECK_OK(co_chan_recv(ch, NULL, CO_FOREVER));
      }
      pass(0, 0);
      pass(1, 0);
      pass(0, 1);
      CHECK_OK(co_chan_free(ch));
    }
}

CASE(body)
