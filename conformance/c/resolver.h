/* A name service of the test's own: it takes the place of the C library's getaddrinfo in the program,
 * and so in the library, which is linked into it.
 *
 *   slow.test    answers when the gate is opened
 *   again.test   EAI_AGAIN        fail.test    EAI_FAIL
 *   many.test    what `resolver_many` lists
 * Everything else goes to the C library. Lists that it has given out are counted. */
#ifndef CONFORMANCE_RESOLVER_H
#define CONFORMANCE_RESOLVER_H

#include "net.h"
#include <dlfcn.h>
#include <netdb.h>

static atomic_int resolver_gate, resolver_inside, resolver_lists;
static const char *resolver_many[8]; /* addresses as co_addr_parse reads them */

typedef struct {
  struct addrinfo info;
  struct sockaddr_storage addr;
} resolver_node_t;

static int resolver_list(const char *const *texts, size_t n, struct addrinfo **res) {
  *res = NULL;
  for (; n > 0; n--) {
    resolver_node_t *node = calloc(1, sizeof *node);
    CHECK(node);
    CHECK_OK(co_addr_parse(texts[n - 1], &node->addr, &node->info.ai_addrlen));
    node->info.ai_family = node->addr.ss_family;
    node->info.ai_addr = (struct sockaddr *)&node->addr;
    node->info.ai_socktype = SOCK_STREAM;
    node->info.ai_next = *res;
    *res = &node->info;
  }
  atomic_fetch_add(&resolver_lists, 1);
  return 0;
}

static void *resolver_real(const char *name) {
  void *f = dlsym(RTLD_NEXT, name);
  if (!f)
    FAIL("no %s in the C library", name);
  return f;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res) {
  static const char *const one[] = {"192.0.2.7:7"};
  if (node && !strcmp(node, "again.test"))
    return EAI_AGAIN;
  if (node && !strcmp(node, "fail.test"))
    return EAI_FAIL;
  if (node && !strcmp(node, "slow.test")) {
    atomic_fetch_add(&resolver_inside, 1);
    while (!atomic_load(&resolver_gate))
      usleep(200);
    atomic_fetch_sub(&resolver_inside, 1);
    return resolver_list(one, 1, res);
  }
  if (node && !strcmp(node, "many.test")) {
    size_t n = 0;
    while (n < COUNT_OF(resolver_many) && resolver_many[n])
      n++;
    return n ? resolver_list(resolver_many, n, res) : EAI_NONAME;
  }
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  void *f = resolver_real("getaddrinfo");
  memcpy(&real, &f, sizeof real);
  int r = real(node, service, hints, res);
  if (r == 0)
    atomic_fetch_add(&resolver_lists, 1);
  return r;
}

void freeaddrinfo(struct addrinfo *list) {
  struct addrinfo *next;
  atomic_fetch_sub(&resolver_lists, 1);
  if (list && list->ai_addr == (struct sockaddr *)&((resolver_node_t *)list)->addr) {
    for (; list; list = next) {
      next = list->ai_next;
      free(list);
    }
    return;
  }
  void (*real)(struct addrinfo *);
  void *f = resolver_real("freeaddrinfo");
  memcpy(&real, &f, sizeof real);
  real(list);
}

/* Until every list that was given out has been freed. */
HELPER void resolver_all_freed(void) {
  while (atomic_load(&resolver_lists) != 0)
    CHECK_OK(co_sleep(200 * US));
}

#endif
