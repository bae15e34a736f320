/* A game loop beside a database.
 *
 *   this thread: the loop     an external group: each creature is a coroutine, all on this thread,
 *                             run by the loop for a part of each frame
 *   a thread of its own       a group with one vCPU: the database
 *
 * Neither world needs a lock: the coroutines of a group with one vCPU run one at a time. What passes
 * between them is calls: a creature goes to the database with co_group_call, and while its answer is on
 * the way the others move and frames are drawn.    game_loop [FRAMES] */
#include <errno.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>

#define MS INT64_C(1000000)
#define FRAME (4 * MS)
enum { CREATURES = 200, BOARD = 40 };

/* ---- The database's world: touched by coroutines of its group only. */

static int saved[CREATURES], saves;

typedef struct {
  int id, place;
} row_t;

static void *save(void *arg) {
  const row_t *row = arg; /* on the caller's stack, which stays until this has returned */
  co_sleep(2 * MS);       /* a disk */
  saved[row->id] = row->place;
  saves++;
  return NULL;
}

static void *read_saves(void *arg) {
  *(int *)arg = saves;
  return NULL;
}

/* ---- The game's world: touched by coroutines of its group, and by the loop between polls. */

static co_group_t game, database;
static int board[BOARD], moves, alive, over;

static void *creature(void *arg) {
  row_t me = {.id = (int)(intptr_t)arg, .place = (int)((intptr_t)arg % BOARD)};
  alive++;
  board[me.place]++;
  for (int step = 1; !over; step++) {
    co_sleep((5 + me.id % 10) * MS);
    board[me.place]--;
    me.place = (me.place + 1) % BOARD;
    board[me.place]++;
    moves++;
    if (step % 5 == 0)
      co_group_call(database, save, &me, NULL, CO_FOREVER);
  }
  board[me.place]--;
  alive--;
  return NULL;
}

/* Whatever a frame shows; here, that the world is whole. */
static int draw(void) {
  int sum = 0;
  for (int i = 0; i < BOARD; i++)
    sum += board[i];
  return sum == alive;
}

static int must(const char *what, int64_t r) {
  if (r < 0) {
    fprintf(stderr, "%s: %s\n", what, co_strerror((int)r));
    exit(1);
  }
  return (int)r;
}

int main(int argc, char **argv) {
  int frames = argc > 1 ? atoi(argv[1]) : 100, whole = 0;
  const co_config_t cfg = {.size = sizeof cfg, .vcpus = 1};
  const co_group_attr_t external = {.size = sizeof external, .flags = CO_GROUP_EXTERNAL, .name = "game"};
  const co_group_attr_t single = {.size = sizeof single, .vcpus = 1, .name = "database"};
  must("co_init", co_init(&cfg));
  must("co_group_create", co_group_create(&game, &external));
  must("co_group_create", co_group_create(&database, &single));
  for (intptr_t i = 0; i < CREATURES; i++) {
    const co_attr_t attr = {.size = sizeof attr, .group = game, .stack_size = 16 * 1024};
    must("co_spawn", co_spawn(NULL, &attr, creature, (void *)i));
  }

  int64_t next = co_now(), worst = 0;
  for (int frame = 0; frame < frames; frame++) {
    next += FRAME;
    /* The frame's time belongs to the creatures; a poll comes back when none can run, or it is over. */
    for (int64_t left; (left = next - co_now()) > 0;)
      must("co_group_poll", co_group_poll(game, left));
    int64_t late = co_now() - next;
    worst = late > worst ? late : worst;
    whole += draw();
  }
  over = 1;
  do
    must("co_group_poll", co_group_poll(game, 10 * MS));
  while (alive);

  int rows = 0;
  must("co_group_call", co_group_call(database, read_saves, &rows, NULL, CO_FOREVER));
  while (co_group_destroy(game, CO_NOW) == -EAGAIN)
    must("co_group_poll", co_group_poll(game, MS));
  must("co_group_destroy", co_group_destroy(database, CO_FOREVER));
  must("co_shutdown", co_shutdown(CO_FOREVER));
  printf("frames %d\n", frames);
  printf("worst_frame %.2f ms\n", (double)worst / 1e6);
  printf("moves %d\n", moves);
  printf("saves %d\n", rows);
  return whole != frames || rows == 0;
}
