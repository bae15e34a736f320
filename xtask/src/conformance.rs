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

/// Its closing line `N passed, N failed, N skipped`, and the lines `skipped N: why` before it.
pub fn count(text: &str) -> Outcome {
    let mut sum = Outcome::default();
    let mut skipped = 0;
    for line in text.lines() {
        let reason = |l: &str| -> Option<(usize, String)> {
            let (n, why) = l.strip_prefix("skipped ")?.split_once(": ")?;
            Some((n.parse().ok()?, why.into()))
        };
        if let Some([p, f, s]) = closing_line(line) {
            (sum.passed, sum.failed, skipped) = (p as u64, f as u64, s);
        } else if let Some((n, why)) = reason(line) {
            sum.skipped.extend(vec![("conformance".into(), why); n]);
        }
    }
    // What the closing line counts and no line explains is counted all the same.
    while sum.skipped.len() < skipped {
        sum.skipped.push(("conformance".into(), "no reason given".into()));
    }
    sum
}

fn closing_line(line: &str) -> Option<[usize; 3]> {
    let parts: Vec<&str> = line.split(", ").collect();
    let [passed, failed, skipped] = parts[..] else { return None };
    let number = |text: &str, word: &str| text.strip_suffix(word)?.trim_end().parse().ok();
    Some([number(passed, "passed")?, number(failed, "failed")?, number(skipped, "skipped")?])
}

#[test]
fn the_closing_line_counts() {
    let sum = count("x ok\nskipped 2: uring: no\n3 passed, 1 failed, 3 skipped\n");
    assert_eq!((sum.passed, sum.failed, sum.skipped.len()), (3, 1, 3));
    assert_eq!(sum.skipped[0].1, "uring: no");
}
