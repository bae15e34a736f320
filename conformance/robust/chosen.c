#include "net.h"
#include "robust.h"

/* Starts the runtime and prints the engine that was chosen, or the error; with it running, a byte goes
 * through a pipe and a socket, a timer and a thread of the pool do their work. */
static void *reader(void *arg) {
  char c = 0;
  CHECK_EQ(co_io_read(*(int *)arg, &c, 1, CO_FOREVER), 1);
  CHECK_EQ(c, 'x');
  return arg;
}

static void use(int in, int out) {
  co_t co = conf_spawn(reader, &out);
  CHECK_OK(co_sleep(MS));
  CHECK_EQ(co_io_write(in, "x", 1, CO_FOREVER), 1);
  conf_join(co);
}

static void *entry(void *arg) {
  int fds[2];
  CHECK_SYS(pipe(fds));
  use(fds[1], fds[0]);
  net_close(fds);
  net_tcp_pair(fds);
  use(fds[1], fds[0]);
  net_close(fds);
  fds[0] = co_io_open("/", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK_GE(fds[0], 0);
  CHECK_OK(co_io_fsync(fds[0], CO_FOREVER));
  CHECK_OK(co_io_close(fds[0]));
  return arg;
}

int main(void) {
  static const char *const names[] = {"?", "uring", "ready", "offload"};
  co_config_t cfg = conf_config();
  conf_start();
  int before = robust_files();
  int r = co_init(&cfg);
  if (r) {
    printf("%s\n", r == -ENOSYS ? "ENOSYS" : r == -EMFILE ? "EMFILE" : co_strerror(r));
  } else {
    co_t co;
    uint32_t engine = conf_stats().engine;
    CHECK_OK(co_spawn(&co, NULL, entry, NULL));
    CHECK_OK(co_join(co, NULL, CO_FOREVER));
    CHECK_OK(co_shutdown(10 * SEC));
    printf("%s\n", engine < COUNT_OF(names) ? names[engine] : "?");
  }
  /* One pair of descriptors belongs to this thread, which has waited. */
  CHECK_GE(before + 2, robust_files());
  return 0;
}
