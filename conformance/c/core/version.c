#include "check.h"

static void body(void) {
  char text[64];
  CHECK_EQ(co_abi_version(), CO_VERSION_MAJOR << 16 | CO_VERSION_MINOR << 8 | CO_VERSION_PATCH);
  snprintf(text, sizeof text, "%u.%u.%u", (unsigned)CO_VERSION_MAJOR, (unsigned)CO_VERSION_MINOR,
           (unsigned)CO_VERSION_PATCH);
  CHECK(!strcmp(co_version_string(), text));

  for (int e = 0; e < 200; e++) {
    const char *plain = co_strerror(e), *negative = co_strerror(-e);
    CHECK(plain && negative && *plain);
    CHECK(!strcmp(plain, negative));
  }
  CHECK(strcmp(co_strerror(ENOENT), co_strerror(ETIMEDOUT)));
  CHECK(strcmp(co_strerror(ENOENT), "unknown error"));
  CHECK(!strcmp(co_strerror(99999), "unknown error"));
  CHECK(!strcmp(co_strerror(-99999), "unknown error"));
  CHECK(!strcmp(co_strerror(INT_MAX), "unknown error"));
  CHECK(!strcmp(co_strerror(INT_MIN), "unknown error"));
}

PLAIN_CASE(body)
