/* The smallest whole program: two coroutines sleep side by side on one thread, and main waits for both.
 *
 *   cc hello.c libphotonrt.a && ./a.out
 */
#include <photonrt.h>
#include <stdint.h>
#include <stdio.h>

static void *worker(void *arg) {
  int64_t ms = *(int64_t *)arg;
  co_sleep(ms * 1000000);
  printf("slept %lld ms\n", (long long)ms);
  return NULL;
}

static void *co_main(void *arg) {
  int64_t times[] = {20, 10};
  co_t cos[2];
  for (int i = 0; i < 2; i++) {
    int r = co_spawn(&cos[i], NULL, worker, &times[i]);
    if (r < 0)
      return fprintf(stderr, "co_spawn: %s\n", co_strerror(r)), NULL;
  }
  for (int i = 0; i < 2; i++)
    co_join(cos[i], NULL, CO_FOREVER);
  return arg; /* what co_run hands out: not NULL says that all went well */
}

int main(void) {
  void *ok = NULL;
  int r = co_run(NULL, co_main, &ok, &ok);
  if (r < 0)
    fprintf(stderr, "co_run: %s\n", co_strerror(r));
  return r < 0 || !ok;
}
