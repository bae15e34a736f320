#include "net.h"
#include <sys/mman.h>

/* Lengths over INT_MAX count as INT_MAX rounded down to a page, on every engine. */
static void body(void) {
  size_t most = INT_MAX / 4096 * 4096, len = (size_t)3 << 30;
  int null = co_io_open("/dev/null", O_RDWR, 0, CO_FOREVER), fds[2];
  CHECK_GE(null, 0);
  char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(p != MAP_FAILED);
  CHECK_EQ(co_io_write(null, p, len, CO_FOREVER), most); /* touches none of it */
  CHECK_EQ(co_io_write(null, p, (size_t)INT_MAX + 1, CO_FOREVER), most);
  CHECK_EQ(co_io_write(null, p, 1 << 20, CO_FOREVER), 1 << 20);
  CHECK_EQ(co_io_read(null, p, len, CO_FOREVER), 0);
  net_unix_pair(fds);
  CHECK_EQ(co_io_send(fds[0], "some", 4, 0, CO_FOREVER), 4);
  CHECK_EQ(co_io_recv(fds[1], p, len, 0, CO_FOREVER), 4);
  CHECK_EQ(co_io_write(fds[0], "more", 4, CO_FOREVER), 4);
  CHECK_EQ(co_io_read(fds[1], p, len, CO_FOREVER), 4);
  net_close(fds);
  CHECK_OK(co_io_close(null));
}

CASE(body)
