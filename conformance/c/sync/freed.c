#include "crew.h"

/* An object's memory may be used for something else as soon as the last call that waits on it has
 * returned, even if the call that let it go on has not. One makes an object and waits on it, on its
 * stack, and the other lets it go on; or both lock it, on the heap. The last then fills it with a pattern and looks a little later
 * whether that is intact. */
enum { ROUNDS = 400, ROUNDS_OF_THREADS = 50, PATTERN = 0xdb };
static int rounds;

typedef union {
  co_mutex_t mutex;
  co_rmutex_t rmutex;
  co_rwlock_t rwlock;
  co_sem_t sem;
  co_event_t event;
  co_wg_t wg;
  co_once_t once;
  unsigned char bytes[64];
} object_t;

/* Of two that lock it, the one that finds itself alone is the last. */
typedef struct {
  object_t object;
  int users;
} locked_t;

static bool last_of(int *users) { return --*users == 0; }

static bool leave_mutex(locked_t *l) {
  CHECK_OK(co_mutex_lock(&l->object.mutex, CO_FOREVER));
  bool last = last_of(&l->users);
  CHECK_OK(co_mutex_unlock(&l->object.mutex));
  return last;
}
static bool leave_rmutex(locked_t *l) {
  CHECK_OK(co_rmutex_lock(&l->object.rmutex, CO_FOREVER));
  bool last = last_of(&l->users);
  CHECK_OK(co_rmutex_unlock(&l->object.rmutex));
  return last;
}
static bool leave_rwlock(locked_t *l) {
  CHECK_OK(co_rwlock_wrlock(&l->object.rwlock, CO_FOREVER));
  bool last = last_of(&l->users);
  CHECK_OK(co_rwlock_unlock(&l->object.rwlock));
  return last;
}

static bool (*const leaves[])(locked_t *) = {leave_mutex, leave_rmutex, leave_rwlock};

/* The others: what the waiter does, and what the other does to let it go on. */
static void wait_sem(object_t *o) { CHECK_OK(co_sem_wait(&o->sem, 1, CO_FOREVER)); }
static void go_sem(object_t *o) { CHECK_OK(co_sem_post(&o->sem, 1)); }
static void wait_event(object_t *o) { CHECK_OK(co_event_wait(&o->event, CO_FOREVER)); }
static void poll_event(object_t *o) {
  while (co_event_is_set(&o->event) == 0)
    co_yield_now();
}
static void go_event(object_t *o) { CHECK_OK(co_event_set(&o->event)); }
static void wait_wg(object_t *o) { CHECK_OK(co_wg_wait(&o->wg, CO_FOREVER)); }
static void go_wg(object_t *o) { CHECK_OK(co_wg_done(&o->wg)); }
static void wait_once(object_t *o) { CHECK_OK(co_once_begin(&o->once, CO_FOREVER)); }
static void go_once(object_t *o) { CHECK_OK(co_once_end(&o->once, 1)); }

static const struct {
  void (*wait)(object_t *), (*go)(object_t *);
} kinds[] = {{wait_sem, go_sem}, {wait_event, go_event}, {poll_event, go_event}, {wait_wg, go_wg}, {wait_once, go_once}};

static size_t kind;
static void *offer; /* the first one's object */
static co_sem_t offered, taken;

static void poisoned(object_t *o) {
  memset(o, PATTERN, sizeof *o);
  for (int i = 0; i < 20; i++) {
    for (size_t k = 0; k < sizeof o->bytes; k++)
      if (o->bytes[k] != PATTERN)
        FAIL("kind %zu: byte %zu was written after its time", kind, k);
    if (i % 8 == 7)
      co_yield_now();
  }
}

static void give(void *object) {
  offer = object;
  CHECK_OK(co_sem_post(&offered, 1));
}

static void *take(void) {
  CHECK_OK(co_sem_wait(&offered, 1, CO_FOREVER));
  return offer;
}

static void *waiter(void *arg) {
  for (int i = 0; i < rounds; i++) {
    object_t o;
    memset(&o, 0, sizeof o);
    if (kinds[kind].wait == wait_wg)
      CHECK_OK(co_wg_add(&o.wg, 1));
    give(&o);
    if (kinds[kind].wait == wait_once) /* the other begins it */
      CHECK_OK(co_sem_wait(&taken, 1, CO_FOREVER));
    kinds[kind].wait(&o);
    poisoned(&o);
  }
  return arg;
}

static void *goer(void *arg) {
  for (int i = 0; i < rounds; i++) {
    object_t *o = take();
    if (kinds[kind].wait == wait_once) {
      CHECK_EQ(co_once_begin(&o->once, CO_NOW), 1);
      CHECK_OK(co_sem_post(&taken, 1));
    }
    if (i % 3 == 0)
      co_yield_now(); /* it most likely waits by now */
    kinds[kind].go(o);
  }
  return arg;
}

static void leave(locked_t *l) {
  if (leaves[kind](l)) {
    poisoned(&l->object);
    free(l);
  }
}

static void *maker(void *arg) {
  for (int i = 0; i < rounds; i++) {
    locked_t *l = calloc(1, sizeof *l);
    CHECK(l != NULL);
    l->users = 2;
    give(l);
    leave(l);
    CHECK_OK(co_sem_wait(&taken, 1, CO_FOREVER));
  }
  return arg;
}

static void *taker(void *arg) {
  for (int i = 0; i < rounds; i++) {
    locked_t *l = take();
    CHECK_OK(co_sem_post(&taken, 1));
    leave(l);
  }
  return arg;
}

static void of(int crew_kind, void *(*a)(void *), void *(*b)(void *)) {
  crew_t crew = {.kind = crew_kind};
  crew_add(&crew, a, NULL);
  crew_add(&crew, b, NULL);
  crew_end(&crew);
}

static void body(void) {
  for (int crew = 0; crew < CREW_KINDS; crew++) {
    rounds = crew == CREW_THREADS || crew == CREW_MIXED ? ROUNDS_OF_THREADS : ROUNDS;
    for (kind = 0; kind < COUNT_OF(leaves); kind++)
      of(crew, maker, taker);
    for (kind = 0; kind < COUNT_OF(kinds); kind++)
      of(crew, waiter, goer);
  }
}

CASE(body)
