#include "net.h"

/* Local sockets by path and by abstract name, and UDP sockets with and without a peer. */
static void exchange(int listener, int fd) {
  char got[2];
  CHECK_GE(fd, 0);
  CHECK(!(net_flags(fd) & O_NONBLOCK));
  int server = co_io_accept(listener, NULL, NULL, 0, 10 * SEC);
  CHECK_GE(server, 0);
  net_send_all(fd, "hi", 2);
  net_recv_all(server, got, 2);
  CHECK(!memcmp(got, "hi", 2));
  net_close((int[2]){fd, server});
}

static void *local(void *arg) {
  char name[64], longer[300];
  snprintf(name, sizeof name, "@photonrt-%d-%d", (int)getpid(), arg != NULL);
  int listener = co_unix_listen(name, 0);
  CHECK_GE(listener, 0);
  CHECK(net_flags(listener) & O_NONBLOCK);
  exchange(listener, co_unix_connect(name, CO_FOREVER));
  CHECK_ERR(co_unix_listen(name, 0), EADDRINUSE);
  CHECK_OK(co_io_close(listener));
  CHECK_ERR(co_unix_connect(name, CO_FOREVER), ECONNREFUSED);

  CHECK_ERR(co_unix_connect("sock", CO_FOREVER), ENOENT);
  listener = co_unix_listen("sock", 0);
  CHECK_GE(listener, 0);
  exchange(listener, co_unix_connect("sock", CO_FOREVER));
  CHECK_ERR(co_unix_listen("sock", 0), EADDRINUSE); /* somebody listens */
  exchange(listener, co_unix_connect("sock", CO_FOREVER));
  CHECK_OK(co_io_close(listener));
  CHECK_ERR(co_unix_connect("sock", CO_FOREVER), ECONNREFUSED);
  listener = co_unix_listen("sock", 0); /* the file is stale: replaced */
  CHECK_GE(listener, 0);
  exchange(listener, co_unix_connect("sock", CO_FOREVER));
  CHECK_OK(co_io_close(listener));
  CHECK_SYS(unlink("sock"));

  int file = CHECK_SYS(open("sock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* no socket: left alone */
  CHECK_ERR(co_unix_listen("sock", 0), EADDRINUSE);
  CHECK_SYS(symlink("gone", "link"));
  CHECK_ERR(co_unix_listen("link", 0), EADDRINUSE);
  CHECK_SYS(close(file));
  CHECK_SYS(unlink("sock"));
  CHECK_SYS(unlink("link"));

  memset(longer, 'x', sizeof longer);
  longer[108] = 0;
  CHECK_ERR(co_unix_listen(longer, 0), ENAMETOOLONG);
  CHECK_ERR(co_unix_connect(longer, CO_FOREVER), ENAMETOOLONG);
  CHECK_ERR(co_unix_listen("", 0), EINVAL);
  CHECK_ERR(co_unix_listen(NULL, 0), EINVAL);
  CHECK_ERR(co_unix_connect(NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_unix_connect("sock", -2), EINVAL);
  CHECK_ERR(co_unix_listen("no/such/place", 0), ENOENT);
  return arg;
}

static void *connecting(void *arg) {
  int fd = co_unix_connect("full", CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_close(fd));
  return arg;
}

/* A full queue is waited for. */
static void queue(void) {
  int listener = co_unix_listen("full", 1), fds[10];
  CHECK_GE(listener, 0);
  size_t n = 0;
  while ((fds[n] = co_unix_connect("full", 5 * MS)) >= 0)
    CHECK(++n < COUNT_OF(fds));
  CHECK_EQ(fds[n], -ETIMEDOUT);
  CHECK_ERR(co_unix_connect("full", CO_NOW), EAGAIN);
  CHECK_ERR(co_unix_listen("full", 1), EADDRINUSE); /* full is not stale */
  co_t co = conf_spawn_on(2, connecting, NULL);
  CHECK_OK(co_sleep(MS));
  for (size_t i = 0; i <= n; i++) {
    int server = co_io_accept(listener, NULL, NULL, 0, 10 * SEC);
    CHECK_GE(server, 0);
    CHECK_OK(co_io_close(server));
  }
  conf_join(co);
  while (n)
    CHECK_OK(co_io_close(fds[--n]));
  CHECK_OK(co_io_close(listener));
  CHECK_SYS(unlink("full"));
}

static void *udp(void *arg) {
  char got[8];
  int server = co_udp_bind("127.0.0.1", 0);
  CHECK_GE(server, 0);
  uint16_t port = net_port(server);
  CHECK_ERR(co_udp_bind("127.0.0.1", port), EADDRINUSE);
  int client = co_udp_connect("127.0.0.1", port, CO_FOREVER), other = co_udp_connect("localhost", port, CO_FOREVER);
  CHECK_GE(client, 0);
  CHECK_GE(other, 0);
  CHECK(CHECK_SYS(fcntl(client, F_GETFD)) & FD_CLOEXEC);
  CHECK_EQ(co_io_send(client, "one", 3, 0, CO_FOREVER), 3);
  CHECK_EQ(co_io_recv(server, got, sizeof got, 0, 10 * SEC), 3);
  struct sockaddr_in to = net_local(net_port(client));
  CHECK_EQ(sendto(server, "back", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
  CHECK_EQ(co_io_recv(client, got, sizeof got, 0, 10 * SEC), 4);
  CHECK_ERR(co_io_recv(client, got, sizeof got, 0, CO_NOW), EAGAIN);
  net_close((int[2]){client, other});
  CHECK_OK(co_io_close(server));

  server = co_udp_bind(NULL, 0); /* both families */
  CHECK_GE(server, 0);
  client = co_udp_connect("127.0.0.1", net_port(server), CO_FOREVER);
  CHECK_EQ(co_io_send(client, "two!!", 5, 0, CO_FOREVER), 5);
  CHECK_EQ(co_io_recv(server, got, sizeof got, 0, 10 * SEC), 5);
  net_close((int[2]){client, server});
  CHECK_ERR(co_udp_bind("203.0.113.7", 0), EADDRNOTAVAIL);
  CHECK_ERR(co_udp_bind("1.2.3", 0), EINVAL);
  CHECK_ERR(co_udp_connect(NULL, 80, CO_FOREVER), EINVAL);
  CHECK_ERR(co_udp_connect("127.0.0.1", 80, -2), EINVAL);
  return arg;
}

static void body(void) {
  local(NULL);
  conf_on_thread(local, &(int){0});
  queue();
  udp(NULL);
  conf_on_thread(udp, NULL);
}

CASE(body)
