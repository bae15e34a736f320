#include "resolver.h"

/* co_tcp_connect and co_tcp_listen by names and services; several addresses of one name, of which the
 * first to be connected wins. */
static int count_fds_now(void) {
  int n = 0, fd = CHECK_SYS(dup(0));
  for (int i = 0; i < fd + 200; i++)
    n += fcntl(i, F_GETFD) >= 0;
  CHECK_SYS(close(fd));
  return n;
}

/* The runtime's monitor reads a file of /proc now and then, for some microseconds. */
static int count_fds(void) {
  int least = count_fds_now();
  for (int i = 0, n; i < 4; i++) {
    CHECK_SYS(usleep(100));
    n = count_fds_now();
    least = n < least ? n : least;
  }
  return least;
}

static int option(int fd, int level, int name) {
  int value = 0;
  socklen_t len = sizeof value;
  CHECK_SYS(getsockopt(fd, level, name, &value, &len));
  return value;
}

/* A connection that works, of the kind that is promised. */
static void check_connection(int listener, int fd) {
  CHECK_GE(fd, 0);
  CHECK(!(net_flags(fd) & O_NONBLOCK));
  CHECK(CHECK_SYS(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
  CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY));
  int server = co_io_accept(listener, NULL, NULL, 0, 10 * SEC);
  CHECK_GE(server, 0);
  CHECK(option(server, IPPROTO_TCP, TCP_NODELAY));
  char got[3];
  net_send_all(fd, "abc", 3);
  net_recv_all(server, got, 3);
  net_send_all(server, got, 3);
  net_recv_all(fd, got, 3);
  CHECK(!memcmp(got, "abc", 3));
  net_close((int[2]){fd, server});
}

static void *by_name(void *arg) {
  char service[8];
  int listener = co_tcp_listen("localhost", 0, 0);
  CHECK_GE(listener, 0);
  uint16_t port = net_port(listener);
  snprintf(service, sizeof service, "%d", port);
  check_connection(listener, co_tcp_connect("localhost", port, 10 * SEC));
  check_connection(listener, co_tcp_connect_to("localhost", service, CO_FOREVER));
  CHECK_OK(co_io_close(listener));

  listener = co_tcp_listen_on("127.0.0.1", "0", 5, CO_FOREVER);
  CHECK_GE(listener, 0);
  port = net_port(listener);
  check_connection(listener, co_tcp_connect("127.0.0.1", port, CO_FOREVER));
  CHECK_OK(co_io_close(listener));
  CHECK_ERR(co_tcp_connect("127.0.0.1", port, CO_FOREVER), ECONNREFUSED);
  CHECK_ERR(co_tcp_connect("localhost", port, CO_FOREVER), ECONNREFUSED);

  listener = co_tcp_listen_on(NULL, "0", 0, CO_NOW);
  CHECK_GE(listener, 0);
  check_connection(listener, co_tcp_connect("127.0.0.1", net_port(listener), CO_FOREVER));
  CHECK_OK(co_io_close(listener));

  static const char *const bad[] = {"", "1.2.3", "::1:", "a b", "127.0.0.1:80"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    CHECK_ERR(co_tcp_connect(bad[i], 80, CO_FOREVER), EINVAL);
    CHECK_ERR(co_tcp_listen_on(bad[i], "80", 0, CO_FOREVER), EINVAL);
    CHECK_ERR(co_udp_connect(bad[i], 80, CO_FOREVER), EINVAL);
  }
  CHECK_ERR(co_tcp_connect(NULL, 80, CO_FOREVER), EINVAL);
  CHECK_ERR(co_tcp_connect("127.0.0.1", 80, -2), EINVAL);
  CHECK_ERR(co_tcp_connect_to("127.0.0.1", NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_tcp_connect_to("127.0.0.1", "", CO_FOREVER), EINVAL);
  CHECK_ERR(co_tcp_connect_to("127.0.0.1", "65536", CO_FOREVER), EINVAL);
  CHECK_ERR(co_tcp_connect_to("127.0.0.1", "no-such-service", CO_FOREVER), EPROTONOSUPPORT);
  CHECK_ERR(co_tcp_listen_on("127.0.0.1", NULL, 0, CO_FOREVER), EINVAL);
  CHECK_ERR(co_tcp_listen_on("127.0.0.1", "no-such-service", 0, CO_FOREVER), EPROTONOSUPPORT);
  CHECK_ERR(co_tcp_listen_on("again.test", "80", 0, CO_FOREVER), EHOSTUNREACH);
  CHECK_ERR(co_tcp_connect("again.test", 80, CO_FOREVER), EHOSTUNREACH);
  CHECK_ERR(co_tcp_connect("localhost", 80, CO_NOW), EAGAIN);
  CHECK_ERR(co_tcp_connect("slow.test", 80, 5 * MS), ETIMEDOUT);
  CHECK_ERR(co_tcp_listen_on("slow.test", "80", 0, 5 * MS), ETIMEDOUT);
  return arg;
}

/* An address whose listener's queue is full: a connection to it comes to nothing, neither well nor ill. */
static int silent, in_queue[8];

static uint16_t make_silent(const char *host) {
  silent = co_tcp_listen(host, 0, 1);
  CHECK_GE(silent, 0);
  struct sockaddr_storage a;
  socklen_t len = sizeof a;
  CHECK_SYS(getsockname(silent, (struct sockaddr *)&a, &len));
  for (size_t i = 0; i < COUNT_OF(in_queue); i++) {
    in_queue[i] = CHECK_SYS(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(in_queue[i], (struct sockaddr *)&a, len);
  }
  return net_port(silent);
}

static void end_silent(void) {
  for (size_t i = 0; i < COUNT_OF(in_queue); i++)
    CHECK_SYS(close(in_queue[i]));
  CHECK_OK(co_io_close(silent));
}

static uint16_t silent_port;

static void *dialling(void *arg) {
  CHECK_ERR(co_tcp_connect("many.test", silent_port, CO_FOREVER), (int)(intptr_t)arg);
  return arg;
}

static void list(const char *a, const char *b, const char *c) {
  resolver_many[0] = a, resolver_many[1] = b, resolver_many[2] = c;
}

static void *several(void *arg) {
  /* The first refuses: the second is tried at once. */
  int listener = co_tcp_listen("127.0.0.3", 0, 0);
  CHECK_GE(listener, 0);
  uint16_t port = net_port(listener);
  int open = count_fds();
  list("127.0.0.1", "127.0.0.2", "127.0.0.3");
  int64_t before = co_now();
  check_connection(listener, co_tcp_connect("many.test", port, CO_FOREVER));
  int64_t took = co_now() - before;
  if (took > 240 * MS)
    FAIL("after two refusals it takes %lld ms", (long long)(took / MS));
  list("127.0.0.1", "127.0.0.2", NULL);
  CHECK_ERR(co_tcp_connect("many.test", port, CO_FOREVER), ECONNREFUSED);
  list(NULL, NULL, NULL);
  CHECK_ERR(co_tcp_connect("many.test", port, CO_FOREVER), ENOENT);
  CHECK_EQ(count_fds(), open);
  CHECK_OK(co_io_close(listener));
  return arg;
}

static void silence(void) {
  silent_port = make_silent("127.0.0.2");
  int answering = co_tcp_listen("127.0.0.1", silent_port, 0);
  CHECK_GE(answering, 0);
  int open = count_fds();
  /* The first says nothing: the second has its turn after a quarter of a second, and wins. */
  list("127.0.0.2", "127.0.0.1", NULL);
  int64_t before = co_now();
  check_connection(answering, co_tcp_connect("many.test", silent_port, 10 * SEC));
  CHECK_GE(co_now() - before, 240 * MS);
  /* The second refuses: the first is still waited for, to the end. */
  list("127.0.0.2", "127.0.0.4", NULL);
  before = co_now();
  CHECK_ERR(co_tcp_connect("many.test", silent_port, 270 * MS), ETIMEDOUT);
  CHECK_GE(co_now() - before, 270 * MS);
  CHECK_ERR(co_tcp_connect("many.test", silent_port, CO_NOW), EAGAIN);
  list("127.0.0.2", "127.0.0.2", "127.0.0.2");
  for (int i = 0; i < 2; i++) {
    co_t co = conf_spawn_on(2, dialling, (void *)(intptr_t)(i ? ETIME : ECANCELED));
    do
      CHECK_OK(co_sleep(2 * MS));
    while (count_fds() == open);
    CHECK_OK(i ? co_interrupt(co, ETIME) : co_cancel(co));
    conf_join(co);
  }
  CHECK_EQ(count_fds(), open);
  CHECK_ERR(co_tcp_connect("127.0.0.2", silent_port, 5 * MS), ETIMEDOUT);
  CHECK_EQ(count_fds(), open);
  CHECK_OK(co_io_close(answering));
  end_silent();
}

static void body(void) {
  by_name(NULL);
  conf_on_thread(by_name, NULL);
  several(NULL);
  conf_on_thread(several, NULL);
  silence();
  atomic_store(&resolver_gate, 1);
  resolver_all_freed();
}

CASE(body)
