//! Zig's std.Io.Threaded: tasks on a pool of OS threads that grows as needed. The compiler as PyPI carries
//! it, unpacked below `target`.

use crate::bench::make::{binary, minimal};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, K, M, Program, does};
use crate::pypi::pypi;
use crate::sh::{cmd, root, run};
use crate::zig::PACKAGE;

const ZIG: Program = Program { name: "zig", make, versions: || vec![PACKAGE.into()] };

fn make(program: &Program) -> Result<(), Fail> {
    let home = pypi("zig", PACKAGE, "ziglang/zig")?;
    for (to, source) in [(binary(program.name), "main.zig"), (minimal(program), "minimal.zig")] {
        run(cmd(home.join("ziglang/zig"))
            .args(["build-exe", "-O", "ReleaseFast", "-fstrip", source])
            .arg(format!("-femit-bin={}", to.display()))
            .current_dir(root().join("benches/zig"))
            .env("ZIG_GLOBAL_CACHE_DIR", home.join("cache"))
            .env("ZIG_LOCAL_CACHE_DIR", home.join("cache")))
        .map_err(Fail::Broken)?;
    }
    Ok(())
}

pub const ALL: &[Contender] = &[Contender::peer("zig-threaded", &ZIG).scheduler().stackful().tasks(&[
    does("spawn_join").times(200 * K, 50 * K),
    does("spawn_batch").load(10 * K, 10 * K),
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
])];
