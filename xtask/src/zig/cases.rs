//! `cargo xtask test zig-cases`: the conformance suite in Zig, by conformance/zig.
//!
//! Every engine in the debug mode; the other modes and targets on one of them, since what differs there is
//! Zig's code and not the library's, which the suite in C takes through all engines and numbers of vCPUs.

use super::{Emulation, Zig, dir};
use crate::conformance::{count, driver};
use crate::cross::{TARGETS, Target};
use crate::package::archive;
use crate::step::{Fail, Outcome};
use crate::test::counted;
use std::path::Path;
use std::process::Command;

/// A mode and where it is run. The third is `zig-modes`' affair.
const MODES: [Where; 2] =
    [("debug", &["--vcpus", "2"]), ("fast", &["--engine", "uring", "--vcpus", "2"])];

/// A target, or a mode, and where it is run.
type Where = (&'static str, &'static [&'static str]);

const ELSEWHERE: [Where; 3] = [
    ("x86_64-linux-gnu.2.17", &["--engine", "uring", "--vcpus", "1"]),
    ("x86_64-linux-musl", &["--engine", "ready", "--vcpus", "2"]),
    // What is about the machine: a switch, locks, channels. I/O there is the emulator's.
    (
        "aarch64-linux-gnu.2.36",
        &["--engine", "ready", "--vcpus", "2", "--level", "chan,scope,sync"],
    ),
];

/// The step.
pub fn step(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let zig = match Zig::find() {
        Ok(zig) => zig,
        Err(fail) => return Ok(fail.outcome("the cases in Zig", trouble)),
    };
    crate::package::build()?;
    let mut sum = Outcome::default();
    for (mode, args) in MODES {
        sum.add(in_mode(&zig, name, mode, args, trouble)?);
    }
    sum.add(elsewhere(&zig, name, &ELSEWHERE[..1], trouble));
    Ok(sum)
}

/// What `zig-modes` has of the suite: the third mode, and the targets that take longest.
pub fn rest(zig: &Zig, name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let mut sum = in_mode(zig, name, "safe", &["--engine", "ready", "--vcpus", "2"], trouble)?;
    sum.add(elsewhere(zig, name, &ELSEWHERE[1..], trouble));
    Ok(sum)
}

fn elsewhere(zig: &Zig, name: &str, targets: &[Where], trouble: &mut Vec<String>) -> Outcome {
    let mut sum = Outcome::default();
    for (what, args) in targets {
        let run = |trouble: &mut Vec<String>| -> Result<Outcome, Fail> {
            let known = |t: &&Target| what.starts_with(t.name);
            let target =
                TARGETS.iter().find(known).expect("one of those that archives are made for");
            let emulation = Emulation::of(target)?;
            let mut c = suite(zig, &target.archive()?, what, args);
            c.env("ZIG_TARGET", what);
            if let Some(e) = emulation {
                c.env("ZIG_RUN", e.command());
                c.env("PHOTONRT_EMULATED", "1");
            }
            counted(&format!("{name}-{what}"), &mut c, 1200, count, trouble).map_err(Fail::Broken)
        };
        let result = run(trouble);
        sum.add(result.unwrap_or_else(|f| f.outcome(&format!("cases on {what}"), trouble)));
    }
    sum
}

/// The suite in one mode.
pub fn in_mode(
    zig: &Zig,
    name: &str,
    mode: &str,
    args: &[&str],
    trouble: &mut Vec<String>,
) -> Result<Outcome, String> {
    let mut c = suite(zig, &archive(), mode, args);
    c.env("ZIG_OPTIMIZE", mode);
    counted(&format!("{name}-cases-{mode}"), &mut c, 1200, count, trouble)
}

/// The suite's driver with a certain archive; `what` names the folder of its program.
fn suite(zig: &Zig, archive: &Path, what: &str, args: &[&str]) -> Command {
    let args: Vec<String> = ["--impl", "zig"].iter().chain(args).map(|a| a.to_string()).collect();
    let mut c = driver(&args);
    c.env("ZIG", zig.path())
        .env("ZIG_GLOBAL_CACHE_DIR", dir().join("cache"))
        .env("CONF_BUILD", dir().join("cases").join(what))
        .env("PHOTONRT_LIB", archive);
    c
}
