#include "net.h"

/* Several descriptors at once: a set of pipes, of which the odd ones get a byte later. */
enum { PIPES = 40 };
static int pipes[PIPES][2];
static struct pollfd set[PIPES];
static int fds[2], more[2];

static struct pollfd want(int fd, short events) {
  return (struct pollfd){.fd = fd, .events = events, .revents = 0x55};
}

static void *write_later(void *arg) {
  int fd = (int)(intptr_t)arg;
  CHECK_OK(co_sleep(2 * MS));
  CHECK_EQ(co_io_write(fd, "x", 1, CO_FOREVER), 1);
  return NULL;
}

static void *close_later(void *arg) {
  CHECK_OK(co_sleep(2 * MS));
  CHECK_OK(co_io_close((int)(intptr_t)arg));
  return NULL;
}

static void one_of_many(void) {
  char c;
  for (int i = 0; i < PIPES; i++) {
    CHECK_SYS(pipe2(pipes[i], O_CLOEXEC | (i % 2 ? O_NONBLOCK : 0)));
    set[i] = want(pipes[i][0], POLLIN);
  }
  CHECK_ERR(co_io_poll_many(set, PIPES, CO_NOW), EAGAIN);
  for (int i = 0; i < PIPES; i++)
    CHECK_EQ(set[i].revents, 0);
  int64_t before = co_now();
  CHECK_ERR(co_io_poll_many(set, PIPES, 3 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 3 * MS);
  for (int k = 0; k < PIPES; k += 7) {
    co_t later = conf_spawn(write_later, (void *)(intptr_t)pipes[k][1]);
    CHECK_EQ(co_io_poll_many(set, PIPES, CO_FOREVER), 1);
    for (int i = 0; i < PIPES; i++)
      CHECK_EQ(set[i].revents, i == k ? POLLIN : 0);
    conf_join(later);
    CHECK_EQ(co_io_poll_many(set, PIPES, CO_NOW), 1); /* it takes nothing */
    CHECK_EQ(co_io_read(pipes[k][0], &c, 1, CO_NOW), 1);
    CHECK_ERR(co_io_poll_many(set, PIPES, CO_NOW), EAGAIN);
  }
  for (int i = 1; i < PIPES; i += 2)
    CHECK_EQ(co_io_write(pipes[i][1], "x", 1, CO_FOREVER), 1);
  CHECK_EQ(co_io_poll_many(set, PIPES, CO_FOREVER), PIPES / 2);
  for (int i = 0; i < PIPES; i++)
    CHECK_EQ(set[i].revents, i % 2 ? POLLIN : 0);
  for (int i = 0; i < PIPES; i++) {
    CHECK_EQ((net_flags(pipes[i][0]) & O_NONBLOCK) != 0, i % 2);
    net_close(pipes[i]);
  }
}

/* Negative ones are left out, the same may be there twice, closed ones say so at once. */
static void odd_entries(void) {
  net_unix_pair(fds);
  struct pollfd p[4] = {want(-1, POLLIN), want(fds[0], POLLIN), want(fds[0], POLLOUT), want(fds[0], 0)};
  CHECK_EQ(co_io_poll_many(p, 4, CO_FOREVER), 1);
  CHECK(p[0].revents == 0 && p[1].revents == 0 && p[2].revents == POLLOUT && p[3].revents == 0);
  p[2].events = POLLIN;
  co_t later = conf_spawn(write_later, (void *)(intptr_t)fds[1]);
  CHECK_EQ(co_io_poll_many(p, 4, CO_FOREVER), 2);
  CHECK(p[0].revents == 0 && p[1].revents == POLLIN && p[2].revents == POLLIN && p[3].revents == 0);
  conf_join(later);
  int closed = co_io_socket(AF_INET, SOCK_STREAM, 0);
  CHECK_OK(co_io_close(closed));
  p[0] = want(closed, POLLIN);
  CHECK_EQ(co_io_poll_many(p, 1, CO_FOREVER), 1);
  CHECK_EQ(p[0].revents, POLLNVAL);
  p[0] = want(1 << 30, POLLIN);
  CHECK_EQ(co_io_poll_many(p, 4, CO_FOREVER), 3);
  CHECK_EQ(p[0].revents, POLLNVAL);
  for (int i = 0; i < 4; i++)
    p[i] = want(-1, POLLIN);
  CHECK_ERR(co_io_poll_many(p, 4, 2 * MS), ETIMEDOUT);
  p[3] = want(fds[0], 0); /* hang-up is reported unasked */
  later = conf_spawn(close_later, (void *)(intptr_t)fds[1]);
  CHECK_EQ(co_io_poll_many(p, 4, CO_FOREVER), 1);
  CHECK_EQ(p[3].revents, POLLHUP);
  conf_join(later);
  CHECK_OK(co_io_close(fds[0]));
}

static void arguments(void) {
  int64_t before = co_now();
  CHECK_ERR(co_io_poll_many(NULL, 0, 2 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 2 * MS);
  CHECK_ERR(co_io_poll_many(NULL, 0, CO_NOW), EAGAIN);
  CHECK_ERR(co_io_poll_many(NULL, 0, -2), EINVAL);
  CHECK_ERR(co_io_poll_many(NULL, 1, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_poll_many((struct pollfd *)8, 3, CO_FOREVER), EFAULT);
  CHECK_ERR(co_io_poll_many(set, UINT_MAX, CO_FOREVER), EINVAL);
}

/* A file is ready for what a file can, and never for anything else. */
static void files(void) {
  int file = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(file, 0);
  CHECK_SYS(pipe2(more, O_CLOEXEC));
  struct pollfd p[3] = {want(file, POLLIN | POLLOUT), want(more[0], POLLIN), want(file, POLLPRI)};
  CHECK_EQ(co_io_poll_many(p, 3, CO_FOREVER), 1);
  CHECK_EQ(p[0].revents, POLLIN | POLLOUT);
  CHECK_ERR(co_io_poll_many(p + 1, 2, 2 * MS), ETIMEDOUT);
  co_t later = conf_spawn(write_later, (void *)(intptr_t)more[1]);
  CHECK_EQ(co_io_poll_many(p + 1, 2, CO_FOREVER), 1);
  CHECK(p[1].revents == POLLIN && p[2].revents == 0);
  conf_join(later);
  later = conf_spawn(close_later, (void *)(intptr_t)file);
  CHECK_EQ(co_io_poll_many(p + 2, 1, CO_FOREVER), 1);
  CHECK_EQ(p[2].revents, POLLNVAL);
  conf_join(later);
  net_close(more);
}

static void *wait_for_two(void *arg) {
  struct pollfd p[3] = {want(fds[0], POLLIN), want(more[0], POLLIN), want(more[0], POLLIN)};
  int r = co_io_poll_many(p, 3, CO_FOREVER);
  if (arg)
    CHECK_EQ(r, (intptr_t)arg);
  return (void *)(intptr_t)(r < 0 ? r : r * 1000 + p[0].revents * 100 + (p[1].revents == p[2].revents));
}

static void ended_by_others(void) {
  net_tcp_pair(fds);
  CHECK_SYS(pipe2(more, O_CLOEXEC));
  /* Closing one of them. */
  co_t co = conf_spawn_on(2, wait_for_two, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_EQ((intptr_t)conf_join(co), 1000 + POLLNVAL * 100 + 1);
  CHECK_OK(co_io_close(fds[1]));
  /* Two entries for one. */
  net_tcp_pair(fds);
  co = conf_spawn_on(2, wait_for_two, NULL);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_io_close(more[0]));
  CHECK_EQ((intptr_t)conf_join(co), 2000 + 1);
  CHECK_OK(co_io_close(more[1]));
  CHECK_SYS(pipe2(more, O_CLOEXEC));
  /* A cancel, an interrupt. */
  co = conf_spawn_on(2, wait_for_two, (void *)(intptr_t)-ECANCELED);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_cancel(co));
  conf_join(co);
  co = conf_spawn_on(2, wait_for_two, (void *)(intptr_t)-EIO);
  conf_until_state(co, CO_STATE_PARKED);
  CHECK_OK(co_interrupt(co, EIO));
  conf_join(co);
  net_close(fds);
  net_close(more);
}

/* The same calls on a plain thread, which they block. */
static void *on_a_thread(void *arg) {
  odd_entries();
  arguments();
  files();
  return arg;
}

static void *thread_waits(void *arg) {
  return wait_for_two(arg);
}

static void threads(void) {
  conf_on_thread(on_a_thread, NULL);
  net_tcp_pair(fds);
  CHECK_SYS(pipe2(more, O_CLOEXEC));
  conf_call_t call = {thread_waits, NULL, 0};
  pthread_t thread = conf_thread(conf_call, &call);
  CHECK_OK(co_sleep(20 * MS));
  CHECK(!atomic_load(&call.done));
  CHECK_OK(co_io_close(fds[0]));
  while (!atomic_load(&call.done))
    CHECK_OK(co_sleep(100 * US));
  CHECK_EQ((intptr_t)conf_thread_join(thread), 1000 + POLLNVAL * 100 + 1);
  CHECK_OK(co_io_close(fds[1]));
  net_close(more);
}

static void body(void) {
  for (int i = 0; i < 3; i++) {
    one_of_many();
    odd_entries();
    arguments();
    files();
    ended_by_others();
  }
  threads();
}

CASE(body)
