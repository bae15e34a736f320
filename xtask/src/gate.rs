//! `cargo xtask test gate`: instructions of the hot operations, counted, against a committed band.
//!
//! ```text
//! valgrind --tool=callgrind photonrt NAME N      I(N)  = start + N x each
//! valgrind --tool=callgrind photonrt NAME 2 N    I(2N) = start + 2 N x each
//!                                                each  = (I(2N) - I(N)) / N
//! ```
//! Counts do not depend on the clock or on who else uses the machine, so this runs in CI where times
//! mean nothing. They do depend on the compilers: benches/gate.toml says which gave its numbers, and its
//! band is wide enough for another point release of those and too narrow for a regression of eight
//! percent. What a count can't see (cache misses, the dependency between one instruction and the next) is the
//! business of `cargo xtask bench --check`.
//!
//! `each` has the program's own loop in it and the 5 % of warm-up, both the same from one commit to the
//! next. Fewer instructions than the band's lower end fail too: the gain is to be recorded, by
//! `cargo xtask gate --update`, or the next loss would hide in it.

use crate::bench;
use crate::sh::{cc, cmd, have_or_install, output, root};
use crate::step::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The program's own names, and N: large enough that what start-up does differently from run to run
/// drowns, small enough for half a second each under valgrind.
const OPERATIONS: [(&str, u64); 6] = [
    ("yield2", 400_000),
    ("spawn_join", 40_000),
    ("pingpong", 40_000),
    ("sem_pingpong", 40_000),
    ("mutex_free", 400_000),
    ("chan_pingpong", 40_000),
];

/// How far a count may be from the recorded one unless that is said otherwise, in percent.
const TOLERANCE: f64 = 4.0;

const HEAD: &str = "\
# Instructions of one operation each, as `cargo xtask gate` counts them, with the bench program's loop
# around it and its 5 % of warm-up. A count further off than `tolerance` percent, up or down, fails
# `cargo xtask test gate`. After a change that is meant: `cargo xtask gate --update`.

";

/// benches/gate.toml.
#[derive(Debug, Serialize, Deserialize)]
struct Band {
    /// What the counts were taken with.
    taken_with: Vec<String>,
    operations: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Entry {
    /// Instructions an operation.
    count: f64,
    /// Percent.
    tolerance: f64,
}

impl Entry {
    /// What is wrong with a count, if something is.
    fn against(&self, name: &str, count: f64) -> Option<String> {
        let percent = (count / self.count - 1.0) * 100.0;
        let word = match percent {
            p if p > self.tolerance => "more",
            p if p < -self.tolerance => "fewer, which is to be recorded:",
            p if p.is_nan() => "not a number:",
            _ => return None,
        };
        Some(format!(
            "{name}: {count:.1} instructions, {percent:+.1} % beside {:.1} in benches/gate.toml ({word} than \
             {} % allows)",
            self.count, self.tolerance
        ))
    }
}

fn file() -> PathBuf {
    root().join("benches/gate.toml")
}

fn read() -> Result<Band, String> {
    let text = std::fs::read_to_string(file()).map_err(|e| format!("benches/gate.toml: {e}"))?;
    toml::from_str(&text).map_err(|e| format!("benches/gate.toml: {e}"))
}

/// The step: each operation is one check. Skipped where there is no valgrind or no x86-64, whose
/// instructions the numbers are.
pub fn step(trouble: &mut Vec<String>) -> Result<Outcome, String> {
    if cfg!(not(target_arch = "x86_64")) {
        return Ok(Outcome::skip("gate", "the recorded counts are x86-64 instructions"));
    }
    if !have_or_install("valgrind", "valgrind") {
        return Ok(Outcome::skip("gate", "valgrind is not installed: NO instruction was counted"));
    }
    let band = read()?;
    let mut sum = Outcome::default();
    let counts = count_all()?;
    for (name, count) in &counts {
        let wrong = match band.operations.get(*name) {
            Some(entry) => entry.against(name, *count),
            None => Some(format!(
                "{name}: not in benches/gate.toml; `cargo xtask gate --update` adds it"
            )),
        };
        sum.add(Outcome::check(wrong.is_none()));
        trouble.extend(wrong);
    }
    let told: Vec<String> = counts.iter().map(|(n, c)| format!("{n} {c:.1}")).collect();
    sum.notes.push(format!("instructions: {}", told.join(", ")));
    Ok(sum)
}

/// Counts, and prints or records. False if the band does not hold.
pub fn run(update: bool) -> Result<bool, String> {
    if !update {
        let mut trouble = Vec::new();
        let outcome = step(&mut trouble)?;
        let skipped = outcome.skipped.iter().map(|(name, why)| format!("SKIPPED: {name}: {why}"));
        outcome.notes.iter().cloned().chain(skipped).chain(trouble).for_each(|l| println!("{l}"));
        return Ok(outcome.failed == 0);
    }
    if !have_or_install("valgrind", "valgrind") {
        return Err("needs valgrind".into());
    }
    let before = read().map(|b| b.operations).unwrap_or_default();
    let mut operations = BTreeMap::new();
    for (name, count) in count_all()? {
        let tolerance = before.get(name).map_or(TOLERANCE, |e| e.tolerance);
        let entry = Entry { count: (count * 10.0).round() / 10.0, tolerance };
        let was = before.get(name).map_or("not counted".into(), |e| e.count.to_string());
        println!("{name} {} (was {was})", entry.count);
        operations.insert(name.to_string(), entry);
    }
    let version = |c: &mut std::process::Command| {
        let text = output(c.arg("--version")).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_string()
    };
    let taken_with =
        vec![version(&mut cmd("rustc")), version(&mut cc()), version(&mut cmd("valgrind"))];
    let text = toml::to_string(&Band { taken_with, operations }).map_err(|e| e.to_string())?;
    std::fs::write(file(), format!("{HEAD}{text}")).map_err(|e| format!("gate.toml: {e}"))?;
    Ok(true)
}

/// Instructions of one of each.
fn count_all() -> Result<Vec<(&'static str, f64)>, String> {
    let program = bench::counted_program()?;
    let each = |(name, n): (&'static str, u64)| {
        let (one, two) = (instructions(&program, name, n)?, instructions(&program, name, 2 * n)?);
        Ok((name, (two - one) / n as f64))
    };
    OPERATIONS.into_iter().map(each).collect()
}

/// All that a run executes, in all its threads.
fn instructions(program: &Path, name: &str, n: u64) -> Result<f64, String> {
    let mut c = cmd("valgrind");
    c.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    c.args([name, &n.to_string()]);
    let out = c.output().map_err(|e| format!("valgrind: {e}"))?;
    let text = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        return Err(format!("valgrind {name} {n}: {}\n{text}", out.status));
    }
    collected(&text).ok_or_else(|| format!("valgrind {name} {n}: no count in\n{text}"))
}

/// The sum that callgrind prints at the end.
fn collected(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|l| l.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_fails_and_a_point_release_does_not() {
        let entry = Entry { count: 100.0, tolerance: TOLERANCE };
        assert_eq!(entry.against("x", 100.0), None);
        assert_eq!(entry.against("x", 102.0), None);
        assert_eq!(entry.against("x", 98.0), None);
        assert!(entry.against("x", 108.0).is_some_and(|w| w.contains("+8.0 %")));
        assert!(entry.against("x", 92.0).is_some_and(|w| w.contains("recorded")));
        assert!(entry.against("x", f64::NAN).is_some(), "no count is not a good count");
    }

    #[test]
    fn the_committed_band_has_every_operation_and_would_see_eight_percent() {
        let band = read().unwrap_or_else(|e| panic!("{e}"));
        assert!(band.taken_with.iter().any(|v| v.starts_with("rustc")), "{:?}", band.taken_with);
        for (name, _) in OPERATIONS {
            let entry = band.operations.get(name).unwrap_or_else(|| panic!("no {name}"));
            assert!(entry.against(name, entry.count * 1.08).is_some(), "{name} lets 8 % pass");
            assert!(entry.against(name, entry.count * 1.02).is_none(), "{name} fails at 2 %");
        }
    }

    #[test]
    fn callgrind_s_count_is_read() {
        let text = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 4827366\n==7==\n";
        assert_eq!(collected(text), Some(4_827_366.0));
        assert_eq!(collected("==7== nothing"), None);
    }
}
