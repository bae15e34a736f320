#include "net.h"
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static int event;

static void *signal_later(void *arg) {
  uint64_t one = 1;
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(co_io_write(event, &one, sizeof one, CO_FOREVER), sizeof one);
  return arg;
}

static void *open_writer(void *arg) {
  (void)arg;
  return (void *)(intptr_t)co_io_open("fifo", O_WRONLY, 0, CO_FOREVER);
}

static void body(void) {
  uint64_t value = 0;
  for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
    event = CHECK_SYS(eventfd(0, EFD_CLOEXEC | (nonblocking ? EFD_NONBLOCK : 0)));
    CHECK_ERR(co_io_read(event, &value, sizeof value, CO_NOW), EAGAIN);
    CHECK_ERR(co_io_read(event, &value, sizeof value, MS), ETIMEDOUT);
    CHECK_ERR(co_io_read(event, &value, 4, CO_FOREVER), EINVAL);
    co_t later = conf_spawn(signal_later, NULL);
    CHECK_EQ(co_io_read(event, &value, sizeof value, CO_FOREVER), sizeof value);
    CHECK_EQ(value, 1);
    conf_join(later);
    CHECK_OK(co_io_close(event));

    int timer = CHECK_SYS(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | (nonblocking ? TFD_NONBLOCK : 0)));
    struct itimerspec in_2ms = {.it_value = {.tv_nsec = 2000000}};
    CHECK_SYS(timerfd_settime(timer, 0, &in_2ms, NULL));
    CHECK_EQ(co_io_read(timer, &value, sizeof value, CO_FOREVER), sizeof value);
    CHECK_EQ(value, 1);
    CHECK_OK(co_io_close(timer));
  }

  /* Both ends of a named pipe wait in open for each other: neither may hold up the vCPU. */
  CHECK_SYS(mkfifo("fifo", 0600));
  for (int i = 0; i < 20; i++) {
    char byte;
    co_t opening = conf_spawn(open_writer, NULL);
    int reader = co_io_open("fifo", O_RDONLY, 0, CO_FOREVER);
    CHECK_GE(reader, 0);
    int writer = (int)(intptr_t)conf_join(opening);
    CHECK_GE(writer, 0);
    CHECK_EQ(co_io_write(writer, "x", 1, CO_FOREVER), 1);
    CHECK_EQ(co_io_read(reader, &byte, 1, CO_FOREVER), 1);
    net_close((int[2]){reader, writer});
  }

  int zero = co_io_open("/dev/zero", O_RDONLY, 0, CO_FOREVER);
  CHECK_GE(zero, 0);
  value = 1;
  CHECK_EQ(co_io_read(zero, &value, sizeof value, CO_FOREVER), sizeof value);
  CHECK_EQ(value, 0);
  CHECK_OK(co_io_close(zero));
}

CASE(body)
