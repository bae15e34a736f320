#include "net.h"

/* A call on two descriptors is ended by a close of either, and each close waits for it. */
static int fds[2], file;
static atomic_int begun;

static void *in_splice(void *arg) {
  atomic_fetch_add(&begun, 1);
  CHECK_ERR(co_io_splice(fds[0], NULL, fds[1], NULL, 100, 0, arg ? 3600 * SEC : CO_FOREVER), EBADF);
  return arg;
}

static void *in_splice_to_file(void *arg) {
  atomic_fetch_add(&begun, 1);
  CHECK_ERR(co_io_splice(fds[0], NULL, file, NULL, 100, 0, CO_FOREVER), EBADF);
  return arg;
}

static void *in_sendfile(void *arg) {
  int64_t off = 0;
  atomic_fetch_add(&begun, 1);
  CHECK_ERR(co_io_sendfile(fds[0], file, &off, 100, CO_FOREVER), EBADF);
  CHECK_EQ(off, 0);
  return arg;
}

static void until_waiting(co_t co) {
  while (!atomic_load(&begun))
    CHECK_OK(co_sleep(50 * US));
  CHECK_OK(co_sleep(MS));
  if (co)
    conf_until_state(co, CO_STATE_PARKED);
}

/* A thread's call, and a close of one of its descriptors. */
static void on_thread(void *(*fn)(void *), int victim) {
  atomic_store(&begun, 0);
  conf_call_t call = {fn, NULL, 0};
  pthread_t thread = conf_thread(conf_call, &call);
  until_waiting(0);
  CHECK_OK(co_io_close(victim));
  while (!atomic_load(&call.done))
    CHECK_OK(co_sleep(100 * US));
  conf_thread_join(thread);
}

static void on_coroutine(void *(*fn)(void *), uint32_t vcpu, int victim) {
  atomic_store(&begun, 0);
  co_t co = conf_spawn_on(vcpu, fn, &begun);
  until_waiting(co);
  CHECK_OK(co_io_close(victim));
  CHECK_ERR(co_io_close(victim), EBADF);
  conf_join(co);
}

static int both[2], closed[2];

static void *close_one(void *arg) {
  CHECK_OK(co_io_close(*(int *)arg));
  return arg;
}

/* Both at the same moment. */
static void both_closed(void) {
  atomic_store(&begun, 0);
  co_t co = conf_spawn_on(1, in_splice, NULL);
  until_waiting(co);
  closed[0] = fds[0], closed[1] = fds[1];
  co_t a = conf_spawn_on(1, close_one, &closed[0]), b = conf_spawn_on(2, close_one, &closed[1]);
  conf_join(a);
  conf_join(b);
  conf_join(co);
}

static void full(int fd) {
  static char zeros[65536];
  while (co_io_write(fd, zeros, sizeof zeros, CO_NOW) >= 0) {
  }
}

static void round_of(int which, uint32_t vcpu, int thread) {
  int p[2], q[2], s[2];
  /* An empty pipe into another: closing what is read, what is written. */
  CHECK_OK(co_io_pipe(p, 0));
  CHECK_OK(co_io_pipe(q, 0));
  fds[0] = p[0], fds[1] = q[1];
  int victim = fds[which], spared = fds[!which];
  if (thread)
    on_thread(in_splice, victim);
  else
    on_coroutine(in_splice, vcpu, victim);
  CHECK_OK(co_io_close(spared));
  CHECK_OK(co_io_close(p[1]));
  CHECK_OK(co_io_close(q[0]));

  /* Into a file. */
  CHECK_OK(co_io_pipe(p, 0));
  file = co_io_open("file", O_RDWR, 0, CO_FOREVER);
  CHECK_GE(file, 0);
  fds[0] = p[0];
  victim = which ? file : p[0], spared = which ? p[0] : file;
  if (thread)
    on_thread(in_splice_to_file, victim);
  else
    on_coroutine(in_splice_to_file, vcpu, victim);
  CHECK_OK(co_io_close(spared));
  CHECK_OK(co_io_close(p[1]));

  /* A file into a full socket: the file is closed while the socket is waited for. */
  net_unix_pair(s);
  file = co_io_open("file", O_RDWR, 0, CO_FOREVER);
  CHECK_GE(file, 0);
  full(s[0]);
  fds[0] = s[0];
  victim = which ? file : s[0], spared = which ? s[0] : file;
  if (thread)
    on_thread(in_sendfile, victim);
  else
    on_coroutine(in_sendfile, vcpu, victim);
  CHECK_OK(co_io_close(spared));
  CHECK_OK(co_io_close(s[1]));
}

static void body(void) {
  file = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(file, 0);
  CHECK_EQ(co_io_write(file, &both, sizeof both, CO_FOREVER), sizeof both);
  CHECK_OK(co_io_ftruncate(file, 100, CO_FOREVER));
  CHECK_OK(co_io_close(file));
  for (int which = 0; which < 2; which++) {
    for (uint32_t vcpu = 1; vcpu <= 2; vcpu++)
      for (int i = 0; i < 3; i++)
        round_of(which, vcpu, 0);
    for (int i = 0; i < 3; i++)
      round_of(which, 0, 1);
  }
  for (int i = 0; i < 20; i++) {
    int p[2], q[2];
    CHECK_OK(co_io_pipe(p, 0));
    CHECK_OK(co_io_pipe(q, 0));
    fds[0] = p[0], fds[1] = q[1];
    both_closed();
    CHECK_OK(co_io_close(p[1]));
    CHECK_OK(co_io_close(q[0]));
  }
}

CASE(body)
