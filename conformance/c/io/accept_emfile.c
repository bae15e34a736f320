#include "net.h"
#include <sys/resource.h>

static void body(void) {
  struct rlimit limit;
  int listener = net_listen(), clients[3], fillers[3];
  char buf[4];
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &limit));
  rlim_t saved = limit.rlim_cur;
  for (int i = 0; i < 3; i++)
    clients[i] = net_connect(net_port(listener));
  CHECK_OK(co_sleep(MS));
  fillers[0] = CHECK_SYS(dup(listener));
  limit.rlim_cur = (rlim_t)fillers[0] + 1;
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  for (int i = 0; i < 10; i++) {
    CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, CO_FOREVER), EMFILE);
    CHECK_ERR(co_io_accept(listener, NULL, NULL, 0, CO_NOW), EMFILE);
    CHECK_ERR(co_io_open("/dev/null", O_RDONLY, 0, CO_FOREVER), EMFILE);
    CHECK_ERR(co_io_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
    CHECK_ERR(co_tcp_listen("127.0.0.1", 0, 0), EMFILE);
  }
  CHECK_ERR(co_io_recv(clients[0], buf, 1, 0, MS), ETIMEDOUT); /* the rest goes on */
  limit.rlim_cur = saved;
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  CHECK_OK(co_io_close(fillers[0]));
  for (int i = 0; i < 3; i++) { /* none of the waiting clients was dropped */
    int server = co_io_accept(listener, NULL, NULL, 0, 10 * SEC);
    CHECK_GE(server, 0);
    net_close((int[2]){server, clients[i]});
  }
  CHECK_OK(co_io_close(listener));
}

CASE(body)
