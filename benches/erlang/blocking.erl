%% Functions that block, in C (blocking.c), which run on dirty I/O schedulers.
-module(blocking).
-export([empty/0, sleep/1]).
-on_load(load/0).
-nifs([empty/0, sleep/1]).

load() -> erlang:load_nif(filename:rootname(code:which(?MODULE)), 0).

empty() -> erlang:nif_error(not_loaded).

sleep(_Ms) -> erlang:nif_error(not_loaded).
