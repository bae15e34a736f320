#include "batch.h"
#include <sys/uio.h>

/* Vectors, messages, datagrams with addresses, and what changes files and names, each in batches and
 * in chains. */
static int file, dir, fds[2], udp[2];

static struct sockaddr_in bound(int fd) {
  struct sockaddr_in a = net_local(0);
  socklen_t len = sizeof a;
  CHECK_SYS(bind(fd, (struct sockaddr *)&a, sizeof a));
  CHECK_SYS(getsockname(fd, (struct sockaddr *)&a, &len));
  return a;
}

static void vectors(void) {
  char in[2][4] = {"", ""}, got[2][4];
  struct iovec out_v[] = {{"abc", 3}, {"defgh", 5}}, in_v[] = {{in[0], 3}, {in[1], 4}};
  struct iovec got_v[] = {{got[0], 4}, {got[1], 4}};
  co_io_op_t ops[] = {
      op_then(op_at(CO_OP_PWRITEV, file, out_v, 2, 0)),
      op_then(op_at(CO_OP_PREADV, file, in_v, 2, 1)),
      op_of(CO_OP_FDATASYNC, file),
      op_then(op_io(CO_OP_WRITEV, fds[0], out_v, 2)),
      op_then(op_io(CO_OP_READV, fds[1], got_v, 2)),
      op_timer(0),
      op_at(CO_OP_PREADV, file, in_v, 1025, 0),
      op_at(CO_OP_PWRITEV, file, out_v, SIZE_MAX, 0),
      op_at(CO_OP_PREADV, file, (void *)8, 1, 0),
      op_io(CO_OP_WRITEV, -1, out_v, 2),
  };
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), COUNT_OF(ops));
  const int64_t want[] = {8, 7, 0, 8, 8, 0, -EINVAL, -EINVAL, -EFAULT, -EBADF};
  for (size_t i = 0; i < COUNT_OF(want); i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK(!memcmp(in[0], "bcd", 3) && !memcmp(in[1], "efgh", 4) && !memcmp(got, "abcdefgh", 8));
  co_io_op_t too_short[] = {op_then(op_at(CO_OP_PREADV, file, in_v, 2, 5)), op_timer(0)};
  CHECK_EQ(BATCH(too_short, 0, CO_FOREVER), 1);
  CHECK_EQ(too_short[0].result, 3);
  CHECK_ERR(too_short[1].result, ECANCELED);
}

static void messages(void) {
  char in[8];
  struct iovec out_v = {"message", 7}, in_v = {in, 7};
  struct msghdr out = {.msg_iov = &out_v, .msg_iovlen = 1}, in_m = {.msg_iov = &in_v, .msg_iovlen = 1};
  co_io_op_t ops[] = {
      op_then(op_io(CO_OP_RECVMSG, fds[1], &in_m, 0)),
      op_io(CO_OP_SENDMSG, fds[1], &out, 0),
      op_then(op_io(CO_OP_SENDMSG, fds[0], &out, 0)),
      op_timer(0),
      op_io(CO_OP_SENDMSG, fds[0], (void *)8, 0),
      op_io(CO_OP_RECVMSG, file, &in_m, 0),
  };
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), COUNT_OF(ops));
  const int64_t want[] = {7, 7, 7, 0, -EFAULT, -ENOTSOCK};
  for (size_t i = 0; i < COUNT_OF(want); i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK(!memcmp(in, "message", 7));
  /* All of it, in two pieces. */
  in_v.iov_len = 8;
  co_io_op_t all[] = {
      op_then(op_io(CO_OP_RECVMSG, fds[0], &in_m, 0)),
      op_timer(0),
      op_then(op_timer(MS)),
      op_io(CO_OP_SEND, fds[1], "!", 1),
  };
  all[0].op_flags = MSG_WAITALL;
  CHECK_EQ(BATCH(all, 0, CO_FOREVER), 4);
  CHECK_EQ(all[0].result, 8);
  CHECK_OK(all[1].result);
  CHECK(!memcmp(in, "message!", 8));
}

static void datagrams(void) {
  char in[2][8];
  struct sockaddr_in to[2], from[2];
  socklen_t len[2] = {sizeof from[0], sizeof from[1]};
  for (int i = 0; i < 2; i++) {
    udp[i] = co_io_socket(AF_INET, SOCK_DGRAM, 0);
    to[i] = bound(udp[i]);
  }
  co_io_op_t ops[] = {
      op_io(CO_OP_RECVFROM, udp[0], in[0], 8),
      op_io(CO_OP_RECVFROM, udp[1], in[1], 8),
      op_then(op_io(CO_OP_SENDTO, udp[0], "to one", 6)),
      op_io(CO_OP_SENDTO, udp[1], "to zero", 7),
  };
  for (int i = 0; i < 2; i++) {
    ops[i].addr = (struct sockaddr *)&from[i];
    ops[i].addr_len = &len[i];
    ops[2 + i].addr = (struct sockaddr *)&to[1 - i];
    ops[2 + i].addr_size = sizeof to[0];
  }
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 4);
  const int64_t want[] = {7, 6, 6, 7};
  for (int i = 0; i < 4; i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK(!memcmp(in[0], "to zero", 7) && !memcmp(in[1], "to one", 6));
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(from[i].sin_port, to[1 - i].sin_port);
    CHECK_EQ(len[i], sizeof from[i]);
  }
  net_close(udp);
}

/* Local datagrams into a receiver that is full: they wait for room, whole. */
static void full_datagrams(void) {
  enum { N = 40 };
  static char data[N][200], in[N][256];
  int pair[2];
  co_io_op_t ops[2 * N];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
  for (int i = 0; i < N; i++) {
    memset(data[i], i, sizeof data[i]);
    ops[i] = op_io(i % 2 ? CO_OP_SEND : CO_OP_WRITE, pair[0], data[i], sizeof data[i]);
    ops[N + i] = op_io(CO_OP_RECV, pair[1], in[i], sizeof in[i]);
  }
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), 2 * N);
  int seen[N] = {0};
  for (int i = 0; i < N; i++) {
    CHECK_EQ(ops[i].result, sizeof data[i]);
    CHECK_EQ(ops[N + i].result, sizeof data[i]);
    CHECK_EQ(seen[(int)in[i][0]]++, 0);
  }
  net_close(pair);
}

static void names(void) {
  char in[4];
  int made;
  co_io_op_t ops[] = {
      op_then(op_at(CO_OP_FTRUNCATE, file, NULL, 0, 2)),
      op_then(op_at(CO_OP_PWRITE, file, "xyz", 3, 1)),
      op_then(op_at(CO_OP_FALLOCATE, file, NULL, 4096, 0)),
      op_at(CO_OP_PREAD, file, in, 4, 0),
      op_then(op_io(CO_OP_MKDIRAT, dir, "sub", 0)),
      op_io(CO_OP_OPENAT, dir, "sub/new", 0),
      op_io(CO_OP_UNLINKAT, dir, "absent", 0),
      op_io(CO_OP_UNLINKAT, dir, NULL, 0),
      op_io(CO_OP_OPENAT, -1, "relative", 0),
      op_at(CO_OP_FTRUNCATE, file, NULL, 0, -1),
      op_at(CO_OP_FALLOCATE, file, NULL, 0, 0),
  };
  ops[4].mode = 0700;
  ops[5].op_flags = O_CREAT | O_RDWR, ops[5].mode = 0600;
  CHECK_EQ(BATCH(ops, 0, CO_FOREVER), COUNT_OF(ops));
  made = (int)ops[5].result;
  CHECK_GE(made, 0);
  const int64_t want[] = {0, 3, 0, 4, 0, made, -ENOENT, -EFAULT, -EBADF, -EINVAL, -EINVAL};
  for (size_t i = 0; i < COUNT_OF(want); i++)
    CHECK_EQ(ops[i].result, want[i]);
  CHECK_EQ(in[1], 'x');
  CHECK_EQ(CHECK_SYS(lseek(file, 0, SEEK_END)), 4096);
  CHECK_OK(co_io_close(made));
  co_io_op_t gone[] = {
      op_then(op_io(CO_OP_UNLINKAT, dir, "sub/new", 0)),
      op_then(op_io(CO_OP_UNLINKAT, dir, "sub", 0)),
      op_io(CO_OP_MKDIRAT, dir, "sub", 0),
  };
  gone[1].op_flags = AT_REMOVEDIR;
  gone[2].mode = 0700;
  CHECK_EQ(BATCH(gone, 0, CO_FOREVER), 3);
  for (int i = 0; i < 3; i++)
    CHECK_OK(gone[i].result);
  CHECK_SYS(rmdir("sub"));
}

static void *run(void *arg) {
  file = op_file("file");
  dir = co_io_open(".", O_RDONLY | O_DIRECTORY, 0, CO_FOREVER);
  CHECK_GE(dir, 0);
  net_unix_pair(fds);
  for (int round = 0; round < 5; round++) {
    CHECK_OK(co_io_ftruncate(file, 0, CO_FOREVER));
    vectors();
    messages();
    datagrams();
    full_datagrams();
    names();
  }
  net_close(fds);
  CHECK_OK(co_io_close(dir));
  CHECK_OK(co_io_close(file));
  return arg;
}

static void body(void) {
  run(NULL);
  conf_on_thread(run, NULL);
}

CASE(body)
