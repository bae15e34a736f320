#include "net.h"
#include <sys/mman.h>
#include <sys/sysmacros.h>

static void same(const co_stat_t *a, const struct stat *b) {
  CHECK_EQ(a->mode, b->st_mode);
  CHECK_EQ(a->ino, b->st_ino);
  CHECK_EQ(a->dev, b->st_dev);
  CHECK_EQ(a->rdev, b->st_rdev);
  CHECK_EQ(a->nlink, b->st_nlink);
  CHECK_EQ(a->uid, b->st_uid);
  CHECK_EQ(a->gid, b->st_gid);
  CHECK_EQ(a->length, b->st_size);
  CHECK_EQ(a->blocks, b->st_blocks);
  CHECK_EQ(a->blksize, b->st_blksize);
  CHECK_EQ(a->mtime, b->st_mtim.tv_sec);
  CHECK_EQ(a->mtime_ns, b->st_mtim.tv_nsec);
  CHECK_EQ(a->ctime, b->st_ctim.tv_sec);
  CHECK_EQ(a->ctime_ns, b->st_ctim.tv_nsec);
  CHECK_EQ(a->atime, b->st_atim.tv_sec);
  CHECK_EQ(a->atime_ns, b->st_atim.tv_nsec);
}

static void by_name(const char *path, int flags) {
  co_stat_t a = {.size = sizeof a};
  struct stat b;
  CHECK_OK(co_io_statx(AT_FDCWD, path, flags, &a, CO_FOREVER));
  CHECK_EQ(a.size, sizeof a);
  CHECK_EQ(a.reserved, 0);
  CHECK_SYS(fstatat(AT_FDCWD, path, &b, flags));
  same(&a, &b);
}

static void by_descriptor(int fd) {
  co_stat_t a = {.size = sizeof a};
  struct stat b;
  CHECK_OK(co_io_statx(fd, "", AT_EMPTY_PATH, &a, CO_FOREVER));
  CHECK_SYS(fstat(fd, &b));
  same(&a, &b);
  memset(&a, 0, sizeof a);
  a.size = sizeof a;
  CHECK_OK(co_io_statx(fd, NULL, AT_EMPTY_PATH, &a, 10 * SEC));
  same(&a, &b);
}

static void body(void) {
  int fds[2], fd = co_io_open("file", O_CREAT | O_RDWR, 0640, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_pwrite(fd, "x", 1, 5000000000, CO_FOREVER), 1); /* more than 32 bits */
  CHECK_OK(co_io_symlink("file", "link", CO_FOREVER));
  CHECK_OK(co_io_link("file", "second", CO_FOREVER));
  by_name("file", 0);
  by_name("link", 0);
  by_name("link", AT_SYMLINK_NOFOLLOW);
  by_name(".", 0);
  by_name("/dev/null", 0);
  by_descriptor(fd);
  net_unix_pair(fds);
  by_descriptor(fds[0]);
  net_close(fds);
  CHECK_OK(co_io_pipe(fds, 0));
  by_descriptor(fds[1]);
  net_close(fds);

  int dir = co_io_open(".", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK_GE(dir, 0);
  co_stat_t st = {.size = sizeof st};
  CHECK_OK(co_io_statx(dir, "file", 0, &st, CO_FOREVER));
  CHECK_EQ(st.length, 5000000001);
  CHECK_EQ(st.nlink, 2);

  /* A shorter struct of an older header gets what fits; what is beyond stays. */
  struct {
    co_stat_t st;
    char beyond[16];
  } longer;
  memset(&longer, 0x55, sizeof longer);
  longer.st.size = 16;
  CHECK_OK(co_io_statx(fd, NULL, AT_EMPTY_PATH, &longer.st, CO_FOREVER));
  CHECK_EQ(longer.st.size, 16);
  CHECK_EQ(longer.st.ino, st.ino);
  CHECK_EQ(longer.st.dev, UINT64_C(0x5555555555555555));
  longer.st.size = sizeof longer;
  CHECK_OK(co_io_statx(fd, NULL, AT_EMPTY_PATH, &longer.st, CO_FOREVER));
  CHECK_EQ(longer.st.length, st.length);
  CHECK_EQ(longer.beyond[0], 0x55);
  longer.st.size = 4;
  CHECK_ERR(co_io_statx(fd, NULL, AT_EMPTY_PATH, &longer.st, CO_FOREVER), EINVAL);

  CHECK_ERR(co_io_statx(AT_FDCWD, "absent", 0, &st, CO_FOREVER), ENOENT);
  CHECK_ERR(co_io_statx(AT_FDCWD, "file/below", 0, &st, CO_FOREVER), ENOTDIR);
  CHECK_ERR(co_io_statx(AT_FDCWD, "", 0, &st, CO_FOREVER), ENOENT);
  CHECK_ERR(co_io_statx(AT_FDCWD, NULL, 0, &st, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_statx(AT_FDCWD, "file", 1 << 30, &st, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_statx(AT_FDCWD, "file", 0, &st, -2), EINVAL);
  CHECK_ERR(co_io_statx(AT_FDCWD, "file", 0, &st, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_statx(AT_FDCWD, "file", 0, NULL, CO_FOREVER), EFAULT);
  char *nothing = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  CHECK_SYS(mprotect(nothing, 4096, PROT_NONE));
  CHECK_ERR(co_io_statx(AT_FDCWD, "file", 0, (void *)nothing, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_statx(AT_FDCWD, nothing, 0, &st, CO_FOREVER), EFAULT);
  /* It can be read and says a size, but it can't be written. */
  CHECK_SYS(mprotect(nothing + 4096, 4096, PROT_READ | PROT_WRITE));
  memcpy(nothing + 4096, &(uint32_t){sizeof st}, 4);
  CHECK_SYS(mprotect(nothing + 4096, 4096, PROT_READ));
  CHECK_ERR(co_io_statx(AT_FDCWD, "file", 0, (void *)(nothing + 4096), CO_FOREVER), EFAULT);
  CHECK_OK(co_io_close(dir));
  CHECK_OK(co_io_close(fd));
  CHECK_ERR(co_io_statx(dir, "file", 0, &st, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_statx(fd, NULL, AT_EMPTY_PATH, &st, CO_FOREVER), EBADF);
}

CASE(body)
