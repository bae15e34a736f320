//! What Rust programs use between OS threads: one program, which takes its flavour from its own name.

use crate::bench::make::{locked, rust};
use crate::bench::plan::{Contender, K, M, Program, Task, does};

const CROSSBEAM: Program = Program {
    name: "crossbeam",
    make: |p| rust(p, "threads"),
    versions: || locked(&["crossbeam-channel"]),
};
const PARKING_LOT: Program = Program {
    name: "parking_lot",
    make: |p| rust(p, "threads"),
    versions: || locked(&["parking_lot"]),
};
const STD: Program =
    Program { name: "std-threads", make: |p| rust(p, "threads"), versions: Vec::new };

const PINGPONG: Task = does("chan_pingpong").times(200 * K, 50 * K);
const CHAN_1_1: Task = does("chan_1_1").times(2 * M, 500 * K);
const CHAN_N_1: Task = does("chan_n_1").times(2 * M, 500 * K);

pub const ALL: &[Contender] = &[
    Contender::peer("crossbeam", &CROSSBEAM).tasks(&[
        PINGPONG,
        does("chan_pingpong_x"),
        CHAN_1_1,
        CHAN_N_1,
        does("chan_n_m").times(2 * M, 500 * K),
        does("select8").times(200 * K, 50 * K),
    ]),
    Contender::peer("parking_lot", &PARKING_LOT).tasks(&[
        does("mutex_free"),
        does("mutex64"),
        does("mutex64_fair"),
    ]),
    Contender::peer("std-threads", &STD).tasks(&[
        PINGPONG,
        does("chan_pingpong_x"),
        CHAN_1_1,
        CHAN_N_1,
        does("mutex_free"),
        does("mutex64"),
        does("mutex64_fair"),
    ]),
];
