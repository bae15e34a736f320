//! `cargo xtask test`: everything that can be checked on this machine, step by step, and one
//! closing line.
//!
//! A step runs into a log, target/xtask/NAME.log; its last lines are shown when it fails. A step
//! that can't run here says why, and so does each test in it that was left out: the closing line
//! counts them.

use crate::sh::{cargo, logged, shown, target};
use crate::step::Outcome;
use crate::{aarch64, components, conformance, examples, gate, linking, package, robust, zig};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the command line asks for.
#[derive(Default)]
pub struct Options {
    /// Steps to run; empty: all.
    pub only: Vec<String>,
    /// Steps to leave out.
    pub without: Vec<String>,
}

/// Gets its name and a list for what went wrong; gives its counts, or why it could not run at all.
type Step = fn(&str, &mut Vec<String>) -> Result<Outcome, String>;

/// In this order: what is cheap and fails most comes first.
const STEPS: [(&str, &str, Step); 23] = [
    ("format", "cargo fmt --check", format),
    ("clippy", "clippy, warnings denied", clippy),
    ("docs", "cargo doc, broken links denied", docs),
    ("unit", "unit and tidy tests", unit),
    ("header", "the header, regenerated and compiled", header),
    ("loom", "models of the lock-free protocols", loom),
    ("package", "what the libraries export, need, link with", packaging),
    ("gate", "instructions of the hot operations, counted", |_, t| gate::step(t)),
    ("conformance", "the conformance suite in C, on all engines", conformance_suite),
    ("limits", "system calls and limits taken away", robust::limits),
    ("masks", "older rings and tiny queues, pretended", robust::masks),
    ("faults", "each system call fails with each error", |_, t| robust::faults(&robust::CI, t)),
    ("races", "stops, closes and signals race with I/O", |_, t| robust::races(&robust::CI, t)),
    ("hostile", "thousands of bad clients", |_, t| robust::hostile(&robust::CI, t)),
    ("examples", "the example programs", example_programs),
    ("components", "wrk, nginx, curl, redis, on each engine", real_components),
    ("zig", "the Zig package: tests, examples, reference", zig::step),
    ("zig-cases", "the conformance suite in Zig", zig::cases_step),
    ("zig-package", "the Zig package, made and fetched", zig::package_step),
    ("zig-targets", "its tests: oldest glibc, musl, aarch64", zig::targets),
    ("zig-modes", "its tests optimized, cases on musl, aarch64", zig::modes),
    ("aarch64", "the runtime's tests under emulation", aarch64::run),
    ("apple", "type check for macOS on aarch64", aarch64::check_apple),
];

/// Runs the steps; true if nothing failed.
pub fn run(options: &Options) -> Result<bool, String> {
    let known = |name: &String| STEPS.iter().any(|s| s.0 == name);
    if let Some(odd) = options.only.iter().chain(&options.without).find(|n| !known(n)) {
        let names: Vec<&str> = STEPS.iter().map(|s| s.0).collect();
        return Err(format!("no step {odd}; there are {}", names.join(", ")));
    }
    let mut sum = Outcome::default();
    for (name, what, step) in STEPS {
        let wanted = options.only.is_empty() || options.only.iter().any(|o| o == name);
        if wanted && !options.without.iter().any(|o| o == name) {
            sum.add(one(name, what, step));
        }
    }
    if !sum.skipped.is_empty() {
        println!("\nskipped:");
    }
    for alike in sum.skipped.chunk_by(|a, b| a == b) {
        let ((name, why), times) = (&alike[0], alike.len());
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        println!("  {name}: {why}{times}");
    }
    println!("\n{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped.len());
    Ok(sum.failed == 0)
}

fn one(name: &str, what: &str, step: Step) -> Outcome {
    use std::io::Write;
    print!("{name:<12} {what:<50} ");
    drop(std::io::stdout().flush());
    let start = Instant::now();
    let mut trouble = Vec::new();
    let outcome = step(name, &mut trouble).unwrap_or_else(|e| {
        trouble.push(e);
        Outcome::check(false)
    });
    let word = match &outcome {
        o if o.failed > 0 => "FAILED",
        o if o.passed == 0 => "skipped",
        _ => "ok",
    };
    println!("{word:<7} {:>5} {:>7.1} s", outcome.passed, start.elapsed().as_secs_f64());
    for note in &outcome.notes {
        println!("    {note}");
    }
    for text in trouble {
        println!("{}\n", indent(&text));
    }
    outcome
}

fn indent(text: &str) -> String {
    text.lines().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n")
}

/// The log of a step, or of a part of it.
pub fn log_of(name: &str) -> PathBuf {
    target().join("xtask").join(format!("{name}.log"))
}

/// What a log says of the failure, and where the rest is.
fn tail(name: &str, c: &Command) -> String {
    let log = log_of(name);
    let text = std::fs::read(&log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    format!("{}\n{}\n(all of it: {})", shown(c), essence(&text).join("\n"), log.display())
}

/// Cargo's word for a test program that did not get to its closing line.
fn ended_by_a_signal(line: &str) -> bool {
    line.contains("process didn't exit successfully") && line.contains("(signal:")
}

/// The reports of failed tests where `cargo test` has written any, each without its backtrace; else
/// the last lines.
fn essence(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out: Vec<&str> = Vec::new();
    let mut inside = false;
    let mut backtrace = false;
    for line in &lines {
        match *line {
            "failures:" => inside = true,
            l if l.starts_with("test result: ") => inside = false,
            l if l.starts_with("---- ") => backtrace = false,
            "stack backtrace:" => backtrace = true,
            _ => {}
        }
        let report = inside && !backtrace && !line.is_empty() && *line != "failures:";
        // A test program that was ended by a signal writes no reports; what it was at is the best
        // there is.
        if report
            || ended_by_a_signal(line)
            || line.ends_with("has been running for over 60 seconds")
        {
            out.push(line);
        }
    }
    if out.is_empty() {
        lines[lines.len().saturating_sub(40)..].to_vec()
    } else {
        out.into_iter().take(120).collect()
    }
}

/// A command that is one check.
pub fn check(name: &str, c: &mut Command, limit: u64) -> Result<Outcome, String> {
    match logged(c, &log_of(name), Duration::from_secs(limit))? {
        true => Ok(Outcome::check(true)),
        false => Err(tail(name, c)),
    }
}

/// A command whose output says how many checks there were, which `count` reads. If it fails, or
/// counts nothing at all, that is a failure whatever it has counted.
pub fn counted(
    name: &str,
    c: &mut Command,
    limit: u64,
    count: fn(&str) -> Outcome,
    trouble: &mut Vec<String>,
) -> Result<Outcome, String> {
    let good = logged(c, &log_of(name), Duration::from_secs(limit))?;
    let text = std::fs::read(log_of(name)).unwrap_or_default();
    let mut outcome = count(&String::from_utf8_lossy(&text));
    let nothing = outcome.passed == 0 && outcome.skipped.is_empty();
    if (!good || nothing) && outcome.failed == 0 {
        outcome.failed = 1;
    }
    if outcome.failed > 0 {
        trouble.push(tail(name, c));
    }
    Ok(outcome)
}

/// The counts of a `cargo test`, whose ignored tests and lines `SKIPPED: name: why` are what it
/// skipped.
pub fn count(text: &str) -> Outcome {
    let mut sum = Outcome::default();
    for line in text.lines() {
        if let Some(counts) = line.strip_prefix("test result: ") {
            let number = |what: &str| -> u64 {
                let before = counts.split_once(what).map_or("", |c| c.0).trim_end();
                before.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
            };
            sum.passed += number(" passed");
            sum.failed += number(" failed");
        } else if ended_by_a_signal(line) {
            sum.failed += 1;
        } else if let Some(test) =
            line.strip_prefix("test ").and_then(|l| l.split_once(" ... ignored"))
        {
            let why = test.1.trim_start_matches(", ");
            let why = if why.is_empty() { "ignored in the source" } else { why };
            sum.add(Outcome::skip(test.0, why));
        } else if let Some((what, why)) =
            line.strip_prefix("SKIPPED: ").and_then(|l| l.split_once(": "))
        {
            sum.add(Outcome::skip(what, why));
        }
    }
    sum
}

fn format(name: &str, _: &mut Vec<String>) -> Result<Outcome, String> {
    let args = ["fmt", "--all", "--check", "--", "-l", "--color", "never"];
    check(name, cargo().args(args), 60)
}

fn clippy(name: &str, _: &mut Vec<String>) -> Result<Outcome, String> {
    let args = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    check(name, cargo().args(args), 600)
}

fn docs(name: &str, _: &mut Vec<String>) -> Result<Outcome, String> {
    let mut c = cargo();
    c.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
    // Links to private items are what these docs are for: they explain the inside.
    c.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    check(name, &mut c, 300)
}

fn unit(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let mut c = cargo();
    c.args(["test", "--no-fail-fast", "--package", "photonrt-runtime", "--package", "xtask"]);
    counted(name, c.args(["--", "--show-output"]), 900, count, trouble)
}

fn header(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    let args = ["test", "--package", "photonrt", "--", "--show-output"];
    counted(name, cargo().args(args), 300, count, trouble)
}

/// Two preemptions find what has been found in practice, in seconds; `soak` allows three.
fn loom(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    loom_with(name, "2", 900, trouble)
}

/// The models, exhaustively up to so many preemptions. Release mode for its speed, without its
/// link-time optimization.
pub fn loom_with(
    name: &str,
    preemptions: &str,
    limit: u64,
    trouble: &mut Vec<String>,
) -> Result<Outcome, String> {
    let mut c = cargo();
    c.args(["test", "--package", "photonrt-runtime", "--release", "--lib"])
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_TARGET_DIR", target().join("loom"))
        .env("LOOM_MAX_PREEMPTIONS", preemptions);
    counted(name, &mut c, limit, count, trouble)
}

fn packaging(_: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    Ok(linking::run_all(trouble))
}

fn conformance_suite(name: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    counted(name, &mut conformance::driver(&[]), 900, conformance::count, trouble)
}

fn real_components(_: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    components::run_all(components::Size::Sample, trouble)
}

fn example_programs(_: &str, trouble: &mut Vec<String>) -> Result<Outcome, String> {
    package::build()?;
    examples::run_all(trouble)
}

#[test]
fn test_results_are_summed() {
    let text = "test a ... ok\ntest b ... ignored, needs root\ntest c ... ignored\n\
        test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out\n\
        SKIPPED: clang -std=c11: clang is not installed\n\
        test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured\n\
          process didn't exit successfully: `t --show-output` (signal: 6, SIGABRT)\n";
    let sum = count(text);
    assert_eq!((sum.passed, sum.failed), (15, 2));
    let names: Vec<&str> = sum.skipped.iter().map(|s| s.0.as_str()).collect();
    assert_eq!(names, ["b", "c", "clang -std=c11"]);
    assert_eq!(sum.skipped[0].1, "needs root");
}

#[test]
fn failures_are_shown_without_what_went_well() {
    let text = "running 2 tests\ntest a ... FAILED\n\nsuccesses:\n    b\n\n\
        failures:\n\n---- a stdout ----\nit broke\nstack backtrace:\n   0: x\n\n\n\
        failures:\n    a\n\ntest result: FAILED. 1 passed; 1 failed\n";
    assert_eq!(essence(text), ["---- a stdout ----", "it broke"]);
    assert_eq!(essence("one\ntwo"), ["one", "two"]);
}
