//! `cargo xtask bench`: photonrt beside what the machine can do and beside other runtimes.
//!
//! ```text
//! for every round                          A B C A B C: what drifts hits all alike
//!   for every workload
//!     for every contender of it            a process of its own, pinned; repeated if others disturbed it
//! then medians, spreads, ratios inside a round, and a verdict for every promised figure
//! ```
//! The workloads are defined in benches/README.md and listed in `plan/workloads.rs`. `--quick` does less of
//! the same; its figures are for finding one's way, not for publishing.
//!
//! Rejected: one long loop of each contender (drift of the machine goes into the ratios); means (one
//! disturbed run spoils them); ratios of medians (the parts need not come from the same minute).

mod baseline;
mod compare;
mod disk;
mod http;
mod idle;
mod make;
mod measure;
mod options;
mod plan;
mod prepare;
mod print;
mod publish;
mod results;
mod size;
mod startup;
mod stats;

use crate::package;
use crate::sh::have;
use measure::{Fail, Run};
use options::Options;
use plan::{Contender, FIGURES, How, Program, Task, Workload, contenders};
use results::{QUIET, Results, SCHEMA, Series};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One contender's part in one workload.
struct Turn {
    workload: &'static Workload,
    task: &'static Task,
    contender: Contender,
}

/// Builds, measures, prints. An error: something that should have run did not, a regression that was
/// checked for, or a bad argument.
pub fn run(args: &[String]) -> Result<(), String> {
    if args.iter().any(|a| a == "--help" || a == "-h") {
        println!("{}", options::help());
        return Ok(());
    }
    let options = Options::parse(args)?;
    if let Some(file) = &options.report {
        return publish::publish(&Results::read(file)?);
    }
    let mut results = Results {
        schema: SCHEMA,
        command: format!("cargo xtask bench {}", args.join(" ")).trim_end().into(),
        revision: baseline::here(),
        date: make::first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        rounds: options.rounds,
        quick: options.quick,
        baseline: options.baseline.clone(),
        ..Results::default()
    };
    let before = Baseline::find(&options)?;
    let mut turns = plan_turns(&options, matches!(before, Some(Baseline::Revision)));
    let mut broken = prepare::build(&mut turns, &mut results);
    results.machine = prepare::machine();
    results.versions = prepare::versions(&turns);
    for line in &results.machine {
        println!("{line}");
    }
    if options.quick {
        println!("quick: less work a run, so take the figures as a first look");
    }
    broken += all_rounds(&turns, &options, &mut results);
    finish(&mut results, before, &options)?;
    if broken > 0 {
        return Err(format!("{broken} runs or builds failed"));
    }
    Ok(())
}

/// Our program on the library as it is now, for who counts its instructions; in a file of its own, since
/// a bench may be running.
pub fn counted_program() -> Result<PathBuf, String> {
    const COUNTED: Program = Program {
        name: "photonrt-counted",
        make: |p| make::link_ours(p, &package::dir()),
        versions: Vec::new,
    };
    package::build()?;
    match make::build(&COUNTED) {
        Ok(()) => Ok(make::binary(COUNTED.name)),
        Err(Fail::Cannot(why) | Fail::Broken(why)) => Err(why),
    }
}

/// What ours is compared with.
enum Baseline {
    /// Built, and a contender.
    Revision,
    File(Box<Results>),
}

impl Baseline {
    fn find(options: &Options) -> Result<Option<Baseline>, String> {
        let Some(name) = &options.baseline else { return Ok(None) };
        if Path::new(name).is_file() {
            let results = Results::read(Path::new(name))?;
            if results.quick != options.quick {
                return Err(format!(
                    "{name}: one of the two is a quick run, which does other work"
                ));
            }
            return Ok(Some(Baseline::File(Box::new(results))));
        }
        let commit = baseline::revision(name)
            .ok_or_else(|| format!("--baseline {name}: neither a file nor a revision"))?;
        progress(&format!("building {name}"));
        match baseline::build(&commit) {
            Ok(()) => Ok(Some(Baseline::Revision)),
            Err(Fail::Cannot(why) | Fail::Broken(why)) => Err(format!("--baseline {name}: {why}")),
        }
    }
}

/// Every turn in every round. Gives the number of failures.
fn all_rounds(turns: &[Turn], options: &Options, results: &mut Results) -> usize {
    let mut broken = 0;
    let mut took: HashMap<(&str, &str), Duration> = HashMap::new();
    let expected = |t: &Turn, took: &HashMap<(&str, &str), Duration>| {
        let known = took.get(&(t.workload.name, t.contender.name)).copied();
        known.unwrap_or_else(|| guess(t, options.quick))
    };
    let budget: Duration = turns.iter().map(|t| guess(t, options.quick)).sum();
    let minutes = (budget * options.rounds as u32).as_secs() / 60 + 1;
    println!("{} turns, {} rounds: about {minutes} minutes", turns.len(), options.rounds);
    for round in 0..options.rounds {
        for (i, turn) in turns.iter().enumerate() {
            let rest: Duration = turns[i..].iter().map(|t| expected(t, &took)).sum();
            let whole: Duration = turns.iter().map(|t| expected(t, &took)).sum();
            let left = rest + whole * (options.rounds - round - 1) as u32;
            progress(&format!(
                "round {} of {}, {} min {:02} s left: {} {}",
                round + 1,
                options.rounds,
                left.as_secs() / 60,
                left.as_secs() % 60,
                turn.workload.name,
                turn.contender.name
            ));
            let begun = Instant::now();
            if let Err(fail) = measure(turn, options, round, results) {
                broken += results.note(turn.workload.name, turn.contender.name, fail);
            }
            took.insert((turn.workload.name, turn.contender.name), begun.elapsed());
        }
    }
    for series in &mut results.series {
        series.values.resize(options.rounds, None);
        series.cpu_seconds.resize(options.rounds, None);
    }
    progress("");
    broken
}

/// How long a turn takes before any has been seen.
fn guess(turn: &Turn, quick: bool) -> Duration {
    let count = turn.task.count(turn.workload, quick);
    let seconds = match turn.workload.how {
        How::Http { .. } => 9,
        How::Idle => 45,
        How::Reads => count / 1000 + 1,
        How::Startup => 5,
        How::Size => 1,
        How::Program => 2,
    };
    Duration::from_secs(if quick { seconds / 2 + 1 } else { seconds })
}

/// Figures and comparison; all of it printed, and written where that was asked for.
fn finish(
    results: &mut Results,
    before: Option<Baseline>,
    options: &Options,
) -> Result<(), String> {
    results.figures = results.judge(FIGURES);
    results.changes = match &before {
        None => Vec::new(),
        Some(Baseline::Revision) => compare::within(results),
        Some(Baseline::File(old)) => compare::with(results, old, |w| options.wants(w)),
    };
    println!("\n{}", print::table(results));
    for line in &results.absent {
        println!("not measured: {line}");
    }
    for judged in &results.figures {
        println!("{}", print::figure(judged));
    }
    if let Some(path) = &options.json {
        results.write(path)?;
    }
    if options.publish {
        publish::publish(results)?;
    }
    if before.is_some() {
        compare::lines(&results.changes).iter().for_each(|l| println!("{l}"));
        let failures = compare::failures(&results.changes);
        if options.check && failures > 0 {
            return Err(format!("{failures} rows are worse than the baseline's, or missing"));
        }
    }
    Ok(())
}

fn plan_turns(options: &Options, beside_before: bool) -> Vec<Turn> {
    let before = if beside_before { baseline::contenders_before() } else { Vec::new() };
    let all: Vec<Contender> = contenders().copied().collect();
    let mut turns = Vec::new();
    for workload in options.workloads() {
        for contender in all.iter().chain(&before).filter(|c| options.admits(c)) {
            let tasks = contender.tasks.iter().filter(|t| t.workload == workload.name);
            turns.extend(tasks.map(|task| Turn { workload, task, contender: *contender }));
        }
    }
    turns
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
        let name = if row.name == turn.task.run { turn.workload.name.into() } else { row.name };
        let sense = turn.workload.holds(&name, &row.unit).map_err(Fail::Broken)?;
        let at =
            results.series.iter().position(|s| s.row == name && s.contender == turn.contender.name);
        let at = at.unwrap_or_else(|| {
            results.series.push(series(turn, name, row.unit, sense));
            results.series.len() - 1
        });
        let series = &mut results.series[at];
        series.values.resize(round, None);
        series.cpu_seconds.resize(round, None);
        series.values.push(Some(row.value));
        series.cpu_seconds.push(best.cpu);
        series.foreign_cpus.push(best.foreign);
    }
    Ok(())
}

/// A series without values yet.
fn series(turn: &Turn, row: String, unit: String, sense: plan::Sense) -> Series {
    let c = turn.contender;
    Series {
        workload: turn.workload.name.into(),
        row,
        contender: c.name.into(),
        kind: c.kind,
        scheduler: c.scheduler,
        stackful: c.stackful,
        unit,
        sense,
        other_load: turn.task.other_load,
        values: Vec::new(),
        cpu_seconds: Vec::new(),
        foreign_cpus: Vec::new(),
    }
}

fn once(turn: &Turn, options: &Options) -> Result<Run, Fail> {
    let quick = options.quick;
    let count = turn.task.count(turn.workload, quick);
    let limit = Duration::from_secs(turn.workload.patience);
    match turn.workload.how {
        How::Http { connections } => {
            let load = http::Load {
                name: turn.workload.name,
                connections,
                threads: turn.workload.threads,
                seconds: if quick { 2 } else { 5 },
            };
            return http::run(&turn.contender, &load);
        }
        How::Idle => return idle::run(&turn.contender, count, if quick { 2 } else { 6 }, limit),
        How::Startup => return startup::run(&turn.contender, count, limit),
        How::Size => return size::run(&turn.contender),
        How::Reads => return disk::run(&turn.contender, turn.workload.name, count, limit),
        How::Program => {}
    }
    let mut args = vec![turn.task.run.to_string()];
    if count > 0 {
        args.push(count.to_string());
    }
    let cpu = (turn.workload.threads == 1 && have("taskset")).then_some(1);
    measure::run(&turn.contender, &args, cpu, limit)
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

    #[test]
    fn turns_are_of_what_was_asked_for() {
        let line = "--only yield2,http --peers may".split(' ').map(String::from);
        let o = Options::parse(&line.collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{e}"));
        let turns = plan_turns(&o, false);
        assert!(turns.iter().any(|t| t.contender.name == "may"));
        assert!(turns.iter().all(|t| !t.contender.name.starts_with("tokio")));
        let of = |w: &str| turns.iter().filter(|t| t.workload.name == w).count();
        assert_eq!(of("http"), 6, "ours from C and from Zig, the limits, may");
        assert!(plan_turns(&o, true).len() > turns.len());
    }
}
