//! What comes before the first round: building whatever takes part, and saying what it is made of and on
//! what machine.

use super::measure::{self, Watch};
use super::plan::{How, Program};
use super::results::{QUIET, Results};
use super::{Turn, http, idle, make, progress, startup};
use crate::sh::have;
use std::time::Duration;

/// What the programs that take part are made of, each once.
pub fn versions(turns: &[Turn]) -> Vec<String> {
    let mut programs: Vec<&Program> = Vec::new();
    for t in turns {
        if !programs.iter().any(|p| p.name == t.contender.program.name) {
            programs.push(t.contender.program);
        }
    }
    let mut all: Vec<String> = Vec::new();
    for version in programs.iter().flat_map(|p| (p.versions)()) {
        if !all.contains(&version) {
            all.push(version);
        }
    }
    all
}

/// Builds every program needed, and drops the turns of those that can't be had. Gives the number of failures.
pub fn build(turns: &mut Vec<Turn>, results: &mut Results) -> usize {
    let mut broken = 0;
    let mut done: Vec<&str> = Vec::new();
    for program in turns.iter().map(|t| t.contender.program).collect::<Vec<_>>() {
        if done.contains(&program.name) {
            continue;
        }
        done.push(program.name);
        progress(&format!("building {}", program.name));
        if let Err(fail) = make::build(program) {
            broken += results.note("build of", program.name, fail);
            turns.retain(|t| t.contender.program.name != program.name);
        }
    }
    for (tool, how) in TOOLS {
        let needs = |t: &Turn| how(t.workload.how);
        if turns.iter().any(needs)
            && let Err(fail) = make::build(tool)
        {
            broken += results.note("build of", tool.name, fail);
            turns.retain(|t| !needs(t));
        }
    }
    progress("");
    broken
}

/// A program that the runner itself needs, and for which workloads.
type Tool = (&'static Program, fn(How) -> bool);

const TOOLS: [Tool; 3] = [
    (&http::WRK, |how| matches!(how, How::Http { .. })),
    (&idle::LOAD, |how| how == How::Idle),
    (&startup::CLIENT, |how| how == How::Startup),
];

/// What machine this is, and how quiet.
pub fn machine() -> Vec<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or(": unknown");
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let watch = Watch::begin();
    std::thread::sleep(Duration::from_secs(1));
    let others = watch.foreign();
    let state = if others > QUIET { "NOT QUIET: figures will spread" } else { "quiet" };
    let mut lines = vec![
        format!("machine: {} ({cpus} CPUs)", model.trim_start_matches([' ', '\t', ':'])),
        format!(
            "load: {:.2} over the last minute; others use {:.0} % of a CPU now: {state}",
            measure::load_average(),
            others * 100.0
        ),
    ];
    if cpus < 2 {
        lines.push(
            "one CPU only: what needs two runs on that one, so its figures mean little".into(),
        );
    }
    if !have("taskset") {
        lines.push("taskset is missing: nothing can be pinned".into());
    }
    lines
}
