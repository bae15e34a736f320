// photonrt's channels; see photonrt.c.
#include "photonrt_bench.h"

static co_chan_t channel(size_t slots) {
  co_chan_t ch;
  must(co_chan_new(&ch, sizeof(uint64_t), slots), "chan_new");
  return ch;
}

// ---- chan_pingpong on one vCPU, chan_pingpong_x on two: over rendezvous channels, then over such of one slot
static co_chan_t there, back;
static uint64_t trips;
static double each;
static void *ping(void *arg) {
  uint64_t t0 = 0, v;
  for (uint64_t i = 0; i < trips + trips / 20; i++) {
    if (i == trips / 20) t0 = now_ns();
    must(co_chan_send(there, &i, CO_FOREVER), "send");
    must(co_chan_recv(back, &v, CO_FOREVER), "recv");
    if (v != i) fail(name, "another element came back");
  }
  each = (double)(now_ns() - t0) / (double)trips;
  return arg;
}
static void *pong(void *arg) {
  uint64_t v;
  for (uint64_t i = 0; i < trips + trips / 20; i++) {
    must(co_chan_recv(there, &v, CO_FOREVER), "recv");
    must(co_chan_send(back, &v, CO_FOREVER), "send");
  }
  return arg;
}
void *chan_pingpong(void *arg) {
  double way[2];
  trips = N / 2;
  for (size_t slots = 0; slots < 2; slots++) {
    there = channel(slots);
    back = channel(slots);
    co_t a = spawn_on((uint32_t)tasks, pong, NULL), b = spawn_on(1, ping, NULL);
    join(a);
    join(b);
    way[slots] = each;
    must(co_chan_free(there), "free");
    must(co_chan_free(back), "free");
  }
  out_best(name, way[0], way[1]);
  return arg;
}

// ---- chan_1_1, chan_n_1, chan_n_m: two vCPUs, one channel of 64 slots. Spawned by default, so where the
// runtime puts them; then senders on one vCPU and receivers on the other.
static co_chan_t shared;
static uint64_t from_one;
struct tally { uint64_t n, sum; };
static void *one_sender(void *arg) {
  uint64_t v = (uint64_t)(uintptr_t)arg * from_one, end = v + from_one;
  for (; v < end; v++) must(co_chan_send(shared, &v, CO_FOREVER), "send");
  return arg;
}
static void *one_receiver(void *arg) {
  struct tally t = {0, 0};
  uint64_t v;
  int rc;
  while (!(rc = co_chan_recv(shared, &v, CO_FOREVER))) {
    t.n++;
    t.sum += v;
  }
  if (rc != -EPIPE) must(rc, "recv");
  *(struct tally *)arg = t;
  return arg;
}
static double through_one(size_t senders, size_t receivers, int apart) {
  co_t from[8], to[8];
  struct tally each_got[8], all = {0, 0};
  uint64_t n = from_one * senders;
  shared = channel(64);
  uint64_t t0 = now_ns();
  for (size_t i = 0; i < receivers; i++) to[i] = spawn_on(apart ? 2 : CO_VCPU_ANY, one_receiver, &each_got[i]);
  for (size_t i = 0; i < senders; i++) from[i] = spawn_on(apart ? 1 : CO_VCPU_ANY, one_sender, (void *)i);
  for (size_t i = 0; i < senders; i++) join(from[i]);
  must(co_chan_close(shared), "close");
  for (size_t i = 0; i < receivers; i++) join(to[i]);
  uint64_t took = now_ns() - t0;
  for (size_t i = 0; i < receivers; i++) {
    all.n += each_got[i].n;
    all.sum += each_got[i].sum;
  }
  if (all.n != n || all.sum != n * (n - 1) / 2) fail(name, "an element was lost, or came twice");
  must(co_chan_free(shared), "free");
  return (double)took / (double)n;
}
void *chan_shared(void *arg) {
  size_t senders = name[5] == '1' ? 1 : 8, receivers = name[7] == '1' ? 1 : 8;
  char row[64];
  from_one = N / 2 / 64 * 64 / senders;
  out(name, through_one(senders, receivers, 0), "ns");
  snprintf(row, sizeof row, "%s_apart", name);
  out(row, through_one(senders, receivers, 1), "ns");
  return arg;
}

// ---- select8: one vCPU; eight senders, a channel each, and one that takes what comes
static co_chan_t eight[8];
static uint64_t from_each;
static void *sender(void *arg) {
  uint64_t i = (uint64_t)((co_chan_t *)arg - eight);
  for (uint64_t k = 0; k < from_each; k++) must(co_chan_send(eight[i], &i, CO_FOREVER), "send");
  return arg;
}
static double selected(size_t slots) {
  uint64_t v = 0, t0 = 0, got[8] = {0}, first = N / 2 / 20;
  co_select_t c[8];
  co_t co[8];
  from_each = (N / 2 + first) / 8;
  for (int i = 0; i < 8; i++) {
    eight[i] = channel(slots);
    c[i] = (co_select_t){.kind = CO_SELECT_RECV, .handle = eight[i], .elem = &v};
    co[i] = spawn(sender, &eight[i]);
  }
  for (uint64_t k = 0; k < from_each * 8; k++) {
    if (k == first) t0 = now_ns();
    int i = must(co_select(c, 8, CO_FOREVER), "select");
    if (c[i].result || v != (uint64_t)i) fail(name, "another element came");
    got[i]++;
  }
  double ns = (double)(now_ns() - t0) / (double)(from_each * 8 - first);
  for (int i = 0; i < 8; i++) {
    join(co[i]);
    if (got[i] != from_each) fail(name, "an element was lost");
    must(co_chan_free(eight[i]), "free");
  }
  return ns;
}
void *select8(void *arg) {
  double hand_over = selected(0), one_slot = selected(1);
  out_best(name, hand_over, one_slot);
  return arg;
}
