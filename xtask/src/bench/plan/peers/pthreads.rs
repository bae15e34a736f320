//! Kernel threads as tasks, without a runtime: what runtimes are there to improve upon.

use crate::bench::make::{c, c_minimal, compiler};
use crate::bench::plan::{Contender, K, Program, does};

const PTHREADS: Program = Program {
    name: "pthreads",
    make: |p| {
        c(p, "pthreads.c", &[])?;
        c_minimal(p, "minimal_pthreads.c", &[])
    },
    // The C library says its version here.
    versions: || compiler("ldd"),
};

pub const ALL: &[Contender] =
    &[Contender::peer("pthreads", &PTHREADS).scheduler().stackful().tasks(&[
        does("yield2").times(500 * K, 200 * K),
        does("yield1k").times(300 * K, 100 * K),
        does("spawn_join").times(50 * K, 20 * K),
        does("spawn_batch").load(10 * K, 10 * K),
        does("spawn_mt").times(50 * K, 20 * K),
        does("pingpong").times(200 * K, 50 * K),
        does("pingpong_x").times(20 * K, 5 * K),
        does("sem_pingpong").times(200 * K, 50 * K),
        does("mutex_free"),
        does("mutex64"),
        does("mutex64_fair"),
        does("timers").load(10 * K, 10 * K),
        does("cancel_storm"),
        does("blocking64"),
        does("parked30k"),
        does("http"),
        does("http_2"),
        does("http_10k"),
        does("http_10k_2"),
        does("startup"),
        does("size"),
    ])];
