%% Erlang. bench NAME [N] | http PORT THREADS; the number of schedulers is set by erlang-bench.
%%
%% A mailbox is the only channel there is: it belongs to one process and has no bound, so what is under way is
%% limited by credits where a workload wants a bound. A lock is a process.
-module(bench).
-export([main/0]).

out(Name, V, Unit) -> io:format("~s ~.2f ~s~n", [Name, float(V), Unit]).
fail(Name, Why) -> io:format(standard_error, "~s: FAILED: ~s~n", [Name, Why]), halt(1).
skip(Name, Why) -> io:format(standard_error, "~s: skipped: ~s~n", [Name, Why]), halt(3).
now_ns() -> erlang:monotonic_time(nanosecond).
check(_, true, _) -> ok;
check(Name, false, Why) -> fail(Name, Why).

main() ->
    [Name | A] = init:get_plain_arguments(),
    run(Name, [list_to_integer(X) || X <- A]),
    halt(0).

n([], D) -> D;
n([N | _], _) -> N.

run("yield2" = W, A) -> yields(W, 2, n(A, 20000000));
run("yield1k" = W, A) -> yields(W, 1000, n(A, 20000000));
run("yield100k" = W, A) -> yields(W, 100000, n(A, 20000000));
run("spawn_join" = W, A) ->
    N = n(A, 2000000),
    spawn_join(N div 20),
    T0 = now_ns(),
    spawn_join(N),
    out(W, (now_ns() - T0) / N, "ns");
run("spawn_batch" = W, A) ->
    N = n(A, 100000),
    out(W, lists:min([spawn_batch(N) || _ <- lists:seq(1, 5)]), "ns");
run("spawn_mt" = W, A) ->
    N = n(A, 1000000),
    spawn_mt(N div 10),
    out(W, spawn_mt(N) / N, "ns");
run("skynet" = W, A) ->
    N = n(A, 1000000),
    skynet_round(W, N),
    out(W, skynet_round(W, N) / 1.0e6, "ms");
run("pingpong" = W, A) -> pingpong(W, n(A, 5000000), [], []);
run("chan_pingpong" = W, A) -> pingpong(W, n(A, 5000000), [], []);
run("pingpong_x" = W, A) -> pingpong(W, n(A, 100000), [{scheduler, 1}], [{scheduler, 2}]);
run("chan_pingpong_x" = W, A) -> pingpong(W, n(A, 100000), [{scheduler, 1}], [{scheduler, 2}]);
run("pingpong_x_busy" = W, A) ->
    [spawn_opt(fun yield_forever/0, [{scheduler, S}]) || S <- [1, 2]],
    pingpong(W, n(A, 500000), [{scheduler, 1}], [{scheduler, 2}]);
run("chan_1_1" = W, A) -> shared(W, 1, n(A, 5000000));
run("chan_n_1" = W, A) -> shared(W, 8, n(A, 5000000));
run("chan_n_m" = W, _) -> skip(W, "a mailbox has one receiver");
run("select8" = W, A) ->
    %% eight senders with one element under way each: a receive takes from whichever has sent
    N = n(A, 2000000) div 8 * 8,
    transfer(W, 8, N div 20 div 8 * 8, 1, [], []),
    out(W, transfer(W, 8, N, 1, [], []) / N, "ns");
run("mutex_free" = W, A) -> mutex(W, 1, n(A, 50000000));
run("mutex64" = W, A) -> mutex(W, 64, n(A, 6400000));
run("mutex64_fair" = W, A) -> mutex_fair(W, n(A, 1000));
run("timers", A) -> timers(n(A, 100000));
run("cancel_storm" = W, A) ->
    N = n(A, 10000),
    out(W, lists:min([cancel_storm(W, N) || _ <- lists:seq(1, 5)]) / N, "ns"),
    out(W ++ "_ended", N, "tasks");
run("offload" = W, A) ->
    N = n(A, 100000),
    offload(N div 20 + 1),
    T0 = now_ns(),
    offload(N),
    out(W, (now_ns() - T0) / N, "ns");
run("blocking64" = W, A) -> blocking64(W, n(A, 1000));
run("parked" = W, A) -> parked(W, n(A, 1000000));
run("parked30k" = W, A) -> parked(W, n(A, 30000));
run("http", [Port | _]) -> http:serve(Port);
run("sem_pingpong" = W, _) -> skip(W, "Erlang has no semaphore");
run(W, _) -> skip(W, "not in this program").

%% ---- yield2, yield1k, yield100k: the last that begins starts the clock, the last that is done stops it. They wait
%% for a message first: beside 100,000 that yield, the driver would hardly get on with spawning.
yields(Name, T, N) ->
    K = N div T + 1,
    C = counters:new(2, []),
    At = atomics:new(2, []),
    Ps = [spawn_monitor(fun() ->
                            receive go -> ok end,
                            counters:add(C, 1, 1),
                            counters:get(C, 1) =:= T andalso atomics:put(At, 1, now_ns()),
                            wait(C, T),
                            yloop(K),
                            counters:add(C, 2, 1),
                            counters:get(C, 2) =:= T andalso atomics:put(At, 2, now_ns())
                        end) || _ <- lists:seq(1, T)],
    [P ! go || {P, _} <- Ps],
    join(Ps),
    out(Name, (atomics:get(At, 2) - atomics:get(At, 1)) / (K * T), "ns").
wait(C, T) -> case counters:get(C, 1) of T -> ok; _ -> erlang:yield(), wait(C, T) end.
yloop(0) -> ok;
yloop(K) -> erlang:yield(), yloop(K - 1).
yield_forever() -> erlang:yield(), yield_forever().

join(Ps) -> [receive {'DOWN', R, process, _, _} -> ok end || {_, R} <- Ps].

spawn_join(0) -> ok;
spawn_join(N) ->
    join([spawn_monitor(fun() -> ok end)]),
    spawn_join(N - 1).

spawn_batch(N) ->
    T0 = now_ns(),
    join([spawn_monitor(fun() -> ok end) || _ <- lists:seq(1, N)]),
    (now_ns() - T0) / N.

spawn_mt(N) ->
    Left = atomics:new(1, []),
    atomics:put(Left, 1, N div 2 * 2),
    Self = self(),
    T0 = now_ns(),
    [spawn_opt(fun() -> spawner(N div 2, Left, Self) end, [{scheduler, S}]) || S <- [1, 2]],
    receive all_done -> ok end,
    now_ns() - T0.
spawner(0, _, _) -> ok;
spawner(N, Left, Self) ->
    spawn(fun() ->
              case atomics:sub_get(Left, 1, 1) of 0 -> Self ! all_done; _ -> ok end
          end),
    spawner(N - 1, Left, Self).

skynet_round(Name, N) ->
    Self = self(),
    T0 = now_ns(),
    spawn(fun() -> skynet(Self, 0, N) end),
    receive Sum -> check(Name, Sum =:= N * (N - 1) div 2, "wrong sum") end,
    now_ns() - T0.
skynet(To, Num, 1) -> To ! Num;
skynet(To, Num, Size) ->
    Self = self(),
    S = Size div 10,
    [spawn(fun() -> skynet(Self, Num + I * S, S) end) || I <- lists:seq(0, 9)],
    To ! sum(10, 0).
sum(0, Acc) -> Acc;
sum(K, Acc) -> receive V -> sum(K - 1, Acc + V) end.

%% ---- pingpong and chan_pingpong: messages, for there is nothing cheaper
pingpong(Name, N, O1, O2) ->
    M = N div 20,
    Self = self(),
    B = spawn_opt(fun() -> pong(N + M) end, O2),
    spawn_opt(fun() ->
                  ping(B, M),
                  T0 = now_ns(),
                  ping(B, N),
                  Self ! {took, now_ns() - T0}
              end, O1),
    receive {took, T} -> out(Name, T / N, "ns") end.
ping(_, 0) -> ok;
ping(B, N) -> B ! self(), receive x -> ping(B, N - 1) end.
pong(0) -> ok;
pong(N) -> receive P -> P ! x, pong(N - 1) end.

%% ---- chan_1_1, chan_n_1: 64 messages under way at most, for which the receiver gives credit by the half of a
%% sender's share; first where the runtime likes, then on two schedulers
shared(Name, S, Asked) ->
    N = Asked div 64 * 64,
    Half = N div 2 div 64 * 64,
    out(Name, transfer(Name, S, N, 32 div S, [], []) / N, "ns"),
    Apart = transfer(Name, S, Half, 32 div S, [{scheduler, 1}], [{scheduler, 2}]),
    out(Name ++ "_apart", Apart / Half, "ns").
transfer(Name, S, N, Batch, FromOpts, ToOpts) ->
    Self = self(),
    Share = N div S,
    First = if Batch =:= 1 -> 1; true -> 2 * Batch end,
    T0 = now_ns(),
    {R, _} = Receiver = spawn_opt(fun() -> Self ! {sum, take(N, 0)} end, [monitor | ToOpts]),
    Senders = [spawn_opt(fun() -> send(R, I * Share, (I + 1) * Share, First, Batch) end, [monitor | FromOpts])
               || I <- lists:seq(0, S - 1)],
    join([Receiver | Senders]),
    Took = now_ns() - T0,
    receive {sum, Sum} -> check(Name, Sum =:= N * (N - 1) div 2, "wrong sum") end,
    Took.
%% The last message of each batch asks for the credit of the next but one.
send(_, To, To, _, _) -> ok;
send(R, V, To, 0, Batch) -> receive credit -> send(R, V, To, Batch, Batch) end;
send(R, V, To, Credit, Batch) when Credit rem Batch =:= 1; Batch =:= 1 ->
    R ! {self(), V},
    send(R, V + 1, To, Credit - 1, Batch);
send(R, V, To, Credit, Batch) ->
    R ! V,
    send(R, V + 1, To, Credit - 1, Batch).
take(0, Sum) -> Sum;
take(N, Sum) ->
    receive
        {From, V} -> From ! credit, take(N - 1, Sum + V);
        V -> take(N - 1, Sum + V)
    end.

%% ---- mutex_free, mutex64: a lock process, a request, a grant and a release a turn
mutex(Name, T, N) ->
    K = N div T,
    L = spawn(fun() -> lock(0) end),
    T =:= 1 andalso locker(L, K div 20),
    T0 = now_ns(),
    join([spawn_monitor(fun() -> locker(L, K) end) || _ <- lists:seq(1, T)]),
    Took = now_ns() - T0,
    L ! {count, self()},
    Total = if T =:= 1 -> K + K div 20; true -> T * K end,
    receive {count, C} -> check(Name, C =:= Total, "wrong count") end,
    out(Name, Took / (T * K), "ns").
mutex_fair(Name, Ms) ->
    process_flag(priority, high),
    L = spawn(fun() -> lock(0) end),
    Stop = atomics:new(1, []),
    Self = self(),
    Ps = [spawn(fun() -> receive go -> Self ! {turns, racer(L, Stop, 0)} end end) || _ <- lists:seq(1, 64)],
    T0 = now_ns(),
    [P ! go || P <- Ps],
    receive after Ms -> atomics:put(Stop, 1, 1) end,
    Took = now_ns() - T0,
    Turns = [receive {turns, X} -> X end || _ <- Ps],
    out(Name, lists:min(Turns) / lists:max(Turns), "x"),
    out(Name ++ "_turn", Took / lists:sum(Turns), "ns").
lock(C) ->
    receive
        {lock, P} -> P ! ok, receive unlock -> lock(C + 1) end;
        {count, P} -> P ! {count, C}
    end.
locker(_, 0) -> ok;
locker(L, N) -> turn(L), locker(L, N - 1).
racer(L, Stop, N) ->
    case atomics:get(Stop, 1) of
        0 -> turn(L), racer(L, Stop, N + 1);
        _ -> N
    end.
turn(L) -> L ! {lock, self()}, receive ok -> L ! unlock end.

%% ---- timers
timers(N) ->
    Ds = delays(N, 42, []),
    Self = self(),
    {C0, _} = statistics(runtime),
    T0 = now_ns(),
    [spawn(fun() ->
               S = now_ns(),
               receive after D -> ok end,
               Self ! {late, now_ns() - S - D * 1000000}
           end) || D <- Ds],
    L = [receive {late, X} -> X end || _ <- lists:seq(1, N)],
    Wall = now_ns() - T0,
    {C1, _} = statistics(runtime),
    check("timers", lists:min(L) >= 0, "a sleep ended early"),
    out("timers_wall", Wall / 1.0e6, "ms"),
    out("timers_cpu", C1 - C0, "ms"),
    quantiles("timers", L, [{"_min", 0}, {"_p50", 0.5}, {"_p99", 0.99}]).
delays(0, _, Acc) -> lists:reverse(Acc);
delays(N, X0, Acc) ->
    X = (X0 * 6364136223846793005 + 1442695040888963407) band 16#FFFFFFFFFFFFFFFF,
    delays(N - 1, X, [(X bsr 33) rem 1001 | Acc]).
quantiles(Name, L, Rows) ->
    S = list_to_tuple(lists:sort(L)),
    N = tuple_size(S),
    [out(Name ++ Tail, element(min(trunc(N * Q), N - 1) + 1, S) / 1000, "us") || {Tail, Q} <- Rows].

%% ---- cancel_storm: an exit signal ends a process wherever it waits; a mailbox each
cancel_storm(Name, N) ->
    Ps = [spawn_monitor(if I rem 2 =:= 0 -> fun() -> receive never -> ok end end;
                           true -> fun() -> receive after 3600000 -> ok end end
                        end) || I <- lists:seq(1, N)],
    [waiting(P) || {P, _} <- Ps],
    T0 = now_ns(),
    [exit(P, shutdown) || {P, _} <- Ps],
    Ends = [receive {'DOWN', R, process, _, Why} -> Why end || {_, R} <- Ps],
    Took = now_ns() - T0,
    check(Name, lists:all(fun(E) -> E =:= shutdown end, Ends), "not all ended by the cancel"),
    Took.
waiting(P) ->
    case process_info(P, status) of
        {status, waiting} -> ok;
        _ -> erlang:yield(), waiting(P)
    end.

%% ---- offload, blocking64: native functions on dirty I/O schedulers
offload(0) -> ok;
offload(N) -> ok = blocking:empty(), offload(N - 1).
blocking64(Name, Ms) ->
    ok = blocking:empty(), % the library is loaded
    Over = atomics:new(1, []),
    Self = self(),
    T0 = now_ns(),
    Others = [spawn(fun() -> Self ! {late, beside(Over, [])} end) || _ <- lists:seq(1, 8)],
    join([spawn_monitor(fun() -> ok = blocking:sleep(Ms) end) || _ <- lists:seq(1, 64)]),
    Wall = now_ns() - T0,
    atomics:put(Over, 1, 1),
    Late = lists:append([receive {late, L} -> L end || _ <- Others]),
    quantiles(Name, Late, [{"", 0.99}, {"_p50", 0.5}, {"_max", 1}]),
    out(Name ++ "_wall", Wall / 1.0e6, "ms").
beside(Over, Late) ->
    case atomics:get(Over, 1) of
        0 ->
            S = now_ns(),
            receive after 1 -> ok end,
            beside(Over, [now_ns() - S - 1000000 | Late]);
        _ -> Late
    end.

%% ---- parked
parked(Name, N) ->
    C = counters:new(1, []),
    Before = memory(),
    park(N, C),
    wait(C, N),
    [out(Name ++ Tail, (B - A) / N, "B/task")
     || {Tail, A, B} <- lists:zip3(["", "_pte"], Before, memory())].
park(0, _) -> ok;
park(N, C) -> spawn(fun() -> counters:add(C, 1, 1), receive stop -> ok end end), park(N - 1, C).
memory() ->
    {ok, B} = file:read_file("/proc/self/status"),
    [begin
         [_, Tail] = binary:split(B, Key),
         {Kb, _} = string:to_integer(string:trim(binary_to_list(Tail), leading)),
         Kb * 1024
     end || Key <- [<<"VmRSS:">>, <<"VmPTE:">>]].
