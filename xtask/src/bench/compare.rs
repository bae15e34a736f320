//! Ours against an earlier state of ours.
//!
//! Two ways. A revision is built beside this one and runs in the same rounds, so that the machine's drift
//! hits both; its ratios are taken inside a round. An earlier run's JSON is another day of the same
//! machine: there is nothing to pair, so the noise of a ratio is the worst that the two spreads allow.
//!
//! A row is a regression if the whole spread of "how many times as bad" lies above what is allowed,
//! and nothing is said of it if what is allowed lies inside. Rejected: the ratio of the medians alone,
//! which fails a check one time in two when nothing has changed.

use super::plan::{Kind, Sense};
use super::results::{Change, Results, Series, Since};
use super::stats::{Spread, ratios, spread};

/// A row may be this many times as bad as before.
pub const ALLOWED: f64 = 1.05;

/// What a contender of the revision compared with is called after its namesake of today.
pub const SUFFIX: &str = " before";

/// Compares with the contenders named `SUFFIX` of the same run.
pub fn within(results: &Results) -> Vec<Change> {
    let mut changes = Vec::new();
    for old in &results.series {
        if let Some(who) = old.contender.strip_suffix(SUFFIX) {
            changes.extend(change(old, who, results.find(&old.row, who), paired));
        }
    }
    changes
}

/// Compares with an earlier run. `asked` says which workloads this one was about.
pub fn with(results: &Results, before: &Results, asked: impl Fn(&str) -> bool) -> Vec<Change> {
    let ours = before.series.iter().filter(|s| s.kind == Kind::Ours && asked(&s.workload));
    let one = |old: &Series| {
        change(old, &old.contender, results.find(&old.row, &old.contender), unpaired)
    };
    ours.filter(|s| !s.contender.ends_with(SUFFIX)).filter_map(one).collect()
}

/// None for a row that has no sense, so that it can't get worse.
fn change(
    old: &Series,
    who: &str,
    new: Option<&Series>,
    by: fn(&Series, &Series) -> Option<Spread>,
) -> Option<Change> {
    if old.sense == Sense::Neither || old.spread().is_none() {
        return None;
    }
    let worse_by = new.and_then(|new| by(new, old));
    let bytes = old.unit.starts_with('B');
    let busy = !bytes && (old.busy() || new.is_some_and(Series::busy));
    let since = match worse_by.map(judge) {
        None => Since::Missing,
        Some(_) if busy => Since::Noise,
        Some(since) => since,
    };
    Some(Change { row: old.row.clone(), contender: who.into(), worse_by, since })
}

fn judge(s: Spread) -> Since {
    match s {
        s if s.low > ALLOWED => Since::Worse,
        s if s.high > ALLOWED => Since::Noise,
        s if s.high < 1.0 => Since::Better,
        _ => Since::Same,
    }
}

fn paired(new: &Series, old: &Series) -> Option<Spread> {
    spread(&match old.sense {
        Sense::More => ratios(&old.values, &new.values),
        _ => ratios(&new.values, &old.values),
    })
}

fn unpaired(new: &Series, old: &Series) -> Option<Spread> {
    let (new, old, sense) = (new.spread()?, old.spread()?, old.sense);
    let (over, under) = if sense == Sense::More { (old, new) } else { (new, old) };
    (under.low > 0.0).then(|| Spread {
        median: over.median / under.median,
        low: over.low / under.high,
        high: over.high / under.low,
    })
}

/// The lines of a check: one a row that is not the same, and how many are.
pub fn lines(changes: &[Change]) -> Vec<String> {
    let mut out = Vec::new();
    for c in changes.iter().filter(|c| c.since != Since::Same) {
        let word = match c.since {
            Since::Better => "better",
            Since::Worse => "WORSE",
            Since::Noise => "withheld: the noise exceeds it, or others were busy",
            Since::Missing => "MISSING: the baseline has it",
            Since::Same => "same",
        };
        let value = c.worse_by.map_or(String::new(), |s| {
            format!("{:.3} times as bad ({:.3}..{:.3}) ", s.median, s.low, s.high)
        });
        out.push(format!("change: {} {}: {value}{word}", c.row, c.contender));
    }
    let same = changes.iter().filter(|c| c.since == Since::Same).count();
    out.push(format!("change: {same} of {} rows the same", changes.len()));
    out
}

/// What a check fails for: rows that are worse or gone; and a comparison of nothing.
pub fn failures(changes: &[Change]) -> usize {
    let bad = |c: &&Change| matches!(c.since, Since::Worse | Since::Missing);
    changes.iter().filter(bad).count() + usize::from(changes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::tests::{results, series};

    fn since(changes: &[Change]) -> Vec<Since> {
        changes.iter().map(|c| c.since).collect()
    }

    fn pair(new: &[f64], old: &[f64]) -> Results {
        results(vec![series("yield2", "photonrt", new), series("yield2", "photonrt before", old)])
    }

    #[test]
    fn worse_and_better_in_the_same_rounds() {
        let worse = pair(&[11.0, 22.0, 11.1], &[10.0, 20.0, 10.0]);
        assert_eq!(since(&within(&worse)), [Since::Worse], "drift hits both and falls out");
        assert_eq!(failures(&within(&worse)), 1);
        let better = pair(&[9.0, 18.0, 9.0], &[10.0, 20.0, 10.0]);
        assert_eq!(since(&within(&better)), [Since::Better]);
        assert_eq!(failures(&within(&better)), 0);
        let same = pair(&[10.2, 10.4, 9.9], &[10.0, 10.0, 10.0]);
        assert_eq!(since(&within(&same)), [Since::Same]);
    }

    #[test]
    fn noise_is_neither() {
        let noisy = pair(&[10.0, 13.0, 11.0], &[10.0, 10.0, 10.0]);
        assert_eq!(since(&within(&noisy)), [Since::Noise]);
        assert_eq!(failures(&within(&noisy)), 0);
        assert!(lines(&within(&noisy))[0].contains("withheld"));
    }

    #[test]
    fn busy_runs_say_nothing_of_times() {
        let mut r = pair(&[20.0, 20.0], &[10.0, 10.0]);
        r.series[0].foreign_cpus = vec![0.9, 0.9];
        assert_eq!(since(&within(&r)), [Since::Noise]);
        for s in &mut r.series {
            s.unit = "B/task".into();
        }
        assert_eq!(since(&within(&r)), [Since::Worse], "bytes are what they are");
    }

    #[test]
    fn more_can_be_better() {
        let mut r = pair(&[90.0, 91.0], &[100.0, 100.0]);
        for s in &mut r.series {
            s.sense = Sense::More;
        }
        assert_eq!(since(&within(&r)), [Since::Worse]);
        for s in &mut r.series {
            s.sense = Sense::Neither;
        }
        assert!(within(&r).is_empty());
    }

    #[test]
    fn an_earlier_run_is_compared_by_both_spreads() {
        let before = results(vec![
            series("yield2", "photonrt", &[10.0, 10.2, 10.1]),
            series("yield1k", "photonrt", &[20.0, 30.0, 20.0]),
            series("yield2", "tokio-ct", &[1.0, 1.0, 1.0]),
        ]);
        let now = results(vec![
            series("yield2", "photonrt", &[11.0, 11.2, 11.1]),
            series("yield1k", "photonrt", &[24.0, 25.0, 26.0]),
        ]);
        let changes = with(&now, &before, |_| true);
        assert_eq!(
            since(&changes),
            [Since::Worse, Since::Noise],
            "peers are not ours to answer for"
        );
    }

    #[test]
    fn a_row_that_is_gone_fails_the_check() {
        let before = results(vec![series("yield2", "photonrt", &[10.0])]);
        let now = results(vec![]);
        let changes = with(&now, &before, |_| true);
        assert_eq!((since(&changes), failures(&changes)), (vec![Since::Missing], 1));
        let none = with(&now, &before, |w| w != "yield2");
        assert_eq!(failures(&none), 1, "nothing compared is nothing checked");
    }
}
