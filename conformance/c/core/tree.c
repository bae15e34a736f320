#include "check.h"

enum { WIDTH = 5, DEPTH = 6, CHAIN = 10000 };

/* Each node spawns its children and gives the number of leaves below it. */
static void *node(void *arg) {
  intptr_t depth = (intptr_t)arg, leaves = 0;
  co_t children[WIDTH];
  if (depth == 0)
    return (void *)1;
  for (int i = 0; i < WIDTH; i++)
    children[i] = conf_spawn(node, (void *)(depth - 1));
  for (int i = 0; i < WIDTH; i++)
    leaves += (intptr_t)conf_join(children[i]);
  return (void *)leaves;
}

/* Each link waits for the one that it spawned: as many are blocked at once as the chain is long. */
static void *link_of(void *arg) {
  intptr_t left = (intptr_t)arg;
  if (left == 0)
    return 0;
  return (void *)((intptr_t)conf_join(conf_spawn(link_of, (void *)(left - 1))) + 1);
}

static void body(void) {
  intptr_t leaves = 1;
  for (int i = 0; i < DEPTH; i++)
    leaves *= WIDTH;
  CHECK_EQ((intptr_t)node((void *)DEPTH), leaves);
  CHECK_EQ((intptr_t)link_of((void *)CHAIN), CHAIN);
  conf_until_live(1);
}

CASE(body)
