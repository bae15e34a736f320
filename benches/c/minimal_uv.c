// libuv: a program that runs a loop with nothing to do, and no more. For `size` and `startup_min`.
#include <uv.h>

int main(void) { return uv_run(uv_default_loop(), UV_RUN_DEFAULT); }
