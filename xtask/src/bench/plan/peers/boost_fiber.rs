//! Boost.Fiber: Debian's.

use crate::bench::make::{boost, cxx, cxx_minimal, debian, header};
use crate::bench::plan::{Contender, K, M, Program, does};

const BOOST_FIBER: Program = Program {
    name: "boost-fiber",
    make: |p| {
        debian("c++", "g++")?;
        header("boost/fiber/all.hpp", "libboost-fiber-dev")?;
        let libraries = ["-lboost_fiber", "-lboost_context"];
        cxx(p, "boost_fiber.cpp", &libraries)?;
        cxx_minimal(p, "minimal.cpp", &libraries)
    },
    versions: boost,
};

pub const ALL: &[Contender] =
    &[Contender::peer("boost.fiber", &BOOST_FIBER).scheduler().stackful().tasks(&[
        does("yield2").times(10 * M, 2 * M),
        does("yield1k").times(10 * M, 2 * M),
        does("spawn_join"),
        does("spawn_batch").load(30 * K, 30 * K),
        does("spawn_mt"),
        does("skynet"),
        does("pingpong").times(2 * M, 500 * K),
        does("pingpong_x"),
        does("chan_pingpong").times(4 * M, M),
        does("chan_pingpong_x"),
        does("chan_1_1").times(3 * M, M),
        does("chan_n_1").times(3 * M, M),
        does("chan_n_m").times(3 * M, M),
        does("mutex_free").times(20 * M, 5 * M),
        does("mutex64"),
        does("mutex64_fair"),
        does("timers"),
        does("parked"),
        does("parked30k"),
        does("size"),
    ])];
