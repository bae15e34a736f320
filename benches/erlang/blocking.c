// Native functions for Erlang's `blocking` module: nothing, and a sleep, both on dirty I/O schedulers.
#include <erl_nif.h>
#include <unistd.h>

static ERL_NIF_TERM empty(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  (void)argv;
  return enif_make_atom(env, "ok");
}
static ERL_NIF_TERM sleep_ms(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  unsigned ms;
  (void)argc;
  if (!enif_get_uint(env, argv[0], &ms)) return enif_make_badarg(env);
  usleep(ms * 1000);
  return enif_make_atom(env, "ok");
}
static ErlNifFunc functions[] = {
    {"empty", 0, empty, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"sleep", 1, sleep_ms, ERL_NIF_DIRTY_JOB_IO_BOUND},
};
ERL_NIF_INIT(blocking, functions, NULL, NULL, NULL, NULL)
