//! `cargo xtask conformance`: the suite in conformance/, run against the library that has just been
//! built.

use crate::sh::{cmd, root};
use crate::step::Outcome;
use std::process::Command;

/// The suite's own driver.
pub fn driver(args: &[String]) -> Command {
    let mut c = cmd(root().join("conformance/run"));
    c.args(args);
    c
}

/// Runs it with its output on the terminal; true if nothing failed.
pub fn run(args: &[String]) -> Result<bool, String> {
    crate::package::build()?;
    let status = driver(args).status().map_err(|e| format!("conformance/run: {e}"))?;
    Ok(status.success())
}

/// Its closing line `N passed, N failed, N skipped`, and the lines `SKIPPED: case: why` that name
/// the skipped ones.
pub fn count(text: &str) -> Outcome {
    let mut sum = Outcome::default();
    let mut skipped = 0;
    for line in text.lines() {
        let parts: Vec<&str> = line.split(", ").collect();
        let numbers = |p: &[&str]| -> Option<[usize; 3]> {
            let [a, b, c] = *p else { return None };
            let number = |text: &str, word: &str| text.strip_suffix(word)?.trim_end().parse().ok();
            Some([number(a, "passed")?, number(b, "failed")?, number(c, "skipped")?])
        };
        if let Some([p, f, s]) = numbers(&parts) {
            (sum.passed, sum.failed, skipped) = (p as u64, f as u64, s);
        } else if let Some((case, why)) =
            line.strip_prefix("SKIPPED: ").and_then(|l| l.split_once(": "))
        {
            sum.skipped.push((case.into(), why.into()));
        }
    }
    // A case that the closing line counts and no line names is counted all the same.
    while sum.skipped.len() < skipped {
        sum.skipped.push(("conformance".into(), "see its log".into()));
    }
    sum
}

#[test]
fn the_closing_line_counts() {
    let sum = count("x\nSKIPPED: io/a uring 1: no io_uring here\n3 passed, 1 failed, 2 skipped\n");
    assert_eq!((sum.passed, sum.failed, sum.skipped.len()), (3, 1, 2));
    assert_eq!(sum.skipped[0].0, "io/a uring 1");
}
