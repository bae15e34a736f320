/* A TCP echo server: one coroutine a connection, written as if each had a thread of its own.
 *
 *   echo_server PORT        (0: a port that the system picks)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <photonrt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  char buf[4096];
  int64_t n;
  while ((n = co_io_recv(fd, buf, sizeof buf, 0, CO_FOREVER)) > 0)
    for (int64_t done = 0, r; done < n; done += r)
      if ((r = co_io_send(fd, buf + done, (size_t)(n - done), 0, CO_FOREVER)) < 0)
        goto out; /* the peer is gone */
out:
  co_io_close(fd);
  return NULL;
}

static void *co_main(void *arg) {
  struct sockaddr_storage own;
  socklen_t len = sizeof own;
  int listener = co_tcp_listen(NULL, *(uint16_t *)arg, 0);
  if (listener < 0)
    return fprintf(stderr, "listen: %s\n", co_strerror(listener)), NULL;
  if (getsockname(listener, (struct sockaddr *)&own, &len) < 0)
    return perror("getsockname"), NULL;
  /* The port stands at the same place in IPv4's and IPv6's address. */
  printf("echo_port %d tcp\n", ntohs(((struct sockaddr_in *)&own)->sin_port));
  fflush(stdout);

  for (;;) {
    int fd = co_io_accept(listener, NULL, NULL, 0, CO_FOREVER);
    if (fd == -ECONNABORTED)
      continue; /* that client gave up before its turn */
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
      co_sleep(10 * 1000000); /* until some connections have ended */
      continue;
    }
    if (fd < 0)
      return fprintf(stderr, "accept: %s\n", co_strerror(fd)), NULL;
    if (co_spawn(NULL, NULL, serve, (void *)(intptr_t)fd) < 0)
      co_io_close(fd); /* no memory for one more: this client is refused, the others go on */
  }
}

int main(int argc, char **argv) {
  uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7777);
  int r = co_run(NULL, co_main, &port, NULL);
  if (r < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return 1; /* it serves until it is ended */
}
