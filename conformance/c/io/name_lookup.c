#include "resolver.h"

/* co_getaddrinfo and co_getnameinfo: numbers at once, names by threads that are left alone with what
 * they are at when a caller's time is up or it is cancelled. */
static struct addrinfo *found;

static void numbers(void) {
  struct addrinfo hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  /* With CO_NOW: no thread is asked. */
  CHECK_OK(co_getaddrinfo("127.0.0.1", "80", &hints, &found, CO_NOW));
  CHECK_EQ(found->ai_family, AF_INET);
  CHECK_EQ(((struct sockaddr_in *)found->ai_addr)->sin_port, htons(80));
  CHECK(!found->ai_next);
  freeaddrinfo(found);
  CHECK_OK(co_getaddrinfo("::1", NULL, &hints, &found, CO_NOW));
  CHECK_EQ(found->ai_family, AF_INET6);
  freeaddrinfo(found);
  hints.ai_flags = AI_PASSIVE;
  CHECK_OK(co_getaddrinfo(NULL, "7", &hints, &found, CO_NOW));
  freeaddrinfo(found);
  hints.ai_flags = AI_NUMERICHOST;
  CHECK_ERR(co_getaddrinfo("localhost", "7", &hints, &found, CO_NOW), ENOENT);
  hints.ai_flags = 0;
  hints.ai_family = AF_INET6;
  CHECK_ERR(co_getaddrinfo("127.0.0.1", "7", &hints, &found, CO_NOW), ENOENT);
  hints.ai_family = 4711;
  CHECK_ERR(co_getaddrinfo("127.0.0.1", "7", &hints, &found, CO_NOW), EAFNOSUPPORT);
  CHECK_ERR(co_getaddrinfo("localhost", "7", NULL, &found, CO_NOW), EAGAIN);
  CHECK_ERR(co_getaddrinfo("127.0.0.1", "7", NULL, NULL, CO_FOREVER), EINVAL);
  CHECK_ERR(co_getaddrinfo(NULL, NULL, NULL, &found, CO_FOREVER), EINVAL);
  CHECK_ERR(co_getaddrinfo("127.0.0.1", "7", NULL, &found, -2), EINVAL);
}

static void names(void) {
  struct addrinfo hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  CHECK_OK(co_getaddrinfo("localhost", "7", &hints, &found, CO_FOREVER));
  for (struct addrinfo *a = found; a; a = a->ai_next)
    CHECK(a->ai_family == AF_INET6 || *(unsigned char *)&((struct sockaddr_in *)a->ai_addr)->sin_addr == 127);
  freeaddrinfo(found);
  CHECK_ERR(co_getaddrinfo("127.0.0.1", "no-such-service", &hints, &found, CO_FOREVER), EPROTONOSUPPORT);
  CHECK_ERR(co_getaddrinfo("again.test", NULL, &hints, &found, CO_FOREVER), EHOSTUNREACH);
  CHECK_ERR(co_getaddrinfo("fail.test", NULL, &hints, &found, CO_FOREVER), EIO);
  /* Reserved to exist nowhere; without a network nobody may be there to say so. */
  int r = co_getaddrinfo("name.invalid", NULL, &hints, &found, 500 * MS);
  if (r != -ENOENT && r != -EHOSTUNREACH && r != -ETIMEDOUT)
    FAIL("name.invalid gives %d", r);
}

static void *lookup(void *arg) {
  struct addrinfo *list = NULL;
  int want = (int)(intptr_t)arg;
  int64_t timeout = want == ETIMEDOUT ? 5 * MS : CO_FOREVER;
  int64_t before = co_now();
  CHECK_ERR(co_getaddrinfo("slow.test", "7", NULL, &list, timeout), want);
  if (want == ETIMEDOUT)
    CHECK_GE(co_now() - before, 5 * MS);
  if (want)
    CHECK(!list);
  else
    freeaddrinfo(list);
  return arg;
}

/* Callers leave, the lookup goes on, and its result is freed when it comes. */
static void slow(void) {
  atomic_store(&resolver_gate, 0);
  lookup((void *)ETIMEDOUT);
  conf_on_thread(lookup, (void *)ETIMEDOUT);
  co_t cancelled = conf_spawn_on(2, lookup, (void *)ECANCELED);
  co_t interrupted = conf_spawn(lookup, (void *)ETIME);
  co_t waiting[3];
  for (size_t i = 0; i < COUNT_OF(waiting); i++)
    waiting[i] = conf_spawn_on((uint32_t)i + 1, lookup, NULL);
  pthread_t thread = conf_thread(lookup, NULL);
  while (atomic_load(&resolver_inside) < 8)
    CHECK_OK(co_sleep(100 * US));
  CHECK_OK(co_cancel(cancelled));
  CHECK_OK(co_interrupt(interrupted, ETIME));
  conf_join(cancelled);
  conf_join(interrupted);
  CHECK_EQ(atomic_load(&resolver_lists), 0);
  /* Meanwhile files and numbers are served. */
  int fd = co_io_open("file", O_CREAT | O_RDWR, 0600, CO_FOREVER);
  CHECK_GE(fd, 0);
  CHECK_OK(co_io_fsync(fd, CO_FOREVER));
  CHECK_OK(co_io_close(fd));
  numbers();
  /* More lookups than threads: they wait for their turn, or their time. */
  co_t many[60];
  for (size_t i = 0; i < COUNT_OF(many); i++)
    many[i] = conf_spawn(lookup, (void *)ETIMEDOUT);
  for (size_t i = 0; i < COUNT_OF(many); i++)
    conf_join(many[i]);
  CHECK(atomic_load(&resolver_inside) <= 32);
  atomic_store(&resolver_gate, 1);
  for (size_t i = 0; i < COUNT_OF(waiting); i++)
    conf_join(waiting[i]);
  conf_thread_join(thread);
  resolver_all_freed();
}

static void *back(void *arg) {
  char host[NI_MAXHOST], service[NI_MAXSERV];
  struct sockaddr_in a = net_local(80);
  const struct sockaddr *p = (struct sockaddr *)&a;
  int number = NI_NUMERICHOST | NI_NUMERICSERV;
  CHECK_OK(co_getnameinfo(p, sizeof a, host, sizeof host, service, sizeof service, number, CO_NOW));
  CHECK(!strcmp(host, "127.0.0.1") && !strcmp(service, "80"));
  CHECK_OK(co_getnameinfo(p, sizeof a, NULL, 0, service, sizeof service, NI_NUMERICSERV, CO_NOW));
  CHECK_ERR(co_getnameinfo(p, sizeof a, host, sizeof host, NULL, 0, 0, CO_NOW), EAGAIN);
  CHECK_OK(co_getnameinfo(p, sizeof a, host, sizeof host, service, sizeof service, NI_NUMERICSERV, CO_FOREVER));
  CHECK(strlen(host) > 0);
  strcpy(host, "as it was");
  CHECK_ERR(co_getnameinfo(p, sizeof a, host, 9, service, sizeof service, number, CO_NOW), EOVERFLOW);
  CHECK_ERR(co_getnameinfo(p, sizeof a, host, sizeof host, service, 2, number, CO_NOW), EOVERFLOW);
  CHECK(!strcmp(host, "as it was"));
  CHECK_OK(co_getnameinfo(p, sizeof a, host, 10, service, 3, number, CO_NOW));
  CHECK_ERR(co_getnameinfo(NULL, sizeof a, host, 10, NULL, 0, number, CO_NOW), EFAULT);
  CHECK_ERR(co_getnameinfo(p, 1, host, 10, NULL, 0, number, CO_NOW), EINVAL);
  CHECK_ERR(co_getnameinfo(p, 9999, host, 10, NULL, 0, number, CO_NOW), EINVAL);
  CHECK_ERR(co_getnameinfo(p, sizeof a, NULL, 0, NULL, 0, number, CO_NOW), EINVAL);
  CHECK_ERR(co_getnameinfo(p, sizeof a, host, sizeof host, NULL, 0, number, -2), EINVAL);
  return arg;
}

/* What is answered at once is answered on the coroutine's own stack. */
static void *on_small_stack(void *arg) {
  numbers();
  names();
  back(NULL);
  CHECK_ERR(co_tcp_connect("127.0.0.1", 1, CO_FOREVER), ECONNREFUSED);
  CHECK_ERR(co_tcp_connect("localhost", 1, CO_FOREVER), ECONNREFUSED);
  return arg;
}

static void small_stack(void) {
  co_t co = 0;
  co_attr_t attr = conf_attr();
  attr.stack_size = 16 * 1024;
  CHECK_OK(co_spawn(&co, &attr, on_small_stack, NULL));
  conf_join(co);
}

static void body(void) {
  numbers();
  names();
  small_stack();
  slow();
  back(NULL);
  conf_on_thread(back, NULL);
  CHECK_OK(co_interrupt(co_self(), ETIME)); /* a cancellation point, even for numbers */
  CHECK_ERR(co_getaddrinfo("127.0.0.1", "7", NULL, &found, CO_NOW), ETIME);
  resolver_all_freed();
}

CASE(body)
