#include "check.h"

static unsigned char elem[CO_CHAN_ELEM_MAX], got[CO_CHAN_ELEM_MAX];

static void fill(size_t size, int seed) {
  for (size_t i = 0; i < size; i++)
    elem[i] = (unsigned char)((unsigned)seed * 31u + (unsigned)i);
}

static void with_size(size_t size) {
  co_chan_t ch;
  int n = size > 1000 ? 20 : 3000, first = 0, next = 0;
  uint64_t seed = size;
  CHECK_OK(co_chan_new(&ch, size, CO_CHAN_UNBOUNDED));
  CHECK_EQ(co_chan_cap(ch), INT64_MAX);
  CHECK_ERR(co_chan_recv(ch, got, CO_NOW), EAGAIN);
  while (first < n) {
    int sends = (int)(conf_rand(&seed) % (unsigned)n), receives = (int)(conf_rand(&seed) % (unsigned)n);
    for (; sends > 0 && next < n; sends--) {
      fill(size, next++);
      CHECK_OK(co_chan_send(ch, elem, CO_NOW));
    }
    CHECK_EQ(co_chan_len(ch), next - first);
    for (; receives > 0 && first < next; receives--) {
      memset(got, 0, size);
      CHECK_OK(co_chan_recv(ch, got, CO_NOW));
      fill(size, first++);
      CHECK(memcmp(elem, got, size) == 0);
    }
  }
  CHECK_ERR(co_chan_recv(ch, got, CO_NOW), EAGAIN);
  for (int i = 0; i < n; i++)
    CHECK_OK(co_chan_send(ch, elem, CO_FOREVER));
  CHECK_OK(co_chan_free(ch)); /* and what is in it */
}

static void body(void) {
  static const size_t sizes[] = {0, 1, 3, 4, 8, 100, 4096, 5000, CO_CHAN_ELEM_MAX};
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    with_size(sizes[i]);
}

CASE(body)
