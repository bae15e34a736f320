#include "net.h"

/* Many coroutines work on files at once, beside one that only yields. */
enum { N = 32, BLOCKS = 40, BLOCK = 3000 };
static atomic_int stop;

static void *spinner(void *arg) {
  while (!atomic_load(&stop))
    co_yield_now();
  return arg;
}

static void *worker(void *arg) {
  uint64_t me = (uint64_t)(uintptr_t)arg;
  unsigned char buf[BLOCK];
  char name[32];
  snprintf(name, sizeof name, "file %d", (int)me);
  int fd = co_io_open(name, O_CREAT | O_TRUNC | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  for (int i = 0; i < BLOCKS; i++) {
    net_fill(buf, BLOCK, me, (uint64_t)i * BLOCK);
    if (i % 2)
      CHECK_EQ(co_io_pwrite(fd, buf, BLOCK, (int64_t)i * BLOCK, CO_FOREVER), BLOCK);
    else
      CHECK_EQ((lseek(fd, (off_t)i * BLOCK, SEEK_SET), co_io_write(fd, buf, BLOCK, 60 * SEC)), BLOCK);
  }
  CHECK_OK(co_io_fsync(fd, CO_FOREVER));
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  for (int i = 0; i < BLOCKS; i++) {
    CHECK_EQ(co_io_read(fd, buf, BLOCK, CO_FOREVER), BLOCK);
    net_same(buf, BLOCK, me, (uint64_t)i * BLOCK);
  }
  CHECK_EQ(co_io_read(fd, buf, BLOCK, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fd));
  CHECK_SYS(unlink(name));
  return arg;
}

static void body(void) {
  co_t cos[N], spinning = conf_spawn_on(1, spinner, NULL);
  for (uintptr_t i = 0; i < N; i++)
    cos[i] = conf_spawn(worker, (void *)i);
  for (int i = 0; i < N; i++)
    conf_join(cos[i]);
  atomic_store(&stop, 1);
  conf_join(spinning);
}

CASE(body)
