//! The report as one page: the Markdown's facts and tables, and a plot for each row. Nothing is loaded
//! from elsewhere and nothing runs.

use super::plot;
use crate::bench::print::{number, range};
use crate::bench::results::{Results, Series};
use crate::bench::stats::Verdict;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;\
background:#fff;color:#222}table{border-collapse:collapse;margin:1em 0}td,th{border-bottom:1px solid #ccc;\
padding:.2em .7em;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}.met{color:#16703a}\
.missed{color:#b3261e;font-weight:600}figure{margin:1em 0}svg{max-width:100%;height:auto}";

/// Text as HTML takes it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The whole page; `overview` is the plot of all workloads.
pub fn document(r: &Results, overview: &str) -> Result<String, String> {
    let mut out =
        String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    let _ = writeln!(out, "<title>photonrt: benchmarks</title><style>{STYLE}</style></head><body>");
    let _ = writeln!(out, "<h1>photonrt beside other runtimes</h1>\n<ul>");
    let quick = if r.quick { " (a quick run: not for quoting)" } else { "" };
    let mut facts = vec![
        format!("{}, {} rounds{quick}", r.command, r.rounds),
        format!("{}, revision {}", r.date, r.revision),
    ];
    facts.extend(r.machine.iter().cloned());
    facts.push(r.versions.join("; "));
    for fact in facts {
        let _ = writeln!(out, "<li>{}</li>", escaped(&fact));
    }
    let _ = writeln!(out, "</ul>\n<figure>{overview}</figure>\n<h2>What is promised</h2>");
    promises(&mut out, r);
    out.push_str("<h2>Every row</h2>\n<p>The line in a bar is the spread over the rounds.</p>\n");
    for row in r.rows() {
        let all: Vec<&Series> = r.of_row(row).filter(|s| s.spread().is_some()).collect();
        let unit = all.first().map_or("", |s| s.unit.as_str());
        let _ = writeln!(out, "<h3>{} ({})</h3>", escaped(row), escaped(unit));
        let _ = writeln!(out, "<figure>{}</figure>", plot::row(&all)?);
    }
    out.push_str("<h2>What was not measured, and why</h2>\n<ul>\n");
    for line in &r.absent {
        let _ = writeln!(out, "<li>{}</li>", escaped(line));
    }
    out.push_str("</ul>\n</body></html>\n");
    Ok(out)
}

fn promises(out: &mut String, r: &Results) {
    out.push_str("<table><tr><th>figure<th>value<th>spread<th>bound<th>verdict</tr>\n");
    for f in &r.figures {
        let name = f.against.as_ref().map_or(f.figure.clone(), |a| format!("{} ({a})", f.figure));
        let (class, value) = match f.verdict {
            Verdict::Met => ("met", number(f.spread.median)),
            Verdict::Missed => ("missed", number(f.spread.median)),
            Verdict::Withheld => ("", "-".into()),
            Verdict::Disturbed | Verdict::Reported => ("", number(f.spread.median)),
        };
        let _ = writeln!(
            out,
            "<tr><td>{}<td class=n>{value} {}<td class=n>{}<td>{}<td class=\"{class}\">{}</tr>",
            escaped(&name),
            escaped(&f.unit),
            range(f.spread),
            f.bound,
            f.verdict
        );
    }
    out.push_str("</table>\n");
}
