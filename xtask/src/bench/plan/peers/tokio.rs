//! tokio: one program, which takes the runtime's flavour from its own name.

use crate::bench::make::{locked, rust};
use crate::bench::plan::{Contender, K, M, Program, Task, does};

const CT: Program = Program {
    name: "tokio-ct",
    make: |p| rust(p, "tokio"),
    versions: || locked(&["async-channel", "tokio"]),
};
const MT: Program = Program {
    name: "tokio-mt",
    make: |p| rust(p, "tokio"),
    versions: || locked(&["async-channel", "tokio"]),
};

const PINGPONG: Task = does("pingpong").times(4 * M, 500 * K);
const SEM_PINGPONG: Task = does("sem_pingpong").times(2 * M, 500 * K);
const CHAN_PINGPONG: Task = does("chan_pingpong").times(2 * M, 500 * K);
const CHAN_1_1: Task = does("chan_1_1").times(2 * M, 500 * K);
const CHAN_N_1: Task = does("chan_n_1").times(2 * M, 500 * K);
const CHAN_N_M: Task = does("chan_n_m").times(2 * M, 500 * K);

pub const ALL: &[Contender] = &[
    Contender::peer("tokio-ct", &CT).scheduler().tasks(&[
        does("yield2").times(5 * M, M),
        does("yield1k").times(10 * M, 2 * M),
        does("yield100k").times(10 * M, 2 * M),
        does("spawn_join"),
        does("spawn_batch"),
        does("spawn_mt"),
        does("skynet"),
        PINGPONG,
        does("pingpong_x"),
        SEM_PINGPONG,
        CHAN_PINGPONG,
        does("chan_pingpong_x"),
        does("select8"),
        does("mutex_free").times(20 * M, 5 * M),
        does("mutex64").times(64 * 20 * K, 64 * 4 * K),
        does("mutex64_fair"),
        does("timers"),
        CHAN_1_1,
        CHAN_N_1,
        CHAN_N_M,
        does("cancel_storm"),
        does("offload").times(20 * K, 5 * K),
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
    ]),
    Contender::peer("tokio-mt", &MT).scheduler().tasks(&[
        does("yield2").times(5 * M, M),
        does("yield1k").times(10 * M, 2 * M),
        does("yield100k").times(10 * M, 2 * M),
        does("spawn_join"),
        does("spawn_batch"),
        does("spawn_mt"),
        does("skynet"),
        PINGPONG,
        does("pingpong_x"),
        SEM_PINGPONG,
        CHAN_PINGPONG,
        does("chan_pingpong_x"),
        does("select8"),
        does("mutex_free").times(20 * M, 5 * M),
        does("mutex64"),
        does("mutex64_fair"),
        does("timers"),
        does("blocking64"),
        CHAN_1_1,
        CHAN_N_1,
        CHAN_N_M,
        does("cancel_storm"),
        does("offload"),
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
    ]),
];
