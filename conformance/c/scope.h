/* What the scope cases share. */
#ifndef CONFORMANCE_SCOPE_H
#define CONFORMANCE_SCOPE_H

#include "check.h"

HELPER co_scope_attr_t scope_attr(void) {
  co_scope_attr_t attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  return attr;
}

/* A scope that must be had. */
HELPER co_scope_t scope_open(uint32_t policy, uint32_t flags, int64_t timeout_ns) {
  co_scope_t s = 0;
  co_scope_attr_t attr = scope_attr();
  attr.policy = policy;
  attr.flags = flags;
  attr.timeout_ns = timeout_ns;
  CHECK_OK(co_scope_open(&s, &attr));
  CHECK(s != 0);
  return s;
}

HELPER co_scope_info_t scope_info(co_scope_t s) {
  co_scope_info_t info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  CHECK_OK(co_scope_info(s, &info));
  return info;
}

#endif
