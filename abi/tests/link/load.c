/* Loads the library that argv[1] names while the program runs, uses it, and unloads it while a runtime is
 * alive: `-z nodelete` keeps it in memory, so its threads go on. Silent and 0 if all is well. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    void *lib = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (lib == NULL) {
        fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "which library?");
        return 1;
    }
    int (*init)(const void *) = (int (*)(const void *))(intptr_t)dlsym(lib, "co_init");
    int (*stop)(int64_t) = (int (*)(int64_t))(intptr_t)dlsym(lib, "co_shutdown");
    if (init == NULL || stop == NULL || init(NULL) != 0) {
        fprintf(stderr, "co_init failed\n");
        return 1;
    }
    dlclose(lib);
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    int err = stop(1000000000);
    if (err != 0)
        fprintf(stderr, "co_shutdown: %d\n", err);
    return err != 0;
}
