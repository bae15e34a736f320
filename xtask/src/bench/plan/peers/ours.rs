//! photonrt, as a user builds it: the header, the archive, and no flag beyond.

use crate::bench::make::{compiler, kernel, link_ours};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, K, Kind, M, Program, Task, does};
use crate::package;

const PHOTONRT: Program = Program {
    name: "photonrt",
    make,
    versions: || [compiler("cc"), compiler("rustc"), kernel()].concat(),
};

fn make(program: &Program) -> Result<(), Fail> {
    package::build().map_err(Fail::Broken)?;
    link_ours(program, &package::dir())
}

const fn ours(name: &'static str) -> Contender {
    Contender::new(name, Kind::Ours, &PHOTONRT).scheduler().stackful()
}

/// What does not depend on the engine.
const ALIKE: &[Task] = &[
    does("yield2").times(50 * M, 20 * M),
    does("yield1k").times(50 * M, 20 * M),
    does("yield100k").times(20 * M, 10 * M),
    does("spawn_join").times(5 * M, M),
    does("spawn_batch"),
    does("spawn_group"),
    does("spawn_mt"),
    does("skynet"),
    does("pingpong").times(10 * M, 3 * M),
    does("sem_pingpong").times(10 * M, 3 * M),
    does("chan_pingpong").times(10 * M, 3 * M),
    does("chan_1_1"),
    does("chan_n_1"),
    does("chan_n_m"),
    does("select8").times(8 * M, 2 * M),
    does("mutex_free"),
    does("mutex64"),
    does("mutex64_fair"),
    does("cancel_storm"),
    does("parked"),
    does("parked30k"),
    does("startup"),
    does("size"),
];

/// What each engine does in its own way.
const ENGINE: &[Task] = &[
    does("pingpong_x"),
    does("pingpong_x_busy"),
    does("pingpong_x_sleep").times(5 * K, 2 * K),
    does("chan_pingpong_x"),
    does("timers"),
    does("offload"),
    does("blocking64"),
    does("http"),
    does("http_2"),
    does("http_10k"),
    does("http_10k_2"),
    does("stream1"),
    does("stream2"),
    does("pread4k"),
    does("pread4k_direct"),
    does("startup"),
    does("idle"),
];

pub const ALL: &[Contender] = &[
    ours("photonrt").tasks(ALIKE),
    ours("photonrt uring").env(&[("PHOTONRT_ENGINE", "uring")]).tasks(ENGINE),
    ours("photonrt ready").env(&[("PHOTONRT_ENGINE", "ready")]).tasks(ENGINE),
    ours("photonrt uncoloured").env(&[("PHOTONRT_NO_COLOUR", "1")]).tasks(&[
        does("yield1k").times(50 * M, 20 * M),
        does("yield100k").times(20 * M, 10 * M),
    ]),
];
