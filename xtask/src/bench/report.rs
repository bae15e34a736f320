//! What is printed, and the same as JSON.

use super::Options;
use super::make;
use super::plan::{FIGURES, Figure, Part};
use super::stats::{Bound, Spread, Verdict, ratios, spread, verdict};
use std::fmt::Write;

/// All values of one contender in one row.
pub struct Series {
    pub workload: &'static str,
    pub row: String,
    pub who: &'static str,
    pub unit: String,
    /// One a round; None where the run failed.
    pub values: Vec<Option<f64>>,
    /// What others used of the CPUs during the runs.
    pub foreign: Vec<f64>,
}

impl Series {
    fn spread(&self) -> Option<Spread> {
        spread(&self.values.iter().flatten().copied().collect::<Vec<_>>())
    }
}

/// Everything measured.
#[derive(Default)]
pub struct Results {
    pub series: Vec<Series>,
    /// What could not be measured: who, what, why.
    pub absent: Vec<String>,
}

/// Disturbance from which a run counts as disturbed, in CPUs: it is repeated, and marked.
pub const QUIET: f64 = 0.05;
/// Disturbance from which a run can't carry a verdict on times.
const BUSY: f64 = 0.25;

/// Three or four digits.
fn number(v: f64) -> String {
    match v.abs() {
        a if a >= 100.0 => format!("{v:.0}"),
        a if a >= 10.0 => format!("{v:.1}"),
        _ => format!("{v:.2}"),
    }
}

impl Results {
    fn find(&self, p: &Part) -> Option<&Series> {
        self.series.iter().find(|s| s.row == p.row && s.who == p.who)
    }

    /// One line a contender, grouped by row; the last column compares with the first contender of ours.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut done: Vec<&str> = Vec::new();
        for s in &self.series {
            if done.contains(&s.row.as_str()) {
                continue;
            }
            done.push(&s.row);
            let group: Vec<&Series> = self.series.iter().filter(|o| o.row == s.row).collect();
            let ours = group.iter().find(|o| o.who.starts_with("photonrt"));
            let _ = writeln!(out, "{} ({})", s.row, s.unit);
            for o in &group {
                let Some(v) = o.spread() else { continue };
                let range = format!("{}..{}", number(v.low), number(v.high));
                let noisy = o.foreign.iter().filter(|f| **f > QUIET).count();
                let against = ours.filter(|u| u.who != o.who).and_then(|u| {
                    let r = spread(&ratios(&o.values, &u.values))?;
                    Some(format!("{} x ours", number(r.median)))
                });
                let mut line = format!("  {:<20} {:>9}  {range:<19}", o.who, number(v.median));
                let _ = write!(line, " {:<14}", against.unwrap_or_default());
                if noisy > 0 {
                    let _ = write!(line, " {noisy} of {} runs disturbed", o.foreign.len());
                }
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        out
    }

    /// A figure's spread and verdict, if both parts were measured. Where others were busy in more than
    /// half of the runs of a part, no verdict on times is given: such runs may agree with each other
    /// and still say nothing.
    fn figure(&self, f: &Figure) -> Option<(Spread, Verdict)> {
        let over = self.find(&f.over)?;
        let under = f.under.as_ref().map(|u| self.find(u));
        let s = match under {
            None => over.spread()?,
            Some(u) => spread(&ratios(&over.values, &u?.values))?,
        };
        let parts = [Some(over), under.flatten()];
        let busy = parts
            .iter()
            .flatten()
            .any(|p| p.foreign.iter().filter(|f| **f > BUSY).count() * 2 > p.foreign.len());
        let verdict = match verdict(s, f.bound) {
            Verdict::Met | Verdict::Missed if busy && f.unit != "B" => Verdict::Disturbed,
            v => v,
        };
        Some((s, verdict))
    }

    /// One line a figure that was measured.
    pub fn figures(&self) -> String {
        let mut out = String::new();
        for f in FIGURES {
            if let Some((s, v)) = self.figure(f) {
                let _ = writeln!(out, "{}", figure_line(f, s, v));
            }
        }
        out
    }

    /// All of it, values included.
    pub fn json(&self, options: &Options, head: &[String]) -> String {
        let list = |v: &[String]| format!("[{}]", v.join(", "));
        let texts = |v: &[String]| list(&v.iter().map(|s| text(s)).collect::<Vec<_>>());
        let series = self.series.iter().map(|s| {
            let values: Vec<String> =
                s.values.iter().map(|v| v.map_or("null".into(), |v| v.to_string())).collect();
            let foreign: Vec<String> = s.foreign.iter().map(|v| format!("{v:.3}")).collect();
            format!(
                "    {{\"workload\": {}, \"row\": {}, \"contender\": {}, \"unit\": {}, \
                 \"values\": {}, \"foreign_cpus\": {}}}",
                text(s.workload),
                text(&s.row),
                text(s.who),
                text(&s.unit),
                list(&values),
                list(&foreign)
            )
        });
        let series: Vec<String> = series.collect();
        let figures: Vec<String> = FIGURES
            .iter()
            .filter_map(|f| {
                let (s, v) = self.figure(f)?;
                Some(format!(
                    "    {{\"figure\": {}, \"median\": {}, \"low\": {}, \"high\": {}, \"bound\": {}, \
                     \"verdict\": {}}}",
                    text(f.name),
                    s.median,
                    s.low,
                    s.high,
                    text(&bound_text(f)),
                    text(verdict_text(v))
                ))
            })
            .collect();
        format!(
            "{{\n  \"rounds\": {},\n  \"quick\": {},\n  \"machine\": {},\n  \"versions\": {},\n  \
             \"absent\": {},\n  \"series\": [\n{}\n  ],\n  \"figures\": [\n{}\n  ]\n}}\n",
            options.rounds,
            options.quick,
            texts(head),
            texts(&make::versions()),
            texts(&self.absent),
            series.join(",\n"),
            figures.join(",\n")
        )
    }
}

fn bound_text(f: &Figure) -> String {
    match f.bound {
        Bound::Most(b) => format!("at most {b}"),
        Bound::Least(b) => format!("at least {b}"),
        Bound::Report => "reported".into(),
    }
}

fn verdict_text(v: Verdict) -> &'static str {
    match v {
        Verdict::Met => "met",
        Verdict::Missed => "missed",
        Verdict::Withheld => "withheld: the bound lies inside the spread",
        Verdict::Disturbed => "withheld: others were busy",
        Verdict::Reported => "reported",
    }
}

fn figure_line(f: &Figure, s: Spread, v: Verdict) -> String {
    let unit = if f.unit.is_empty() { String::new() } else { format!(" {}", f.unit) };
    let range = format!("{}..{}", number(s.low), number(s.high));
    let median = number(s.median);
    match v {
        Verdict::Reported => format!("figure: {} = {median}{unit} ({range})", f.name),
        Verdict::Withheld => format!(
            "figure: {} withheld: {range}{unit} has the bound inside ({})",
            f.name,
            bound_text(f)
        ),
        v => format!(
            "figure: {} = {median}{unit} ({range}; {}) {}",
            f.name,
            bound_text(f),
            verdict_text(v)
        ),
    }
}

/// A JSON string.
fn text(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(row: &str, who: &'static str, values: &[f64]) -> Series {
        let values = values.iter().map(|v| Some(*v)).collect();
        let (row, unit) = (row.into(), "ns".into());
        Series { workload: "w", row, who, unit, values, foreign: vec![0.0] }
    }

    #[test]
    fn figures_are_ratios_within_rounds() {
        let series = vec![
            series("yield2", "photonrt", &[3.0, 6.0, 3.3]),
            series("yield2", "limit", &[2.0, 4.0, 2.2]),
            series("parked", "photonrt", &[5000.0, 5200.0, 5100.0]),
        ];
        let r = Results { series, absent: Vec::new() };
        let text = r.figures();
        assert!(
            text.contains("figure: yield2 / bare switch = 1.50 (1.50..1.50; at most 2) met"),
            "{text}"
        );
        assert!(text.contains("parked, resident each withheld: 5000..5200 B has"), "{text}");
        assert!(!text.contains("http"), "{text}");
        let mut busy = r;
        busy.series[1].foreign = vec![0.9, 0.9, 0.0];
        assert!(
            busy.figures().contains("at most 2) withheld: others were busy"),
            "{}",
            busy.figures()
        );
        let r = busy;
        assert!(r.table().contains("0.67 x ours"), "{}", r.table());
    }

    #[test]
    fn json_strings_are_escaped() {
        assert_eq!(text("a\"b\\\n"), "\"a\\\"b\\\\\\u000a\"");
    }
}
