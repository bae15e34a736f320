//! `cargo xtask soak`: what `test` samples, over and over: the runtime's tests, the conformance
//! suite, and races and hostile clients in sizes that take hours; before that, once, the models with
//! one preemption more, every fault, and the real programs at full size.
//! Stops at the first failure, which its log keeps.

use crate::sh::{cargo, target};
use crate::test::{counted, loom_with};
use crate::{components, conformance, package, robust};
use std::time::{Duration, Instant};

/// Runs rounds until `minutes` have passed; true if every round was clean.
pub fn run(minutes: u64) -> Result<bool, String> {
    package::build()?;
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let mut trouble = Vec::new();
    let models = loom_with("soak-loom", "3", 60 * minutes.max(20), &mut trouble)?;
    println!("models, 3 preemptions: {} passed, {} failed", models.passed, models.failed);
    let real = components::run_all(components::Size::Full, &mut trouble)?;
    real.notes.iter().for_each(|note| println!("    {note}"));
    println!("real programs: {} passed, {} failed", real.passed, real.failed);
    let mut size = robust::Size { every_fault: true, ..robust::CI };
    let every = robust::faults(&size, &mut trouble)?;
    println!("every fault: {} passed, {} failed", every.passed, every.failed);
    let mut round = 0u64;
    while trouble.is_empty() && (round == 0 || Instant::now() < end) {
        round += 1;
        let mut tests = cargo();
        tests
            .args(["test", "--package", "photonrt-runtime", "--release"])
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_TARGET_DIR", target().join("soak"));
        let unit = counted("soak-unit", &mut tests, 3600, crate::test::count, &mut trouble)?;
        let mut driver = conformance::driver(&[]);
        let suite =
            counted("soak-conformance", &mut driver, 3600, conformance::count, &mut trouble)?;
        // With twelve runs a round, 100 million operations an engine take three rounds.
        size = robust::Size { races: 10_000_000, rounds: 10, seed: round + 1, ..robust::CI };
        let races = robust::races(&size, &mut trouble)?;
        let hostile = robust::hostile(&size, &mut trouble)?;
        let all = [unit, suite, races, hostile];
        println!(
            "round {round}: {} passed, {} failed, {} skipped",
            all.iter().map(|o| o.passed).sum::<u64>(),
            all.iter().map(|o| o.failed).sum::<u64>(),
            all.iter().map(|o| o.skipped.len()).sum::<usize>()
        );
    }
    for text in &trouble {
        println!("{text}");
    }
    Ok(trouble.is_empty())
}
