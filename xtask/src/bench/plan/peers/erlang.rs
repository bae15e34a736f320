//! Erlang, Debian's.

use crate::bench::make::{binary, debian, debian_version, header, script};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, K, M, Program, does};
use crate::sh::{cc, cmd, root, run};
use std::fs;
use std::path::Path;

const ERLANG: Program =
    Program { name: "erlang-bench", make, versions: || debian_version("erlang-base") };

/// Where Debian's package has the runtime, and where the header for native functions is.
const HOME: &str = "/usr/lib/erlang";
const INCLUDE: &str = "/usr/lib/erlang/usr/include";

fn make(program: &Program) -> Result<(), Fail> {
    debian("erl", "erlang-base")?;
    header(&format!("{INCLUDE}/erl_nif.h"), "erlang-dev")?;
    let (sources, modules) = (root().join("benches/erlang"), binary("erlang"));
    let broken = |e: std::io::Error| Fail::Broken(format!("{}: {e}", modules.display()));
    fs::create_dir_all(&modules).map_err(broken)?;
    let files = ["bench.erl", "http.erl", "blocking.erl", "minimal.erl"].map(|f| sources.join(f));
    run(cmd("erlc").args(["-Wall", "-Werror", "-o"]).arg(&modules).args(files))
        .map_err(Fail::Broken)?;
    run(cc()
        .args(["-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-I", INCLUDE, "-o"])
        .args([modules.join("blocking.so"), sources.join("blocking.c")]))
    .map_err(Fail::Broken)?;
    let paths = [("@MODULES@", modules.as_path())];
    let least = modules.join("minimal.beam");
    script(program, "erlang/erlang-bench.in", &paths, &least, Path::new(HOME))
}

pub const ALL: &[Contender] = &[Contender::peer("erlang", &ERLANG).scheduler().stackful().tasks(&[
    does("yield2").times(5 * M, M),
    does("yield1k").times(5 * M, M),
    does("yield100k").times(3 * M, M),
    does("spawn_join").times(700 * K, 200 * K),
    does("spawn_batch"),
    does("spawn_mt"),
    does("skynet"),
    does("pingpong").times(1500 * K, 300 * K),
    does("pingpong_x").times(50 * K, 10 * K),
    does("pingpong_x_busy").times(40 * K, 10 * K),
    does("chan_pingpong").times(1500 * K, 300 * K),
    does("chan_pingpong_x").times(50 * K, 10 * K),
    does("chan_1_1").times(2 * M, 500 * K),
    does("chan_n_1").times(2 * M, 500 * K),
    does("select8").times(M, 300 * K),
    does("mutex_free").times(M, 300 * K),
    does("mutex64").times(64 * 16 * K, 64 * 5 * K),
    does("mutex64_fair"),
    does("timers"),
    does("cancel_storm"),
    does("offload").times(50 * K, 20 * K),
    does("blocking64"),
    does("parked"),
    does("parked30k"),
    does("http"),
    does("http_2"),
    does("http_10k"),
    does("http_10k_2"),
    does("startup").times(10, 5),
    does("size"),
])];
