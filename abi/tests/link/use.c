/* Runs coroutines through whatever way of linking it was built with; with OTHER also calls into another
 * Rust archive in the same program. Silent and 0 if all is well. */
#include <photonrt.h>
#include <stdio.h>

#ifdef OTHER
uint32_t other_sum(uint32_t n);
uint32_t current(void);
#endif

static void *add(void *arg)
{
    int *sum = (int *)arg;
    co_yield_now();
    *sum += 1;
    return arg;
}

static void *start(void *arg)
{
    co_t co[10];
    for (int i = 0; i < 10; i++) {
        if (co_spawn(&co[i], NULL, add, arg) != 0)
            return NULL;
    }
    for (int i = 0; i < 10; i++) {
        void *result = NULL;
        if (co_join(co[i], &result, CO_FOREVER) != 0 || result != arg)
            return NULL;
    }
    return co_sleep(1000000) == 0 ? arg : NULL;
}

int main(void)
{
    int sum = 0;
    void *result = NULL;
    co_config_t config = {0};
    config.size = sizeof config;
    config.vcpus = 1;
    int err = co_run(&config, start, &sum, &result);
    if (err != 0 || result != &sum || sum != 10) {
        fprintf(stderr, "co_run: %s, sum %d\n", co_strerror(err), sum);
        return 1;
    }
#ifdef OTHER
    if (other_sum(5) != 10 || current() != 7) {
        fprintf(stderr, "the other archive is not itself\n");
        return 1;
    }
#endif
    return 0;
}
