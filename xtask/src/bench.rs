//! `cargo xtask bench`: photonrt beside what the machine can do and beside other runtimes.
//!
//! ```text
//! for every round                          A B C A B C: what drifts hits all alike
//!   for every workload
//!     for every contender of it            a process of its own, pinned; repeated if others disturbed it
//! then medians, spreads, ratios inside a round, and a verdict for every promised figure
//! ```
//! The workloads are defined in benches/README.md and listed in `plan.rs`. `--quick` does less of the
//! same; its figures are for finding one's way, not for publishing.
//!
//! Rejected: one long loop of each contender (drift of the machine goes into the ratios); means (one
//! disturbed run spoils them); ratios of medians (the parts need not come from the same minute).

mod disk;
mod http;
mod idle;
mod make;
mod measure;
mod plan;
mod report;
mod stats;

use crate::sh::{have, have_or_install};
use measure::{Fail, Run, Watch};
use plan::{Contender, Entrant, Kind, WORKLOADS, Workload, contender};
use report::{QUIET, Results, Series};
use std::time::Duration;

/// What was asked for.
pub struct Options {
    only: Vec<String>,
    peers: Option<Vec<String>>,
    rounds: usize,
    quick: bool,
    json: Option<String>,
}

const USAGE: &str = "usage: cargo xtask bench [--only WORKLOAD,...] [--peers PEER,...|none] [--rounds N] \
[--quick] [--json FILE]";

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        use lexopt::prelude::*;
        let mut o = Options { only: Vec::new(), peers: None, rounds: 0, quick: false, json: None };
        let mut p = lexopt::Parser::from_args(args);
        let list = |v: std::ffi::OsString| -> Result<Vec<String>, lexopt::Error> {
            Ok(v.string()?.split(',').map(String::from).collect())
        };
        let usage = |e: lexopt::Error| format!("{e}\n{USAGE}");
        while let Some(arg) = p.next().map_err(usage)? {
            match arg {
                Long("only") => o.only = p.value().and_then(list).map_err(usage)?,
                Long("peers") => o.peers = Some(p.value().and_then(list).map_err(usage)?),
                Long("rounds") => {
                    o.rounds = p.value().and_then(|v| v.parse()).map_err(usage)?;
                }
                Long("quick") => o.quick = true,
                Long("json") => o.json = Some(p.value().and_then(|v| v.string()).map_err(usage)?),
                other => return Err(usage(other.unexpected())),
            }
        }
        if o.rounds == 0 {
            o.rounds = if o.quick { 3 } else { 5 };
        }
        o.check()?;
        Ok(o)
    }

    /// A misspelt name must not pass for an empty run.
    fn check(&self) -> Result<(), String> {
        let workloads: Vec<&str> = WORKLOADS.iter().map(|w| w.name).collect();
        let peers = plan::CONTENDERS.iter().filter(|c| c.kind == Kind::Peer);
        let peers: Vec<&str> = peers.map(|c| c.name).chain(["none"]).collect();
        let unknown = |asked: &[String], known: &[&str]| {
            asked
                .iter()
                .find(|a| !known.contains(&a.as_str()))
                .map(|a| format!("{a}: not one of {}", known.join(", ")))
        };
        let asked = self.peers.as_deref().unwrap_or_default();
        unknown(&self.only, &workloads).or(unknown(asked, &peers)).map_or(Ok(()), Err)
    }

    fn wants(&self, w: &Workload) -> bool {
        self.only.is_empty() || self.only.iter().any(|o| o == w.name)
    }

    fn admits(&self, c: &Contender) -> bool {
        c.kind != Kind::Peer || self.peers.as_ref().is_none_or(|p| p.iter().any(|n| n == c.name))
    }
}

/// One contender's part in one workload.
struct Turn {
    workload: &'static Workload,
    entrant: &'static Entrant,
    contender: &'static Contender,
}

/// Builds, measures, prints. An error: something that should have run did not, or a bad argument.
pub fn run(args: &[String]) -> Result<(), String> {
    if args.iter().any(|a| a == "--help" || a == "-h") {
        println!("{USAGE}\n\n{}", plan::listing());
        return Ok(());
    }
    let options = Options::parse(args)?;
    let mut results = Results::default();
    let mut turns = plan_turns(&options);
    let mut broken = build(&mut turns, &mut results);
    let head = machine();
    for line in &head {
        println!("{line}");
    }
    if options.quick {
        println!("quick: less work a run, so take the figures as a first look");
    }
    for round in 0..options.rounds {
        for turn in &turns {
            progress(&format!(
                "round {} of {}: {} {}",
                round + 1,
                options.rounds,
                turn.workload.name,
                turn.contender.name
            ));
            if let Err(fail) = measure(turn, &options, round, &mut results) {
                broken += results.note(turn.workload.name, turn.contender.name, fail);
            }
        }
    }
    progress("");
    println!("\n{}", results.table());
    for line in &results.absent {
        println!("not measured: {line}");
    }
    println!("{}", results.figures());
    if let Some(path) = &options.json {
        std::fs::write(path, results.json(&options, &head)).map_err(|e| format!("{path}: {e}"))?;
    }
    if broken > 0 {
        return Err(format!("{broken} runs or builds failed"));
    }
    Ok(())
}

impl Results {
    /// Keeps what is missing and why, each once. Gives how many failures that are, 0 or 1: what a
    /// program can't do here is none.
    fn note(&mut self, what: &str, who: &str, fail: Fail) -> usize {
        let (why, bad) = match fail {
            Fail::Cannot(why) => (why, 0),
            Fail::Broken(why) => (format!("FAILED: {why}"), 1),
        };
        let line = format!("{what} {who}: {why}");
        if !self.absent.contains(&line) {
            self.absent.push(line);
        }
        bad
    }
}

fn plan_turns(options: &Options) -> Vec<Turn> {
    let mut turns = Vec::new();
    for workload in WORKLOADS.iter().filter(|w| options.wants(w)) {
        for entrant in workload.entrants {
            let contender = contender(entrant.who).expect("the plan's own test holds this");
            if options.admits(contender) {
                turns.push(Turn { workload, entrant, contender });
            }
        }
    }
    turns
}

/// Builds every program needed, and drops the turns of those that can't be had. Gives the number of failures.
fn build(turns: &mut Vec<Turn>, results: &mut Results) -> usize {
    let mut broken = 0;
    let mut programs: Vec<&str> = turns.iter().map(|t| t.contender.program).collect();
    programs.sort_unstable();
    programs.dedup();
    for program in programs {
        progress(&format!("building {program}"));
        if let Err(fail) = make::build(program) {
            broken += results.note("build of", program, fail);
            turns.retain(|t| t.contender.program != program);
        }
    }
    if turns.iter().any(|t| t.workload.name == "idle")
        && let Err(fail) = make::build("idle-load")
    {
        broken += results.note("build of", "idle-load", fail);
        turns.retain(|t| t.workload.name != "idle");
    }
    if turns.iter().any(|t| t.workload.name == "http") {
        progress("looking for wrk");
        if !have_or_install("wrk", "wrk") {
            let why = "there is no wrk, and it could not be installed";
            results.note("http", "all", Fail::Cannot(why.into()));
            turns.retain(|t| t.workload.name != "http");
        }
    }
    progress("");
    broken
}

/// What machine this is, and how quiet.
fn machine() -> Vec<String> {
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

/// Times that a disturbed run is repeated.
const REPEATS: usize = 2;

/// One turn: the least disturbed of its runs goes into the results.
fn measure(
    turn: &Turn,
    options: &Options,
    round: usize,
    results: &mut Results,
) -> Result<(), Fail> {
    if turn.workload.memory > measure::free_memory() {
        return Err(Fail::Cannot(format!(
            "needs {} GiB of free memory",
            turn.workload.memory >> 30
        )));
    }
    let mut best = once(turn, options)?;
    for _ in 0..if options.quick { 0 } else { REPEATS } {
        if best.foreign <= QUIET {
            break;
        }
        let again = once(turn, options)?;
        if again.foreign < best.foreign {
            best = again;
        }
    }
    for row in best.rows {
        // The first row of an entrant's own name stands for the workload: limit's `switch_jmp` in `yield2`.
        let name = if row.name == turn.entrant.run { turn.workload.name.into() } else { row.name };
        let (workload, who) = (turn.workload.name, turn.contender.name);
        let at = results
            .series
            .iter()
            .position(|s| s.workload == workload && s.row == name && s.who == who);
        let at = at.unwrap_or_else(|| {
            let (values, foreign) = (Vec::new(), Vec::new());
            results.series.push(Series {
                workload,
                row: name,
                who,
                unit: row.unit,
                values,
                foreign,
            });
            results.series.len() - 1
        });
        let series = &mut results.series[at];
        series.values.resize(round, None);
        series.values.push(Some(row.value));
        series.foreign.push(best.foreign);
    }
    Ok(())
}

fn once(turn: &Turn, options: &Options) -> Result<Run, Fail> {
    let quick = options.quick;
    let count = turn.entrant.count[usize::from(quick)];
    let limit = Duration::from_secs(turn.workload.patience);
    match turn.workload.name {
        "http" => return http::run(turn.contender, if quick { 2 } else { 5 }),
        "idle" => return idle::run(turn.contender, count, if quick { 2 } else { 6 }, limit),
        name @ ("pread4k" | "pread4k_direct") => {
            return disk::run(turn.contender, name, count, limit);
        }
        _ => {}
    }
    let mut args = vec![turn.entrant.run.to_string()];
    if count > 0 {
        args.push(count.to_string());
    }
    let cpu = (turn.workload.threads == 1 && have("taskset")).then_some(1);
    measure::run(turn.contender, &args, cpu, limit)
}

/// A line that the next one replaces; for whoever watches, so not into a file.
fn progress(what: &str) {
    use std::io::{IsTerminal, Write};
    let mut err = std::io::stderr();
    if err.is_terminal() {
        drop(write!(err, "\r\x1b[K{what}"));
        drop(err.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        let o = parse("--only yield2,http --peers may --quick").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((o.only.len(), o.rounds, o.quick), (2, 3, true));
        let turns = plan_turns(&o);
        assert!(turns.iter().any(|t| t.contender.name == "may"));
        assert!(turns.iter().all(|t| !t.contender.name.starts_with("tokio")));
        assert!(parse("--only yeild2").is_err_and(|e| e.contains("not one of")));
        assert!(parse("--peers tokyo").is_err());
        assert!(parse("--rounds x").is_err_and(|e| e.contains("usage")));
    }
}
