#include "check.h"

static co_key_t key;
static atomic_int destroyed;

static void destroy(void *value) {
  /* The arena outlives the locals. */
  CHECK(strcmp(value, "from the arena") == 0);
  atomic_fetch_add(&destroyed, 1);
}

static void *uses(void *arg) {
  CHECK_EQ(co_arena_used(), 0);
  size_t used = 0;
  uint64_t seed = (uintptr_t)arg;
  unsigned char *blocks[200];
  size_t sizes[200];
  for (size_t i = 0; i < COUNT_OF(blocks); i++) {
    size_t size = conf_rand(&seed) % 2000, align = (size_t)1 << conf_rand(&seed) % 13;
    unsigned char *p = co_arena_alloc(size, align);
    CHECK(p != NULL);
    CHECK_EQ((uintptr_t)p % align, 0);
    memset(p, (int)(i & 255), size);
    blocks[i] = p;
    sizes[i] = size;
    used += size;
    CHECK_EQ(co_arena_used(), used);
    if (i % 20 == 0)
      co_yield_now();
  }
  for (size_t i = 0; i < COUNT_OF(blocks); i++)
    for (size_t k = 0; k < sizes[i]; k++)
      CHECK_EQ(blocks[i][k], i & 255);
  CHECK(co_arena_alloc(8, 0) == NULL);
  CHECK(co_arena_alloc(8, 3) == NULL);
  CHECK(co_arena_alloc(SIZE_MAX, 8) == NULL);
  CHECK(co_arena_alloc(SIZE_MAX / 2, 8) == NULL);
  CHECK_EQ(co_arena_used(), used);
  CHECK(co_arena_alloc(0, 64) != NULL);
  char *text = co_arena_alloc(32, 1);
  strcpy(text, "from the arena");
  CHECK_OK(co_local_set(key, text));
  return arg;
}

/* Each turn begins with an empty one, in the same memory: no growth. */
static void *resets(void *arg) {
  for (int i = 0; i < 10000; i++) {
    char *p = co_arena_alloc(64 * 1024, 16);
    CHECK(p != NULL);
    p[0] = p[64 * 1024 - 1] = 1;
    CHECK_EQ(co_arena_used(), 64 * 1024);
    co_arena_reset();
    CHECK_EQ(co_arena_used(), 0);
  }
  return arg;
}

static void *thread(void *arg) {
  co_arena_reset();
  CHECK_EQ(co_arena_used(), 0);
  CHECK(co_arena_alloc(1000, 256) != NULL);
  CHECK_EQ(co_arena_used(), 1000);
  return arg;
}

static void body(void) {
  co_t cos[50];
  CHECK_OK(co_key_new(&key, destroy));
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    cos[i] = conf_spawn(uses, &cos[i]);
  for (size_t i = 0; i < COUNT_OF(cos); i++)
    conf_join(cos[i]);
  CHECK_EQ(atomic_load(&destroyed), COUNT_OF(cos));
  conf_join(conf_spawn(resets, NULL));
  conf_on_thread(thread, NULL);
  CHECK_EQ(co_arena_used(), 0);
}

CASE(body)
