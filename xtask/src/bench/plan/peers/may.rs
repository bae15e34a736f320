//! may: stackful, on several OS threads. About 32,000 live tasks are its end.

use crate::bench::make::{locked, rust};
use crate::bench::plan::{Contender, K, M, Program, does};

const MAY: Program =
    Program { name: "may", make: |p| rust(p, "may"), versions: || locked(&["may"]) };

pub const ALL: &[Contender] = &[Contender::peer("may", &MAY).scheduler().stackful().tasks(&[
    does("yield2").times(10 * M, 2 * M),
    does("yield1k").times(10 * M, 2 * M),
    does("spawn_join").times(500 * K, 200 * K),
    does("spawn_batch").load(30 * K, 30 * K),
    does("spawn_mt").times(300 * K, 100 * K),
    does("skynet"),
    does("pingpong").times(2 * M, 500 * K),
    does("sem_pingpong").times(2 * M, 500 * K),
    does("chan_pingpong").times(2 * M, 500 * K),
    does("mutex_free").times(20 * M, 5 * M),
    does("mutex64"),
    does("mutex64_fair"),
    does("timers").load(30 * K, 30 * K),
    does("chan_1_1").times(2 * M, 500 * K),
    does("chan_n_1").times(2 * M, 500 * K),
    does("chan_n_m").times(2 * M, 500 * K),
    does("cancel_storm"),
    does("parked").load(30 * K, 30 * K),
    does("parked30k"),
    does("http"),
    does("http_2"),
    does("http_10k"),
    does("http_10k_2"),
    does("stream1").times(4 * K, K),
    does("startup"),
    does("size"),
])];
