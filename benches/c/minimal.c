// photonrt: a program that runs main as the first task, and no more. For `size` and `startup_min`.
#include <photonrt.h>
#include <stddef.h>

static void *start(void *arg) { return arg; }
int main(void) { return co_run(NULL, start, NULL, NULL) < 0; }
