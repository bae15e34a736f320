//! Everything measured, as it is kept in JSON: the console, the report and a later run's baseline are all
//! made from this and from nothing else.
//!
//! benches/README.md documents the fields. What a reader needs to judge a value without this tool
//! (whether less of it is better, what kind of contender gave it) stands beside it.

use super::measure::Fail;
use super::plan::{Field, Figure, Kind, Part, Sense, What};
use super::stats::{Bound, Spread, Verdict, ratios, spread, verdict};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Raised when a field changes its meaning.
pub const SCHEMA: u32 = 2;

/// Disturbance from which a run counts as disturbed, in CPUs: it is repeated, and marked.
pub const QUIET: f64 = 0.05;
/// Disturbance from which a run can't carry a verdict on times.
const BUSY: f64 = 0.25;

/// All values of one contender in one row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    pub workload: String,
    pub row: String,
    pub contender: String,
    pub kind: Kind,
    pub scheduler: bool,
    pub stackful: bool,
    pub unit: String,
    pub sense: Sense,
    /// It bore another load than the rest.
    pub other_load: bool,
    /// One a round; null where the run failed.
    pub values: Vec<Option<f64>>,
    /// User and system time of the run, all of it with warm-up and setup.
    pub cpu_seconds: Vec<Option<f64>>,
    /// What others used of the CPUs during the runs that gave values.
    pub foreign_cpus: Vec<f64>,
}

impl Series {
    pub fn spread(&self) -> Option<Spread> {
        spread(&self.values.iter().flatten().copied().collect::<Vec<_>>())
    }

    /// Median CPU time of a run.
    pub fn cpu(&self) -> Option<f64> {
        let known: Vec<f64> = self.cpu_seconds.iter().flatten().copied().collect();
        spread(&known).map(|s| s.median)
    }

    pub fn disturbed(&self) -> usize {
        self.foreign_cpus.iter().filter(|f| **f > QUIET).count()
    }

    /// Whether others were busy in more than half of its runs.
    pub fn busy(&self) -> bool {
        let busy = self.foreign_cpus.iter().filter(|f| **f > BUSY).count();
        busy * 2 > self.foreign_cpus.len()
    }

    /// Its name, marked if it bore another load.
    pub fn title(&self) -> String {
        format!("{}{}", self.contender, if self.other_load { "*" } else { "" })
    }

    fn is_in(&self, field: Field) -> bool {
        self.kind == Kind::Peer
            && !self.other_load
            && match field {
                Field::Any => true,
                Field::Schedulers => self.scheduler,
                Field::Stackful => self.stackful,
                Field::Named(names) => names.contains(&self.contender.as_str()),
            }
    }
}

/// A figure's value, and what is to be said of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Judged {
    pub figure: String,
    pub spread: Spread,
    pub unit: String,
    /// The bound in words.
    pub bound: String,
    pub verdict: Verdict,
    /// The peer that decided, where the rule is about several.
    pub against: Option<String>,
}

/// What became of a row of ours since the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// The whole spread is better.
    Better,
    /// Neither better nor worse beyond the noise.
    Same,
    /// The whole spread is worse by more than what is allowed.
    Worse,
    /// What is allowed lies inside the spread, or others were busy: nothing can be said.
    Noise,
    /// The baseline has it and this run does not.
    Missing,
}

/// A row of ours against the same row of the baseline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    pub row: String,
    pub contender: String,
    /// How many times as bad: above 1 is worse, whatever the row's sense. None if missing.
    pub worse_by: Option<Spread>,
    pub since: Since,
}

/// A run of the suite.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    pub schema: u32,
    /// As it was typed.
    pub command: String,
    /// The revision measured, with `+` if there was more than is committed.
    pub revision: String,
    /// When it began, UTC.
    pub date: String,
    pub rounds: usize,
    pub quick: bool,
    /// The machine, and how quiet it was.
    pub machine: Vec<String>,
    pub versions: Vec<String>,
    /// What could not be measured or went wrong: what, who, why.
    pub absent: Vec<String>,
    pub series: Vec<Series>,
    pub figures: Vec<Judged>,
    pub baseline: Option<String>,
    pub changes: Vec<Change>,
}

impl Results {
    /// Reads what an earlier run has written.
    pub fn read(path: &Path) -> Result<Results, String> {
        let at = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
        let results: Results = serde_json::from_str(&text).map_err(|e| at(&e))?;
        match results.schema {
            SCHEMA => Ok(results),
            other => Err(at(&format!("schema {other}, and this tool reads {SCHEMA}"))),
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        std::fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Keeps what is missing and why, each once. Gives how many failures that are, 0 or 1: what a
    /// program can't do here is none.
    pub fn note(&mut self, what: &str, who: &str, fail: Fail) -> usize {
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

    pub fn find(&self, row: &str, who: &str) -> Option<&Series> {
        self.series.iter().find(|s| s.row == row && s.contender == who)
    }

    /// Rows in the order in which they were first measured.
    pub fn rows(&self) -> Vec<&str> {
        let mut rows: Vec<&str> = Vec::new();
        for s in &self.series {
            if !rows.contains(&s.row.as_str()) {
                rows.push(&s.row);
            }
        }
        rows
    }

    pub fn of_row<'a>(&'a self, row: &'a str) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(move |s| s.row == row)
    }

    /// Every figure whose parts were measured.
    pub fn judge(&self, figures: &[Figure]) -> Vec<Judged> {
        figures.iter().filter_map(|f| self.figure(f)).collect()
    }

    /// Where others were busy in more than half of the runs of a part, no verdict on times is given:
    /// such runs may agree with each other and still say nothing.
    fn figure(&self, f: &Figure) -> Option<Judged> {
        let part = |p: &Part| self.find(p.row, p.who);
        match f.what {
            What::Value(p, unit) => {
                let over = part(&p)?;
                let v = verdict(over.spread()?, f.bound);
                let v = if unit == "B" { v } else { unless_busy(v, &[over]) };
                Some(judged(f, over.spread()?, v, unit, None))
            }
            What::Ratio(over, under) => against(f, part(&over)?, part(&under)?, None),
            What::Ahead(p, field) => {
                let ours = part(&p)?;
                let rivals = self.of_row(p.row).filter(|s| s.is_in(field));
                let all = rivals.filter_map(|rival| match ours.sense {
                    Sense::More => against(f, ours, rival, Some(&rival.contender)),
                    _ => against(f, rival, ours, Some(&rival.contender)),
                });
                all.min_by(decides)
            }
        }
    }
}

fn judged(f: &Figure, spread: Spread, verdict: Verdict, unit: &str, who: Option<&str>) -> Judged {
    let against = who.map(String::from);
    let (figure, unit, bound) = (f.name.into(), unit.into(), f.bound.to_string());
    Judged { figure, spread, unit, bound, verdict, against }
}

fn against(f: &Figure, over: &Series, under: &Series, who: Option<&str>) -> Option<Judged> {
    let spread = spread(&ratios(&over.values, &under.values))?;
    let v = unless_busy(verdict(spread, f.bound), &[over, under]);
    Some(judged(f, spread, v, "", who))
}

fn unless_busy(v: Verdict, parts: &[&Series]) -> Verdict {
    match v {
        Verdict::Met | Verdict::Missed if parts.iter().any(|p| p.busy()) => Verdict::Disturbed,
        v => v,
    }
}

/// Less: the one that decides. Of several peers that is one against which the bound is missed, then one
/// against which nothing can be said, then the closest.
fn decides(a: &Judged, b: &Judged) -> std::cmp::Ordering {
    let rank = |j: &Judged| match j.verdict {
        Verdict::Missed => 0,
        Verdict::Withheld | Verdict::Disturbed => 1,
        Verdict::Met | Verdict::Reported => 2,
    };
    rank(a).cmp(&rank(b)).then(a.spread.median.total_cmp(&b.spread.median))
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Most(b) => write!(f, "at most {b}"),
            Bound::Least(b) => write!(f, "at least {b}"),
            Bound::Report => f.write_str("reported"),
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::Withheld => "withheld: the bound lies inside the spread",
            Verdict::Disturbed => "withheld: others were busy",
            Verdict::Reported => "reported",
        })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::bench::plan::FIGURES;

    /// One contender's values in a quiet run, less being better.
    pub fn series(row: &str, who: &str, values: &[f64]) -> Series {
        let kind = match who {
            w if w.starts_with("photonrt") => Kind::Ours,
            "limit" => Kind::Limit,
            _ => Kind::Peer,
        };
        Series {
            workload: row.into(),
            row: row.into(),
            contender: who.into(),
            kind,
            scheduler: who != "corosensei",
            stackful: true,
            unit: "ns".into(),
            sense: Sense::Less,
            other_load: false,
            values: values.iter().map(|v| Some(*v)).collect(),
            cpu_seconds: vec![Some(0.5); values.len()],
            foreign_cpus: vec![0.0; values.len()],
        }
    }

    pub fn results(series: Vec<Series>) -> Results {
        Results { schema: SCHEMA, series, ..Results::default() }
    }

    fn figure(r: &Results, name: &str) -> Option<Judged> {
        r.judge(FIGURES).into_iter().find(|j| j.figure == name)
    }

    #[test]
    fn figures_are_ratios_within_rounds() {
        let mut r = results(vec![
            series("yield2", "photonrt", &[3.0, 6.0, 3.3]),
            series("yield2", "limit", &[2.0, 4.0, 2.2]),
        ]);
        let f = figure(&r, "yield2 / bare switch, first bound").expect("both parts are there");
        assert_eq!((f.spread.median, f.verdict), (1.5, Verdict::Met));
        assert!(figure(&r, "http CPU: uring / C epoll").is_none());
        assert!(figure(&r, "yield2: schedulers").is_none(), "a limit is no peer");
        r.series[1].foreign_cpus = vec![0.9, 0.9, 0.0];
        let f = figure(&r, "yield2 / bare switch, first bound").expect("as before");
        assert_eq!(f.verdict, Verdict::Disturbed);
    }

    #[test]
    fn bytes_are_judged_beside_others_too() {
        let mut r = results(vec![series("parked", "photonrt", &[4000.0, 4100.0])]);
        r.series[0].foreign_cpus = vec![0.9, 0.9];
        let f = figure(&r, "parked, resident each").expect("measured");
        assert_eq!(f.verdict, Verdict::Met);
    }

    #[test]
    fn the_peer_that_a_bound_is_missed_against_decides() {
        let mut r = results(vec![
            series("yield2", "photonrt", &[4.0, 4.0, 4.0]),
            series("yield2", "go-p1", &[60.0, 62.0, 61.0]),
            series("yield2", "glommio", &[43.0, 44.0, 30.0]),
            series("yield2", "corosensei", &[3.0, 3.0, 3.0]),
        ]);
        let f = figure(&r, "yield2: schedulers").expect("two of them");
        assert_eq!((f.against.as_deref(), f.verdict), (Some("glommio"), Verdict::Withheld));
        let f = figure(&r, "yield2: any").expect("three of them");
        assert_eq!((f.against.as_deref(), f.verdict), (Some("corosensei"), Verdict::Missed));
        r.series[3].other_load = true;
        let f = figure(&r, "yield2: any").expect("two of them again");
        assert_eq!(f.verdict, Verdict::Met, "another load is not compared with");
    }

    #[test]
    fn a_failed_round_takes_no_part() {
        let mut r = results(vec![
            series("spawn_join", "photonrt", &[10.0, 10.0]),
            series("spawn_join", "go-p1", &[200.0, 20.0]),
        ]);
        r.series[0].values[1] = None;
        let f = figure(&r, "spawn+join: Go").expect("one round");
        assert_eq!((f.spread.low, f.verdict), (20.0, Verdict::Met));
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let mut r = results(vec![series("a\"b", "photonrt", &[1.5, 2.0])]);
        r.series[0].values.push(None);
        r.figures = r.judge(FIGURES);
        let path = std::env::temp_dir().join(format!("photonrt-results-{}", std::process::id()));
        r.write(&path).unwrap_or_else(|e| panic!("{e}"));
        let again = Results::read(&path).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(format!("{again:?}"), format!("{r:?}"));
        r.schema = SCHEMA + 1;
        r.write(&path).unwrap_or_else(|e| panic!("{e}"));
        assert!(Results::read(&path).is_err_and(|e| e.contains("schema")));
        drop(std::fs::remove_file(path));
    }
}
