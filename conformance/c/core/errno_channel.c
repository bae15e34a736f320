#include "check.h"

/* The return value says everything: whatever errno is before, and whoever reads a cached address
 * of it after. */
static void *end(void *arg) {
  return arg;
}

static void body(void) {
  static const int values[] = {0, EINVAL, ECANCELED, 12345};
  for (size_t i = 0; i < COUNT_OF(values); i++) {
    co_t co = 0;
    int value = values[i];
    errno = value;
    CHECK_ERR(co_park(CO_NOW), EAGAIN);
    errno = value;
    CHECK_ERR(co_park(10 * US), ETIMEDOUT);
    errno = value;
    CHECK_ERR(co_sleep(-2), EINVAL);
    errno = value;
    CHECK_ERR(co_unpark(0), ESRCH);
    errno = value;
    CHECK_ERR(co_io_read(-1, &co, 1, CO_NOW), EBADF);
    errno = value;
    CHECK_ERR(co_io_open("/nonexistent/file", 0, 0, CO_FOREVER), ENOENT);
    errno = value;
    CHECK_ERR(co_io_close(-1), EBADF);
    errno = value;
    CHECK_OK(co_spawn(&co, NULL, end, NULL));
    errno = value;
    CHECK_OK(co_join(co, NULL, CO_FOREVER));
    errno = value;
    CHECK_OK(co_sleep(10 * US));
  }
}

CASE(body)
