#include "net.h"
#include <sys/mman.h>

static void make(const char *path) {
  int fd = co_io_open(path, O_CREAT | O_EXCL | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_write(fd, path, strlen(path), CO_FOREVER), strlen(path));
  CHECK_OK(co_io_close(fd));
}

/* What the file says that has this name; "" if there is none. */
static const char *says(const char *path) {
  static char text[100];
  int fd = co_io_open(path, O_RDONLY, 0, CO_FOREVER);
  memset(text, 0, sizeof text);
  if (fd == -ENOENT)
    return text;
  CHECK_GE(fd, 0);
  CHECK_GE(co_io_read(fd, text, sizeof text - 1, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fd));
  return text;
}

static void from_here(void) {
  char text[20];
  umask(0);
  make("a");
  CHECK_OK(co_io_rename("a", "b", CO_FOREVER));
  CHECK(!strcmp(says("a"), "") && !strcmp(says("b"), "a"));
  CHECK_OK(co_io_link("b", "c", 10 * SEC));
  CHECK_OK(co_io_unlink("b", CO_FOREVER));
  CHECK(!strcmp(says("b"), "") && !strcmp(says("c"), "a"));
  CHECK_ERR(co_io_unlink("b", CO_FOREVER), ENOENT);
  CHECK_OK(co_io_symlink("c", "s", CO_FOREVER));
  CHECK(!strcmp(says("s"), "a"));
  CHECK_ERR(co_io_symlink("c", "s", CO_FOREVER), EEXIST);
  memset(text, '.', sizeof text);
  CHECK_EQ(co_io_readlink("s", text, sizeof text, CO_FOREVER), 1);
  CHECK(text[0] == 'c' && text[1] == '.');
  CHECK_ERR(co_io_readlink("c", text, sizeof text, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_readlink("s", text, 0, CO_FOREVER), EINVAL);
  CHECK_OK(co_io_mkdir("d", 0751, CO_FOREVER));
  struct stat st;
  CHECK_SYS(stat("d", &st));
  CHECK(S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0751);
  CHECK_ERR(co_io_mkdir("d", 0700, CO_FOREVER), EEXIST);
  CHECK_ERR(co_io_unlink("d", CO_FOREVER), EISDIR);
  CHECK_ERR(co_io_rmdir("c", CO_FOREVER), ENOTDIR);
  make("d/in");
  CHECK_ERR(co_io_rmdir("d", CO_FOREVER), ENOTEMPTY);
  CHECK_ERR(co_io_rename("d", "c", CO_FOREVER), ENOTDIR);
  CHECK_ERR(co_io_rename("d", "d/below", CO_FOREVER), EINVAL);
  CHECK_OK(co_io_unlink("d/in", CO_FOREVER));
  CHECK_OK(co_io_rmdir("d", CO_FOREVER));
  CHECK_OK(co_io_unlink("c", CO_FOREVER));
  CHECK_OK(co_io_unlink("s", CO_FOREVER));
}

static void from_directories(void) {
  char text[20];
  CHECK_OK(co_io_mkdir("x", 0700, CO_FOREVER));
  int x = co_io_open("x", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK_GE(x, 0);
  CHECK_OK(co_io_mkdirat(x, "y", 0700, CO_FOREVER));
  int y = co_io_openat(x, "y", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK_GE(y, 0);
  CHECK(CHECK_SYS(fcntl(y, F_GETFD)) & FD_CLOEXEC);
  int fd = co_io_openat(y, "f", O_CREAT | O_WRONLY, 0600, 10 * SEC);
  CHECK_GE(fd, 0);
  CHECK_EQ(co_io_write(fd, "f", 1, CO_FOREVER), 1);
  CHECK_OK(co_io_close(fd));
  CHECK(!strcmp(says("x/y/f"), "f"));
  CHECK_OK(co_io_linkat(y, "f", x, "g", 0, CO_FOREVER));
  CHECK_OK(co_io_renameat(y, "f", x, "h", 0, CO_FOREVER));
  CHECK(!strcmp(says("x/g"), "f") && !strcmp(says("x/h"), "f"));
  CHECK_OK(co_io_symlinkat("../h", y, "s", CO_FOREVER));
  CHECK_EQ(co_io_readlinkat(y, "s", text, sizeof text, CO_FOREVER), 4);
  CHECK(!memcmp(text, "../h", 4));
  CHECK_EQ(co_io_readlinkat(y, "s", text, 2, CO_FOREVER), 2);
  CHECK(!strcmp(says("x/y/s"), "f"));
  /* The same directory twice; an absolute path, for which the descriptor does not matter. */
  CHECK_OK(co_io_renameat(x, "g", x, "i", 0, CO_FOREVER));
  CHECK_ERR(co_io_openat(-5, "x", O_RDONLY, 0, CO_FOREVER), EBADF);
  fd = co_io_openat(-5, "/", O_RDONLY, 0, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_close(fd));
#ifdef RENAME_NOREPLACE
  CHECK_ERR(co_io_renameat(x, "h", x, "i", RENAME_NOREPLACE, CO_FOREVER), EEXIST);
#endif
  CHECK_ERR(co_io_renameat(x, "h", x, "i", 1u << 20, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_linkat(x, "h", x, "j", 1 << 20, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_unlinkat(x, "h", 1 << 20, CO_FOREVER), EINVAL);
  CHECK_OK(co_io_unlinkat(x, "h", 0, CO_FOREVER));
  CHECK_OK(co_io_unlinkat(x, "i", 0, CO_FOREVER));
  CHECK_OK(co_io_unlinkat(y, "s", 0, CO_FOREVER));
  CHECK_ERR(co_io_unlinkat(x, "y", 0, CO_FOREVER), EISDIR);
  CHECK_OK(co_io_unlinkat(x, "y", AT_REMOVEDIR, CO_FOREVER));
  CHECK_ERR(co_io_openat(y, "f", O_CREAT | O_RDWR, 0600, CO_FOREVER), ENOENT);
  CHECK_OK(co_io_close(y));
  CHECK_ERR(co_io_openat(y, "f", O_RDONLY, 0, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_renameat(x, "h", y, "i", 0, CO_FOREVER), EBADF);
  CHECK_OK(co_io_close(x));
  CHECK_OK(co_io_rmdir("x", CO_FOREVER));
}

/* Each call with a path that is not there, in each of its places. */
static void bad_pointers(const char *p) {
  char text[20];
  CHECK_ERR(co_io_openat(AT_FDCWD, p, O_RDONLY, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_unlink(p, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_unlinkat(AT_FDCWD, p, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_rmdir(p, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_rename(p, "a", CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_rename("a", p, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_renameat(AT_FDCWD, p, AT_FDCWD, "a", 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_mkdir(p, 0700, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_mkdirat(AT_FDCWD, p, 0700, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_link(p, "a", CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_linkat(AT_FDCWD, ".", AT_FDCWD, p, 0, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_symlink(p, "a", CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_symlink("a", p, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_symlinkat("a", AT_FDCWD, p, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_readlink(p, text, sizeof text, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_readlinkat(AT_FDCWD, p, text, sizeof text, CO_FOREVER), EFAULT);
}

/* What was refused has not happened. */
static void without_time(int64_t timeout, int err) {
  char text[20];
  make("a");
  CHECK_OK(co_io_symlink("a", "s", CO_FOREVER));
  CHECK_ERR(co_io_unlink("a", timeout), err);
  CHECK_ERR(co_io_rename("a", "b", timeout), err);
  CHECK_ERR(co_io_link("a", "b", timeout), err);
  CHECK_ERR(co_io_symlink("a", "b", timeout), err);
  CHECK_ERR(co_io_mkdir("b", 0700, timeout), err);
  CHECK_ERR(co_io_rmdir("b", timeout), err);
  CHECK_ERR(co_io_readlink("s", text, sizeof text, timeout), err);
  CHECK(!strcmp(says("a"), "a") && !strcmp(says("b"), ""));
  CHECK_OK(co_io_unlink("a", CO_FOREVER));
  CHECK_OK(co_io_unlink("s", CO_FOREVER));
}

/* With hardly any time: done and reported, or not done. */
static void hardly_any_time(void) {
  int late = 0;
  for (int i = 0; i < 100; i++) {
    int r = co_io_mkdir("t", 0700, 1 + i * 500);
    if (r) {
      CHECK_ERR(r, ETIMEDOUT);
      CHECK_ERR(co_io_rmdir("t", CO_FOREVER), ENOENT);
      late++;
    } else {
      CHECK_OK(co_io_rmdir("t", CO_FOREVER));
    }
  }
  printf("%d of 100 came too late\n", late);
}

static void *on_thread(void *arg) {
  from_here();
  from_directories();
  bad_pointers(NULL);
  return arg;
}

static void body(void) {
  from_here();
  from_directories();
  bad_pointers(NULL);
  void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  bad_pointers(nothing);
  CHECK_SYS(symlink("target", "link"));
  CHECK_ERR(co_io_readlink("link", nothing, 10, CO_FOREVER), EFAULT);
  without_time(CO_NOW, EAGAIN);
  without_time(-2, EINVAL);
  hardly_any_time();
  conf_on_thread(on_thread, NULL);
}

CASE(body)
