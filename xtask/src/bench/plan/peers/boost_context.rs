//! Boost.Context and Boost.Coroutine2, Debian's: bare stackful switches, without a scheduler.

use crate::bench::make::{boost, cxx, debian, header};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, M, Program, does};

const CONTEXT: Program =
    Program { name: "boost-context", make: |p| make(p, &["-lboost_context"]), versions: boost };
const COROUTINE2: Program = Program {
    name: "boost-coroutine2",
    make: |p| {
        header("boost/coroutine2/coroutine.hpp", "libboost-dev")?;
        make(p, &["-DCOROUTINE2", "-lboost_context"])
    },
    versions: boost,
};

fn make(program: &Program, flags: &[&str]) -> Result<(), Fail> {
    debian("c++", "g++")?;
    header("boost/context/fiber.hpp", "libboost-context-dev")?;
    cxx(program, "raw.cpp", flags)
}

pub const ALL: &[Contender] = &[
    Contender::peer("boost.context", &CONTEXT).stackful().tasks(&[
        does("yield2").times(50 * M, 20 * M),
        does("yield1k").times(50 * M, 20 * M),
        does("yield100k"),
        does("spawn_join").times(5 * M, M),
        does("spawn_batch"),
        does("parked"),
        does("parked30k"),
    ]),
    Contender::peer("boost.coroutine2", &COROUTINE2).stackful().tasks(&[
        does("yield2").times(50 * M, 20 * M),
        does("yield1k").times(50 * M, 20 * M),
        does("yield100k"),
        does("spawn_join").times(M, 300_000),
        does("spawn_batch"),
        does("parked"),
        does("parked30k"),
    ]),
];
