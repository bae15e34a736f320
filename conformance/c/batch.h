/* Operations for co_io_batch, one function each. */
#ifndef CONFORMANCE_BATCH_H
#define CONFORMANCE_BATCH_H

#include "net.h"

/* What no operation gives: a result that was not written. */
#define UNTOUCHED INT64_C(-4242)

HELPER co_io_op_t op_of(uint32_t opcode, int fd) {
  co_io_op_t op;
  memset(&op, 0, sizeof op);
  op.size = sizeof op;
  op.opcode = opcode;
  op.fd = fd;
  op.result = UNTOUCHED;
  return op;
}

HELPER co_io_op_t op_io(uint32_t opcode, int fd, const void *buf, size_t len) {
  co_io_op_t op = op_of(opcode, fd);
  op.buf = (void *)(uintptr_t)buf;
  op.len = len;
  return op;
}

HELPER co_io_op_t op_at(uint32_t opcode, int fd, const void *buf, size_t len, int64_t offset) {
  co_io_op_t op = op_io(opcode, fd, buf, len);
  op.offset = offset;
  return op;
}

HELPER co_io_op_t op_timer(int64_t ns) {
  co_io_op_t op = op_of(CO_OP_TIMER, -1);
  op.offset = ns;
  return op;
}

HELPER co_io_op_t op_poll(int fd, short events) {
  co_io_op_t op = op_of(CO_OP_POLL, fd);
  op.op_flags = (uint32_t)events;
  return op;
}

/* The next operation waits for this one. */
HELPER co_io_op_t op_then(co_io_op_t op) {
  op.flags |= CO_OP_LINK;
  return op;
}

#define BATCH(ops, flags, timeout) co_io_batch(ops, COUNT_OF(ops), flags, timeout)

/* An empty file of one's own. */
HELPER int op_file(const char *name) {
  int fd = co_io_open(name, O_CREAT | O_TRUNC | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  return fd;
}

#endif
