#include "net.h"
#include <fcntl.h>
#include <sys/uio.h>

/* Half of a file is in memory, the other half is not: a call that asks for all of it gets all of it,
 * as from read(2), in whatever way the engine does without waiting for the disk. */
enum { LEN = 1 << 20, HALF = LEN / 2, SEED = 7 };
static unsigned char buf[LEN];

/* Only the first half stays in the page cache, where the system can be asked for that. */
static void cool(int fd) {
  memset(buf, 0, LEN);
  CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
  CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
  CHECK_EQ(pread(fd, buf, HALF, 0), HALF);
  memset(buf, 0, LEN);
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
}

static void body(void) {
  struct iovec odd[4] = {{buf, 1000}, {buf + 1000, 0}, {buf + 1000, HALF}, {buf + 1000 + HALF, HALF - 1000}};
  int fd = co_io_open("cold", O_CREAT | O_TRUNC | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  net_fill(buf, LEN, SEED, 0);
  CHECK_EQ(co_io_write(fd, buf, LEN, CO_FOREVER), LEN);
  for (int way = 0; way < 5; way++) {
    CHECK_OK(co_io_fsync(fd, CO_FOREVER));
    cool(fd);
    switch (way) {
    case 0: CHECK_EQ(co_io_read(fd, buf, LEN, CO_FOREVER), LEN); break;
    case 1: CHECK_EQ(co_io_pread(fd, buf, LEN, 0, 60 * SEC), LEN); break;
    case 2: CHECK_EQ(co_io_readv(fd, odd, 4, CO_FOREVER), LEN); break;
    case 3: CHECK_EQ(co_io_preadv(fd, odd, 4, 0, CO_FOREVER), LEN); break;
    default: {
      co_io_op_t op = {.size = sizeof op, .opcode = CO_OP_READ, .fd = fd, .buf = buf, .len = LEN};
      CHECK_EQ(co_io_batch(&op, 1, 0, CO_FOREVER), 1);
      CHECK_EQ(op.result, LEN);
    }
    }
    net_same(buf, LEN, SEED, 0);
  }
  /* At the end of the file it is short all the same. */
  CHECK_EQ(co_io_pread(fd, buf, LEN, HALF, CO_FOREVER), HALF);
  CHECK_EQ(co_io_pread(fd, buf, LEN, LEN, CO_FOREVER), 0);
  /* Who doesn't wait gets what there is, or is told. */
  cool(fd);
  int64_t n = co_io_read(fd, buf, LEN, CO_NOW);
  if (n != -EAGAIN) {
    CHECK_GE(n, 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), n);
    net_same(buf, (size_t)n, SEED, 0);
  }
  /* Written over, half of it cold. */
  cool(fd);
  net_fill(buf, LEN, SEED + 1, 0);
  CHECK_EQ(co_io_write(fd, buf, LEN, CO_FOREVER), LEN);
  CHECK_EQ(co_io_pwritev(fd, odd, 4, 0, CO_FOREVER), LEN);
  memset(buf, 0, LEN);
  CHECK_EQ(co_io_pread(fd, buf, LEN, 0, CO_FOREVER), LEN);
  net_same(buf, LEN, SEED + 1, 0);
  CHECK_OK(co_io_close(fd));
}

CASE(body)
