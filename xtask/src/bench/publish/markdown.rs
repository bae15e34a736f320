//! The report as Markdown: docs/BENCHMARKS.md, and the table of README.md.

use super::{Best, clear};
use crate::bench::compare;
use crate::bench::plan::{Kind, Sense};
use crate::bench::print::{human, number, range};
use crate::bench::results::{Judged, Results, Series};
use crate::bench::stats::{Verdict, ratios, spread};
use std::fmt::Write;

/// What README.md shows: the plot, and the table below it.
pub fn figures(r: &Results) -> String {
    format!(
        "![how far photonrt is ahead of the best other runtime in each workload](docs/bench.svg)\n\n{}\n\
         Measured on {}, revision {}, {}. [docs/BENCHMARKS.md](docs/BENCHMARKS.md) has every contender,\n\
         spread and promise, missed ones too.\n",
        table(&super::best_peers(r)),
        r.date,
        r.revision,
        r.machine.first().map_or("", |m| m.trim_start_matches("machine: "))
    )
}

/// One line a workload: ours, the best peer, how far ahead.
fn table(best: &[Best]) -> String {
    let mut out = "| workload | photonrt | best other runtime | | ahead |\n|---|--:|---|--:|--:|\n"
        .to_string();
    for b in best {
        let value = |s: &Series| s.spread().map_or(String::new(), |v| human(v.median, &s.unit));
        let ahead = b.shown().map_or("within noise".into(), |r| format!("{r} x"));
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {ahead} |",
            b.ours.row,
            value(b.ours),
            b.peer.title(),
            value(b.peer)
        );
    }
    out
}

const HEAD: &str = "# Benchmarks

Made by `cargo xtask bench --publish`, or by `cargo xtask bench --report docs/benchmarks.json` from the
values of this run. `benches/README.md` says what each workload is, how each contender does it, and how a
value comes about. Ratios are taken inside a round. A spread is from the least to the greatest round, from
five rounds on without the one extreme of each side. A ratio or a verdict is given only where the whole
spread lies on one side: otherwise another run could say the opposite.

";

const ROWS: &str = "## Every row

CPU is the user and system time of the whole run, with setup and warm-up. `*` marks another load than
the others', which no promise compares with. In italics what is no runtime, and shows what the machine
can do.
";

const PROMISES: &str = "\
A line \"X: schedulers\" (or any, or names) is how many times ours is ahead of each of those peers, and
shows the one that decides.

| figure | value | spread | bound | verdict |
|---|--:|--:|---|---|
";

const COLUMNS: &str = "\
| contender | median | spread | beside ours | CPU | rounds |
|---|--:|--:|--:|--:|---|
";

/// All of it.
pub fn document(r: &Results) -> String {
    let mut out = HEAD.to_string();
    facts(&mut out, r);
    promises(&mut out, &r.figures);
    if !r.changes.is_empty() {
        let _ = writeln!(out, "## Since {}\n", r.baseline.as_deref().unwrap_or("the baseline"));
        for line in compare::lines(&r.changes) {
            let _ = writeln!(out, "- {}", line.trim_start_matches("change: "));
        }
        out.push('\n');
    }
    out.push_str(ROWS);
    for row in r.rows() {
        rows(&mut out, r, row);
    }
    out.push_str("\n## What was not measured, and why\n\n");
    for line in &r.absent {
        let _ = writeln!(out, "- {line}");
    }
    if r.absent.is_empty() {
        out.push_str("Nothing was left out of what was asked for.\n");
    }
    out
}

fn facts(out: &mut String, r: &Results) {
    let _ = writeln!(out, "- command: `{}`, {} rounds", r.command, r.rounds);
    let _ = writeln!(out, "- date: {}; revision {}", r.date, r.revision);
    for line in &r.machine {
        let _ = writeln!(out, "- {line}");
    }
    let _ = writeln!(out, "- versions: {}", r.versions.join("; "));
    if r.quick {
        out.push_str(
            "- **A quick run**: less work in each, for finding one's way and not for quoting.\n",
        );
    }
    out.push('\n');
}

fn promises(out: &mut String, figures: &[Judged]) {
    let count = |v: fn(Verdict) -> bool| figures.iter().filter(|f| v(f.verdict)).count();
    out.push_str("## What is promised\n\n");
    let _ = writeln!(
        out,
        "{} met, {} missed, {} withheld.",
        count(|v| v == Verdict::Met),
        count(|v| v == Verdict::Missed),
        count(|v| matches!(v, Verdict::Withheld | Verdict::Disturbed))
    );
    out.push_str(PROMISES);
    for f in figures {
        let name = f.against.as_ref().map_or(f.figure.clone(), |a| format!("{} ({a})", f.figure));
        let value = match f.verdict {
            Verdict::Withheld => "-".into(),
            _ => format!("{} {}", number(f.spread.median), f.unit).trim_end().to_string(),
        };
        let _ = writeln!(
            out,
            "| {name} | {value} | {} | {} | {} |",
            range(f.spread),
            f.bound,
            f.verdict
        );
    }
    out.push('\n');
}

fn rows(out: &mut String, r: &Results, row: &str) {
    let ours = super::ours(r, row);
    let Some(first) = r.of_row(row).next() else { return };
    let sense = match first.sense {
        Sense::Less => ", less is better",
        Sense::More => ", more is better",
        Sense::Neither => "",
    };
    let _ = writeln!(out, "\n### {row}\n\n{}{sense}.\n", first.unit);
    out.push_str(COLUMNS);
    for s in r.of_row(row) {
        let _ = writeln!(out, "{}", line(s, ours, r.rounds));
    }
}

fn line(s: &Series, ours: Option<&Series>, rounds: usize) -> String {
    let name = match s.kind {
        Kind::Ours => format!("**{}**", s.title()),
        Kind::Limit => format!("*{}*", s.title()),
        Kind::Peer => s.title().replace('*', "\\*"),
    };
    let beside = ours.filter(|u| u.contender != s.contender).and_then(|u| {
        let ratio = spread(&ratios(&s.values, &u.values))?;
        let text = format!("{} x", number(ratio.median));
        Some(if clear(ratio) { text } else { "within noise".into() })
    });
    let (median, span) =
        s.spread().map_or(("-".into(), "-".into()), |v| (number(v.median), range(v)));
    let cpu = s.cpu().map_or(String::new(), |c| format!("{} s", number(c)));
    let count = s.values.iter().flatten().count();
    let mut told = if count < rounds { format!("{count} of {rounds}") } else { count.to_string() };
    if s.disturbed() > 0 {
        let _ = write!(told, ", {} disturbed", s.disturbed());
    }
    format!("| {name} | {median} | {span} | {} | {cpu} | {told} |", beside.unwrap_or_default())
}
