//! The report, from a run's JSON alone: whoever has the file can make it again.
//!
//! ```text
//! docs/BENCHMARKS.md    every row, every contender, every promise, what is missing   (markdown.rs)
//! docs/benchmarks.html  the same with plots, in one file                             (page.rs)
//! docs/bench.svg        one bar a workload: the best peer against ours               (plot.rs)
//! docs/benchmarks.json  the values themselves
//! README.md             plot and table, between two markers
//! ```
//! A ratio appears only where the noise leaves it standing, in all of these.

mod markdown;
mod page;
mod plot;

use super::plan::{Kind, Sense};
use super::results::{Results, Series};
use super::stats::{Spread, ratios, spread};
use crate::sh::root;
use std::fs;
use std::path::Path;

/// Where the table stands in README.md.
const BEGIN: &str = "<!-- bench table: begin -->";
const END: &str = "<!-- bench table: end -->";

/// Writes all of it into the workspace.
pub fn publish(results: &Results) -> Result<(), String> {
    let svg = plot::overview(&best_peers(results))?;
    let write = |name: &str, text: &str| {
        let path = root().join(name);
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("wrote {name}");
        Ok::<(), String>(())
    };
    write("docs/BENCHMARKS.md", &markdown::document(results))?;
    write("docs/benchmarks.html", &page::document(results, &svg)?)?;
    write("docs/bench.svg", &svg)?;
    results.write(&root().join("docs/benchmarks.json"))?;
    println!("wrote docs/benchmarks.json");
    let readme = read(&root().join("README.md"))?;
    write("README.md", &between(&readme, &markdown::figures(results))?)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// `text` with `table` between the markers.
fn between(text: &str, table: &str) -> Result<String, String> {
    let cut = text.split_once(BEGIN).and_then(|(a, r)| Some((a, r.split_once(END)?.1)));
    let (head, tail) = cut.ok_or_else(|| format!("README.md has no {BEGIN} and {END}"))?;
    Ok(format!("{head}{BEGIN}\n{table}{END}{tail}"))
}

/// How far ours is ahead of the best peer in a row.
struct Best<'a> {
    ours: &'a Series,
    peer: &'a Series,
    /// Above 1: ours is better.
    ahead: Spread,
}

impl Best<'_> {
    /// None where it can't be told which of the two is better.
    fn shown(&self) -> Option<String> {
        clear(self.ahead).then(|| super::print::number(self.ahead.median))
    }
}

/// Whether a ratio says anything: its whole spread lies on one side of 1.
pub fn clear(s: Spread) -> bool {
    s.low > 1.0 || s.high < 1.0
}

/// Ours that stands for a row: the default, or the engine that is the default.
fn ours<'a>(results: &'a Results, row: &'a str) -> Option<&'a Series> {
    results.find(row, "photonrt").or_else(|| results.find(row, "photonrt uring"))
}

/// Not compared at a glance: a program's bytes are half of the matter where it needs a virtual machine.
const NOT_AT_A_GLANCE: &[&str] = &["size"];

/// For each workload's own row: the peer that is closest to ours or furthest ahead of it. Of other
/// runtimes, where there are any: a switch without a scheduler and a lock for threads are something else,
/// and stand in the report.
fn best_peers(results: &Results) -> Vec<Best<'_>> {
    let mut all = Vec::new();
    for row in results.rows() {
        let Some(ours) = ours(results, row) else { continue };
        // `timers` has no row of its own name; its first one is what stands for it.
        let first = results.series.iter().find(|s| s.workload == ours.workload);
        let shown = ours.sense != Sense::Neither && !NOT_AT_A_GLANCE.contains(&row);
        if first.is_none_or(|f| f.row != row) || !shown {
            continue;
        }
        let peers = || results.of_row(row).filter(|s| s.kind == Kind::Peer && !s.other_load);
        let runtimes = peers().any(|s| s.scheduler);
        let peers = peers().filter(|s| s.scheduler || !runtimes);
        let ahead = peers.filter_map(|peer| {
            let ahead = spread(&match ours.sense {
                Sense::More => ratios(&ours.values, &peer.values),
                _ => ratios(&peer.values, &ours.values),
            })?;
            Some(Best { ours, peer, ahead })
        });
        all.extend(ahead.min_by(|a, b| a.ahead.median.total_cmp(&b.ahead.median)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::FIGURES;
    use crate::bench::results::tests::{results, series};

    fn sample() -> Results {
        let mut r = results(vec![
            series("yield2", "limit", &[2.0, 2.0, 2.0]),
            series("yield2", "photonrt", &[3.0, 3.1, 3.0]),
            series("yield2", "go-p1", &[110.0, 120.0, 115.0]),
            series("yield2", "glommio", &[43.0, 44.0, 43.0]),
            series("mutex64", "photonrt", &[30.0, 31.0, 29.0]),
            series("mutex64", "go-p2", &[29.0, 32.0, 30.0]),
        ]);
        r.series[2].cpu_seconds = vec![None; 3];
        r.absent.push("http nginx|<x>: needs nginx".into());
        r.figures = r.judge(FIGURES);
        r.command = "cargo xtask bench".into();
        r
    }

    #[test]
    fn the_best_peer_is_named_and_noise_is_not_a_ratio() {
        let r = sample();
        let best = best_peers(&r);
        let told: Vec<_> = best.iter().map(|b| (b.peer.contender.as_str(), b.shown())).collect();
        assert_eq!(told, [("glommio", Some("14.3".into())), ("go-p2", None)]);
    }

    #[test]
    fn the_document_holds_every_row_promise_and_gap() {
        let r = sample();
        let text = markdown::document(&r);
        for part in ["yield2", "glommio", "go-p2", "limit", "needs nginx", "within noise"] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        for f in &r.figures {
            assert!(text.contains(&f.figure), "{}", f.figure);
        }
        let page = page::document(&r, "<svg></svg>").unwrap_or_else(|e| panic!("{e}"));
        assert!(page.contains("&lt;x&gt;") && !page.contains("<x>"), "text is escaped");
        assert!(!page.contains("<script") && !page.contains("http://www.w3.org/1999/xlink"));
    }

    #[test]
    fn the_readme_gets_plot_and_table() {
        let text = markdown::figures(&sample());
        assert!(text.contains("(docs/bench.svg)"), "{text}");
        assert!(text.contains("| `yield2` | 3.00 ns | glommio | 43.0 ns | 14.3 x |"), "{text}");
        assert!(text.contains("within noise"), "{text}");
    }

    #[test]
    fn the_plot_has_a_bar_a_workload() {
        let r = sample();
        let svg = plot::overview(&best_peers(&r)).unwrap_or_else(|e| panic!("{e}"));
        assert!(
            svg.contains("yield2") && svg.contains("glommio") && svg.contains("mutex64"),
            "{svg}"
        );
        assert!(svg.trim_end().ends_with("</svg>"));
        assert!(plot::overview(&[]).is_ok(), "a run of limits only");
    }

    #[test]
    fn the_readme_s_table_is_replaced_and_nothing_else() {
        let old = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = between(&old, "new\n").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(new, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(between(&new, "new\n"), Ok(new.clone()));
        assert!(between("nothing", "x").is_err());
        let readme = read(&root().join("README.md")).unwrap_or_else(|e| panic!("{e}"));
        assert!(between(&readme, "x").is_ok(), "the workspace's own has the markers");
    }
}
