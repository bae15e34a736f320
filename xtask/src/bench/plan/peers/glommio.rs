//! glommio: an io_uring runtime for each OS thread.

use crate::bench::make::{locked, rust};
use crate::bench::plan::{Contender, K, M, Program, does};

const GLOMMIO: Program = Program {
    name: "glommio",
    make: |p| rust(p, "glommio"),
    versions: || locked(&["async-channel", "async-lock", "glommio"]),
};

pub const ALL: &[Contender] = &[Contender::peer("glommio", &GLOMMIO).scheduler().tasks(&[
    does("yield2").times(20 * M, 2 * M),
    does("yield1k").times(20 * M, 2 * M),
    does("yield100k").times(20 * M, 2 * M),
    does("spawn_join").times(5 * M, M),
    does("spawn_batch"),
    does("spawn_mt"),
    does("skynet"),
    does("pingpong"),
    does("pingpong_x").times(20 * K, 5 * K),
    does("sem_pingpong"),
    does("chan_pingpong").times(4 * M, M),
    does("chan_pingpong_x").times(20 * K, 5 * K),
    does("chan_1_1").times(2 * M, 500 * K),
    does("chan_n_1").times(2 * M, 500 * K),
    does("chan_n_m").times(2 * M, 500 * K),
    does("select8"),
    does("mutex_free"),
    does("mutex64").times(64 * 10 * K, 64 * 2 * K),
    does("mutex64_fair"),
    does("timers"),
    does("cancel_storm"),
    does("offload").times(50 * K, 10 * K),
    does("blocking64"),
    does("parked"),
    does("parked30k"),
    does("http"),
    does("http_2"),
    does("http_10k"),
    does("http_10k_2"),
    does("stream1").times(4 * K, K),
    does("stream2").times(4 * K, K),
    does("pread4k"),
    does("pread4k_direct"),
    does("startup"),
    does("size"),
])];
