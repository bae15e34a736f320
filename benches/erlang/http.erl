%% Keep-alive server, a process a connection.
-module(http).
-export([serve/1]).

-define(ANSWER, <<"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!">>).

serve(Port) ->
    ReusePort = {raw, 1, 15, <<1:32/native>>}, % SOL_SOCKET, SO_REUSEPORT
    {ok, L} = gen_tcp:listen(Port, [binary, {ip, {127, 0, 0, 1}}, {packet, raw}, {active, false},
                                    {nodelay, true}, {reuseaddr, true}, ReusePort, {backlog, 1024}]),
    accept(L, binary:compile_pattern(<<"\r\n\r\n">>)).

accept(L, Head) ->
    {ok, S} = gen_tcp:accept(L),
    P = spawn(fun() -> receive go -> connection(S, Head, <<>>) end end),
    ok = gen_tcp:controlling_process(S, P),
    P ! go,
    accept(L, Head).

connection(S, Head, Rest) ->
    case gen_tcp:recv(S, 0) of
        {ok, B} when Rest =:= <<>> -> connection(S, Head, answer(S, Head, B));
        {ok, B} -> connection(S, Head, answer(S, Head, <<Rest/binary, B/binary>>));
        {error, _} -> gen_tcp:close(S)
    end.

%% Answers each head in B; gives what comes after the last.
answer(S, Head, B) ->
    case binary:match(B, Head) of
        nomatch -> B;
        {At, 4} ->
            _ = gen_tcp:send(S, ?ANSWER), % an error comes with the next recv too
            case B of
                <<_:At/binary, _:32>> -> <<>>;
                <<_:At/binary, _:32, Rest/binary>> -> answer(S, Head, Rest)
            end
    end.
