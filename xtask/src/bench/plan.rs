//! What is measured.
//!
//! ```text
//! workloads.rs   name, rows with unit and sense, threads, counts      what the work is
//! peers/X.rs     program and how it is built, contenders, their tasks  who does what of it
//! figures.rs     what the project promises, over the rows of both
//! ```
//! A new peer is one small file and its line in `peers.rs`; a new workload is one entry, and a line in the
//! file of everybody who can do it. So many hands can work on the suite without getting in each
//! other's way.

mod figures;
mod peers;
mod workloads;

pub use figures::{FIGURES, Field, Figure, Part, What};
pub use workloads::{How, Sense, WORKLOADS, Workload};

use super::measure::Fail;
use serde::{Deserialize, Serialize};

/// What a contender is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// photonrt.
    Ours,
    /// What the machine, or a program without a runtime, can do at best.
    Limit,
    /// Another runtime; `--peers` chooses among these.
    Peer,
}

/// A binary that speaks the protocol of benches/README.md.
pub struct Program {
    /// Its file in `target/photonrt/bench`.
    pub name: &'static str,
    /// Builds it there.
    pub make: fn(&Program) -> Result<(), Fail>,
    /// What it is made of and with, for the report.
    pub versions: fn() -> Vec<String>,
}

/// A program with its environment, and what it does.
#[derive(Clone, Copy)]
pub struct Contender {
    pub name: &'static str,
    pub kind: Kind,
    /// It runs tasks, beside switching between them.
    pub scheduler: bool,
    /// Its tasks have stacks of their own.
    pub stackful: bool,
    pub program: &'static Program,
    pub env: &'static [(&'static str, &'static str)],
    pub tasks: &'static [Task],
}

impl Contender {
    const fn new(name: &'static str, kind: Kind, program: &'static Program) -> Contender {
        let (scheduler, stackful) = (false, false);
        Contender { name, kind, scheduler, stackful, program, env: &[], tasks: &[] }
    }

    /// Another runtime, without a scheduler or stacks until that is said.
    pub const fn peer(name: &'static str, program: &'static Program) -> Contender {
        Contender::new(name, Kind::Peer, program)
    }

    /// A peer with a scheduler: what is compared with our own.
    pub const fn scheduler(self) -> Contender {
        Contender { scheduler: true, ..self }
    }

    /// A peer whose tasks have stacks.
    pub const fn stackful(self) -> Contender {
        Contender { stackful: true, ..self }
    }

    pub const fn env(self, env: &'static [(&'static str, &'static str)]) -> Contender {
        Contender { env, ..self }
    }

    pub const fn tasks(self, tasks: &'static [Task]) -> Contender {
        Contender { tasks, ..self }
    }
}

/// A contender's part in a workload.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// A name of `WORKLOADS`.
    pub workload: &'static str,
    /// The program's own name of it.
    pub run: &'static str,
    /// How often, and with `--quick`, where it is not as often as the workload says.
    count: Option<[u64; 2]>,
    /// The count changes what the machine has to bear, not just for how long: marked in tables, and
    /// not compared with in promises.
    pub other_load: bool,
}

/// The workload's name and counts.
pub const fn does(workload: &'static str) -> Task {
    Task { workload, run: workload, count: None, other_load: false }
}

impl Task {
    /// Where the program has another name for it.
    pub const fn as_(self, run: &'static str) -> Task {
        Task { run, ..self }
    }

    /// The same work more or less often, as the contender's speed asks for.
    pub const fn times(self, full: u64, quick: u64) -> Task {
        Task { count: Some([full, quick]), ..self }
    }

    /// A different load: 30,000 tasks at once, say, instead of 100,000.
    pub const fn load(self, full: u64, quick: u64) -> Task {
        Task { count: Some([full, quick]), other_load: true, ..self }
    }

    /// How often in `workload`. 0: the program's own default.
    pub fn count(&self, workload: &Workload, quick: bool) -> u64 {
        self.count.unwrap_or(workload.counts)[usize::from(quick)]
    }
}

const M: u64 = 1_000_000;
const K: u64 = 1000;

/// Everybody, in the order in which they take turns.
pub fn contenders() -> impl Iterator<Item = &'static Contender> {
    peers::ALL.iter().copied().flatten()
}

/// Names to choose from, for the usage text.
pub fn listing() -> String {
    let workloads: Vec<&str> = WORKLOADS.iter().map(|w| w.name).collect();
    let peers = contenders().filter(|c| c.kind == Kind::Peer);
    let peers: Vec<&str> = peers.map(|c| c.name).collect();
    format!("workloads: {}\npeers: {}", workloads.join(" "), peers.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(name: &str) -> Option<&'static Contender> {
        contenders().find(|c| c.name == name)
    }

    /// Whether `who` does the workload that `row` is of: its own row or a further one, `parked_pte`.
    fn does_row(row: &str, who: &str) -> bool {
        let of = |w: &str| row.strip_prefix(w).is_some_and(|r| r.is_empty() || r.starts_with('_'));
        contender(who).is_some_and(|c| c.tasks.iter().any(|t| of(t.workload)))
    }

    #[test]
    fn tasks_name_workloads_and_each_name_stands_once() {
        let mut names: Vec<&str> = Vec::new();
        for c in contenders() {
            assert!(!names.contains(&c.name), "{} twice", c.name);
            names.push(c.name);
            let mut seen: Vec<&str> = Vec::new();
            for t in c.tasks {
                let known = WORKLOADS.iter().any(|w| w.name == t.workload);
                assert!(known, "{}: {}", c.name, t.workload);
                assert!(!seen.contains(&t.workload), "{}: {} twice", c.name, t.workload);
                seen.push(t.workload);
            }
        }
        for (i, w) in WORKLOADS.iter().enumerate() {
            assert!(WORKLOADS[..i].iter().all(|o| o.name != w.name), "{} twice", w.name);
            assert!(!w.rows.is_empty(), "{}: no rows", w.name);
        }
    }

    #[test]
    fn figures_name_what_is_measured() {
        for (i, f) in FIGURES.iter().enumerate() {
            assert!(FIGURES[..i].iter().all(|o| o.name != f.name), "{} twice", f.name);
            let parts = match f.what {
                What::Value(p, _) => vec![p],
                What::Ratio(over, under) => vec![over, under],
                What::Ahead(p, field) => {
                    let known = WORKLOADS.iter().flat_map(|w| w.rows).any(|r| r.name == p.row);
                    assert!(known, "{}: no row {}", f.name, p.row);
                    if let Field::Named(names) = field {
                        let peers = names.iter().all(|n| {
                            contender(n).is_some_and(|c| c.kind == Kind::Peer) && does_row(p.row, n)
                        });
                        assert!(peers, "{}: not all do {}", f.name, p.row);
                    }
                    vec![p]
                }
            };
            for p in parts {
                assert!(does_row(p.row, p.who), "{}: {} {}", f.name, p.row, p.who);
            }
        }
    }
}
