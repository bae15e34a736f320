%% The smallest program: main, as a process, which ends at once.
-module(minimal).
-export([main/0]).

main() -> halt(0).
