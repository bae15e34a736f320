#include "net.h"
#include <dirent.h>
#include <sys/mman.h>

enum { FILES = 700 };

static void name_of(char *name, int i) {
  memset(name, 'n', 256);
  int n = snprintf(name, 256, "%d-", i);
  name[n] = 'n';
  name[n + i % 240] = 0; /* every length */
}

static char seen[FILES];

/* Takes the entries of a buffer; how many of the files were among them. */
static int take(const char *buf, int64_t n) {
  int files = 0;
  CHECK_EQ(n % 8, 0);
  for (int64_t at = 0; at < n;) {
    const co_dirent_t *entry = (const co_dirent_t *)(const void *)(buf + at);
    const char *name = (const char *)(entry + 1);
    CHECK_GE(entry->size, sizeof *entry + 2);
    CHECK_GE(n - at, entry->size);
    CHECK_EQ(strlen(name), entry->name_length);
    CHECK_GE(entry->size, sizeof *entry + entry->name_length + 1u);
    at += entry->size;
    if (!strcmp(name, ".") || !strcmp(name, ".."))
      continue;
    char want[256];
    int i = atoi(name);
    CHECK(i >= 0 && i < FILES);
    name_of(want, i);
    CHECK(!strcmp(name, want));
    CHECK(entry->type == (i % 10 ? DT_REG : DT_DIR) || entry->type == DT_UNKNOWN);
    co_stat_t st = {.size = sizeof st};
    CHECK(!seen[i]++);
    if (i % 100 == 0) {
      char path[300];
      snprintf(path, sizeof path, "dir/%s", name);
      CHECK_OK(co_io_statx(AT_FDCWD, path, 0, &st, CO_FOREVER));
      CHECK_EQ(entry->ino, st.ino);
    }
    files++;
  }
  return files;
}

static _Alignas(8) char buf[65536];

static void all(int dir, size_t len) {
  int files = 0;
  int64_t n;
  memset(seen, 0, sizeof seen);
  CHECK_EQ(lseek(dir, 0, SEEK_SET), 0);
  while ((n = co_io_readdir(dir, buf, len, CO_FOREVER)) != 0) {
    CHECK_GE(n, 1);
    CHECK_GE((int64_t)len, n);
    files += take(buf, n);
  }
  CHECK_EQ(files, FILES);
  CHECK_EQ(co_io_readdir(dir, buf, len, CO_FOREVER), 0); /* and it stays at the end */
}

/* From after any entry on. */
static void resume(int dir) {
  CHECK_EQ(lseek(dir, 0, SEEK_SET), 0);
  CHECK_GE(co_io_readdir(dir, buf, 4096, CO_FOREVER), 1);
  const co_dirent_t *first = (const void *)buf;
  const co_dirent_t *second = (const void *)(buf + first->size);
  char name[256];
  snprintf(name, sizeof name, "%s", (const char *)(second + 1));
  CHECK_SYS(lseek(dir, first->next, SEEK_SET));
  CHECK_GE(co_io_readdir(dir, buf, 4096, CO_FOREVER), 1);
  CHECK(!strcmp(name, (const char *)((const co_dirent_t *)(const void *)buf + 1)));
}

static void *on_thread(void *arg) {
  all(*(int *)arg, sizeof buf);
  return arg;
}

static void body(void) {
  char path[300] = "dir/";
  int fds[2];
  CHECK_OK(co_io_mkdir("dir", 0700, CO_FOREVER));
  for (int i = 0; i < FILES; i++) {
    name_of(path + 4, i);
    CHECK_SYS(i % 10 ? mknod(path, S_IFREG | 0600, 0) : mkdir(path, 0700));
  }
  int dir = co_io_open("dir", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK_GE(dir, 0);
  all(dir, 512);
  all(dir, 1001);
  all(dir, sizeof buf);
  resume(dir);
  conf_on_thread(on_thread, &dir);

  CHECK_ERR(co_io_readdir(dir, buf, 511, CO_FOREVER), EINVAL);
  CHECK_ERR(co_io_readdir(dir, buf, sizeof buf, -2), EINVAL);
  CHECK_ERR(co_io_readdir(dir, buf, sizeof buf, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_readdir(dir, NULL, sizeof buf, CO_FOREVER), EFAULT);
  void *nothing = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nothing != MAP_FAILED);
  CHECK_EQ(lseek(dir, 0, SEEK_SET), 0);
  CHECK_ERR(co_io_readdir(dir, nothing, 8192, CO_FOREVER), EFAULT);
  CHECK_SYS(mprotect(nothing, 4096, PROT_READ | PROT_WRITE));
  CHECK_ERR(co_io_readdir(dir, (char *)nothing + 4090, 4096, CO_FOREVER), EFAULT);
  CHECK_OK(co_io_close(dir));
  CHECK_ERR(co_io_readdir(dir, buf, sizeof buf, CO_FOREVER), EBADF);
  CHECK_ERR(co_io_readdir(-1, buf, sizeof buf, CO_FOREVER), EBADF);

  CHECK_OK(co_io_pipe(fds, 0));
  CHECK_ERR(co_io_readdir(fds[0], buf, sizeof buf, CO_FOREVER), ENOTDIR);
  net_close(fds);
  CHECK_OK(co_io_mkdir("empty", 0700, CO_FOREVER));
  dir = co_io_open("empty", O_RDONLY, 0, CO_FOREVER);
  CHECK_GE(dir, 0);
  int64_t n = co_io_readdir(dir, buf, sizeof buf, CO_FOREVER);
  CHECK_GE(n, 0);
  CHECK_EQ(take(buf, n), 0);
  CHECK_OK(co_io_rmdir("empty", CO_FOREVER));
  CHECK_OK(co_io_close(dir));
}

CASE(body)
