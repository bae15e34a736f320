//! Zig: the same programs on std.Io.Threaded (tasks on a pool of OS threads that grows as needed), a peer;
//! and on photonrt.Io and photonrt's own Zig API, ours.

use crate::bench::make::{binary, minimal};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, K, Kind, M, Program, does};
use crate::package;
use crate::sh::{root, run};
use crate::zig::{PACKAGE, Zig};

const THREADED: Program = Program { name: "zig", make: make_threaded, versions };
const IO: Program = Program { name: "photonrt-zig-io", make: |p| build(p, "photonrt"), versions };
const DIRECT: Program = Program { name: "photonrt-zig", make: |p| build(p, "direct"), versions };

fn versions() -> Vec<String> {
    vec![PACKAGE.into()]
}

fn make_threaded(program: &Program) -> Result<(), Fail> {
    build(program, "threaded")?;
    std::fs::copy(made("minimal"), minimal(program)).map(drop).map_err(|e| Fail::Broken(e.to_string()))
}

/// All are built at once, and one taken; what is there already is not built again.
fn build(program: &Program, name: &str) -> Result<(), Fail> {
    let zig = Zig::find()?;
    package::build().map_err(Fail::Broken)?;
    let lib = format!("-Dphotonrt-lib={}", package::archive().display());
    run(zig
        .command(&root().join("benches/zig"))
        .args(["build", "--prefix"])
        .arg(prefix())
        .arg(lib))
    .map_err(Fail::Broken)?;
    std::fs::copy(made(name), binary(program.name)).map(drop).map_err(|e| Fail::Broken(e.to_string()))
}

fn prefix() -> std::path::PathBuf {
    crate::zig::dir().join("benches")
}

fn made(name: &str) -> std::path::PathBuf {
    prefix().join("bin").join(name)
}

const fn ours(name: &'static str, program: &'static Program) -> Contender {
    Contender::new(name, Kind::Ours, program).scheduler().stackful()
}

pub const ALL: &[Contender] = &[
    Contender::peer("zig-threaded", &THREADED).scheduler().stackful().tasks(&[
        does("spawn_join").times(200 * K, 50 * K),
        does("spawn_batch").load(10 * K, 10 * K),
        does("spawn_group").load(10 * K, 10 * K),
        does("spawn_mt").times(100 * K, 30 * K),
        does("pingpong").times(200 * K, 50 * K),
        does("pingpong_x").times(20 * K, 5 * K),
        does("sem_pingpong").times(100 * K, 30 * K),
        does("chan_pingpong").times(200 * K, 50 * K),
        does("chan_pingpong_x").times(20 * K, 5 * K),
        does("chan_1_1").times(M, 200 * K),
        does("chan_n_1").times(M, 200 * K),
        does("chan_n_m").times(M, 200 * K),
        does("select8").times(200 * K, 50 * K),
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
    ]),
    ours("photonrt zig-io", &IO).tasks(&[
        does("spawn_join").times(5 * M, M),
        does("spawn_batch"),
        does("spawn_group"),
        does("spawn_mt"),
        does("skynet"),
        does("pingpong").times(5 * M, M),
        does("pingpong_x").times(200 * K, 50 * K),
        does("sem_pingpong").times(5 * M, M),
        does("chan_pingpong").times(5 * M, M),
        does("chan_pingpong_x").times(200 * K, 50 * K),
        does("chan_1_1"),
        does("chan_n_1"),
        does("chan_n_m"),
        does("select8").times(M, 200 * K),
        does("mutex_free"),
        does("mutex64"),
        does("mutex64_fair"),
        does("timers"),
        does("cancel_storm"),
        does("parked"),
        does("parked30k"),
        does("http"),
        does("http_2"),
        does("http_10k"),
        does("http_10k_2"),
    ]),
    ours("photonrt zig", &DIRECT).tasks(&[
        does("yield2").times(50 * M, 20 * M),
        does("spawn_join").times(5 * M, M),
        does("spawn_batch"),
        does("pingpong").times(10 * M, 3 * M),
        does("sem_pingpong").times(10 * M, 3 * M),
        does("chan_pingpong").times(10 * M, 3 * M),
        does("mutex_free"),
    ]),
];
