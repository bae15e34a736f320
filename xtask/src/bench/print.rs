//! What a run prints on the console.

use super::plan::Kind;
use super::publish::clear;
use super::results::{Judged, Results};
use super::stats::{Spread, Verdict, ratios, spread};
use std::fmt::Write;

/// Three or four digits.
pub fn number(v: f64) -> String {
    match v.abs() {
        a if a >= 100.0 => format!("{v:.0}"),
        a if a >= 10.0 => format!("{v:.1}"),
        _ => format!("{v:.2}"),
    }
}

/// A value with its unit, in the next larger one where that leaves fewer digits.
pub fn human(v: f64, unit: &str) -> String {
    match unit {
        "ns" if v >= 1e4 => human(v / 1e3, "us"),
        "us" if v >= 1e4 => human(v / 1e3, "ms"),
        "x" => number(v),
        _ if v >= 1e6 => format!("{} M {unit}", number(v / 1e6)),
        _ if v >= 1e4 => format!("{} k {unit}", number(v / 1e3)),
        _ => format!("{} {unit}", number(v)),
    }
}

/// `low..high`.
pub fn range(s: Spread) -> String {
    format!("{}..{}", number(s.low), number(s.high))
}

/// One line a contender, grouped by row; a column compares with the first contender of ours, where the
/// noise lets it.
pub fn table(r: &Results) -> String {
    let mut out = String::new();
    for row in r.rows() {
        let ours = r.of_row(row).find(|o| o.kind == Kind::Ours);
        let unit = r.of_row(row).next().map_or("", |s| s.unit.as_str());
        let _ = writeln!(out, "{row} ({unit})");
        for o in r.of_row(row) {
            let Some(v) = o.spread() else {
                let _ = writeln!(out, "  {:<20} no run gave a value", o.title());
                continue;
            };
            let against = ours.filter(|u| u.contender != o.contender).and_then(|u| {
                let s = spread(&ratios(&o.values, &u.values))?;
                let ratio = format!("{} x ours", number(s.median));
                Some(if clear(s) { ratio } else { "within noise".into() })
            });
            let mut line = format!("  {:<20} {:>9}  {:<19}", o.title(), number(v.median), range(v));
            let cpu = o.cpu().map_or(String::new(), |c| format!("{} s CPU", number(c)));
            let _ = write!(line, " {:<14} {cpu:<11}", against.unwrap_or_default());
            let (given, disturbed) = (o.values.iter().flatten().count(), o.disturbed());
            if given < r.rounds {
                let _ = write!(line, " {given} of {} rounds", r.rounds);
            }
            if disturbed > 0 {
                let _ = write!(line, " {disturbed} of {given} runs disturbed");
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    out
}

/// One line a figure.
pub fn figure(j: &Judged) -> String {
    let unit = if j.unit.is_empty() { String::new() } else { format!(" {}", j.unit) };
    let name = j.against.as_ref().map_or(j.figure.clone(), |a| format!("{} ({a})", j.figure));
    let (median, span) = (number(j.spread.median), range(j.spread));
    match j.verdict {
        Verdict::Reported => format!("figure: {name} = {median}{unit} ({span})"),
        Verdict::Withheld => {
            format!("figure: {name} withheld: {span}{unit} has the bound inside ({})", j.bound)
        }
        v => format!("figure: {name} = {median}{unit} ({span}; {}) {v}", j.bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::FIGURES;
    use crate::bench::results::tests::{results, series};

    #[test]
    fn values_for_people() {
        assert_eq!(human(2.6, "ns"), "2.60 ns");
        assert_eq!(human(26_036.0, "ns"), "26.0 us");
        assert_eq!(human(12_300_000.0, "ns"), "12.3 ms");
        assert_eq!(human(1_574_061.0, "reads/s"), "1.57 M reads/s");
        assert_eq!(human(4422.0, "B/task"), "4422 B/task");
    }

    #[test]
    fn a_table_says_what_is_certain_and_what_failed() {
        let mut r = results(vec![
            series("yield2", "photonrt", &[3.0, 6.0, 3.3]),
            series("yield2", "limit", &[2.0, 4.0, 2.2]),
            series("yield2", "go-p1", &[2.9, 7.0, 3.0]),
            series("yield2", "may", &[0.0]),
        ]);
        r.rounds = 3;
        r.series[1].values[2] = None;
        r.series[3].values[0] = None;
        let text = table(&r);
        assert!(text.contains("0.67 x ours") && text.contains("2 of 3 rounds"), "{text}");
        assert!(text.contains("within noise") && text.contains("no run gave a value"), "{text}");
        assert!(text.contains("0.50 s CPU"), "{text}");
    }

    #[test]
    fn a_figure_is_one_line() {
        let r = results(vec![
            series("yield2", "photonrt", &[3.0, 6.0, 3.3]),
            series("yield2", "limit", &[2.0, 4.0, 2.2]),
            series("parked", "photonrt", &[5000.0, 5200.0, 5100.0]),
        ]);
        let lines: Vec<String> = r.judge(FIGURES).iter().map(figure).collect();
        let text = lines.join("\n");
        let first = "figure: yield2 / bare switch, first bound = 1.50 (1.50..1.50; at most 2) met";
        assert!(text.contains(first), "{text}");
        assert!(text.contains("first bound withheld: 5000..5200 B has"), "{text}");
    }
}
