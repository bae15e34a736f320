//! What is measured: the contenders, the workloads, and the figures drawn from them. A new peer or
//! workload is a line here and a program in `benches/`.

use super::stats::Bound;

/// What a contender is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// photonrt.
    Ours,
    /// What the machine, or a program without a runtime, can do at best.
    Limit,
    /// Another runtime; `--peers` chooses among these.
    Peer,
}

/// A program with its environment.
pub struct Contender {
    pub name: &'static str,
    pub kind: Kind,
    /// Name of the binary, see `make.rs`.
    pub program: &'static str,
    pub env: &'static [(&'static str, &'static str)],
}

const fn one(name: &'static str, kind: Kind, program: &'static str) -> Contender {
    Contender { name, kind, program, env: &[] }
}

pub const CONTENDERS: &[Contender] = &[
    one("photonrt", Kind::Ours, "photonrt"),
    Contender {
        name: "photonrt uring",
        kind: Kind::Ours,
        program: "photonrt",
        env: &[("PHOTONRT_ENGINE", "uring")],
    },
    Contender {
        name: "photonrt ready",
        kind: Kind::Ours,
        program: "photonrt",
        env: &[("PHOTONRT_ENGINE", "ready")],
    },
    Contender {
        name: "photonrt uncoloured",
        kind: Kind::Ours,
        program: "photonrt",
        env: &[("PHOTONRT_NO_COLOUR", "1")],
    },
    one("limit", Kind::Limit, "limit"),
    one("limit spinning", Kind::Limit, "limit"),
    one("C epoll", Kind::Limit, "http-epoll"),
    one("C io_uring", Kind::Limit, "http-uring"),
    one("corosensei", Kind::Peer, "corosensei"),
    one("may", Kind::Peer, "may"),
    one("tokio-ct", Kind::Peer, "tokio-ct"),
    one("tokio-mt", Kind::Peer, "tokio-mt"),
];

/// How a contender does a workload.
pub struct Entrant {
    /// A name of [`CONTENDERS`].
    pub who: &'static str,
    /// The program's own name of it.
    pub run: &'static str,
    /// How often, and with `--quick`. 0: the program's default.
    pub count: [u64; 2],
}

const fn by(who: &'static str, run: &'static str, full: u64, quick: u64) -> Entrant {
    Entrant { who, run, count: [full, quick] }
}

/// Work that contenders do in turn.
pub struct Workload {
    pub name: &'static str,
    /// OS threads at work: 1 pins the process to CPU 1, 2 leaves it both (the programs pin where it matters).
    pub threads: u32,
    /// Seconds after which a run is given up.
    pub patience: u64,
    /// Bytes of free memory without which it is left out (it runs with as many tasks as asked, or not
    /// at all).
    pub memory: u64,
    pub entrants: &'static [Entrant],
}

const M: u64 = 1_000_000;
const K: u64 = 1000;
const GIB: u64 = 1 << 30;

const fn work(name: &'static str, threads: u32, entrants: &'static [Entrant]) -> Workload {
    Workload { name, threads, patience: 60, memory: GIB, entrants }
}

/// In an order that keeps the parts of each figure close together in time.
pub const WORKLOADS: &[Workload] = &[
    work(
        "yield2",
        1,
        &[
            by("limit", "switch_jmp", 20 * M, 5 * M),
            by("photonrt", "yield2", 50 * M, 20 * M),
            by("corosensei", "yield2", 50 * M, 20 * M),
            by("may", "yield2", 10 * M, 2 * M),
            by("tokio-ct", "yield2", 5 * M, M),
            by("tokio-mt", "yield2", 5 * M, M),
        ],
    ),
    work(
        "yield1k",
        1,
        &[
            by("photonrt", "yield1k", 50 * M, 20 * M),
            by("photonrt uncoloured", "yield1k", 50 * M, 20 * M),
            by("corosensei", "yield1k", 20 * M, 5 * M),
            by("may", "yield1k", 10 * M, 2 * M),
            by("tokio-ct", "yield1k", 10 * M, 2 * M),
            by("tokio-mt", "yield1k", 10 * M, 2 * M),
        ],
    ),
    work(
        "yield100k",
        1,
        &[
            by("photonrt", "yield100k", 20 * M, 10 * M),
            by("photonrt uncoloured", "yield100k", 20 * M, 10 * M),
            by("corosensei", "yield100k", 20 * M, 10 * M),
            by("tokio-ct", "yield100k", 10 * M, 2 * M),
            by("tokio-mt", "yield100k", 10 * M, 2 * M),
        ],
    ),
    work(
        "spawn_join",
        1,
        &[
            by("photonrt", "spawn_join", 5 * M, M),
            by("may", "spawn_join", 500 * K, 200 * K),
            by("tokio-ct", "spawn_join", 2 * M, 500 * K),
            by("tokio-mt", "spawn_join", 2 * M, 500 * K),
            by("corosensei", "spawn_join", 5 * M, M),
        ],
    ),
    work(
        "spawn_batch",
        1,
        &[
            by("photonrt", "spawn_batch", 100 * K, 100 * K),
            by("may", "spawn_batch", 30 * K, 30 * K),
            by("tokio-ct", "spawn_batch", 100 * K, 100 * K),
            by("tokio-mt", "spawn_batch", 100 * K, 100 * K),
            by("corosensei", "spawn_batch", 100 * K, 100 * K),
        ],
    ),
    work(
        "spawn_mt",
        2,
        &[
            by("photonrt", "spawn_mt", M, 300 * K),
            by("may", "spawn_mt", 300 * K, 100 * K),
            by("tokio-ct", "spawn_mt", M, 300 * K),
            by("tokio-mt", "spawn_mt", M, 300 * K),
        ],
    ),
    Workload {
        name: "skynet",
        threads: 2,
        patience: 90,
        memory: 8 * GIB,
        entrants: &[
            by("photonrt", "skynet", M, 100 * K),
            by("may", "skynet", M, 100 * K),
            by("tokio-ct", "skynet", M, 100 * K),
            by("tokio-mt", "skynet", M, 100 * K),
        ],
    },
    work(
        "pingpong",
        1,
        &[
            by("photonrt", "pingpong", 10 * M, 3 * M),
            by("may", "pingpong", 2 * M, 500 * K),
            by("tokio-ct", "pingpong", 2 * M, 500 * K),
            by("tokio-mt", "pingpong", 2 * M, 500 * K),
        ],
    ),
    work(
        "pingpong_x",
        2,
        &[
            by("limit", "rt_futex_free", 20 * K, 4 * K),
            by("limit spinning", "rt_spin", M, 300 * K),
            by("photonrt uring", "pingpong_x", 100 * K, 10 * K),
            by("photonrt ready", "pingpong_x", 100 * K, 10 * K),
            by("tokio-ct", "pingpong_x", 100 * K, 10 * K),
            by("tokio-mt", "pingpong_x", 100 * K, 10 * K),
        ],
    ),
    work(
        "pingpong_x_busy",
        2,
        &[
            by("limit", "rt_futex", 20 * K, 4 * K),
            by("photonrt uring", "pingpong_x_busy", 500 * K, 50 * K),
            by("photonrt ready", "pingpong_x_busy", 500 * K, 50 * K),
        ],
    ),
    work(
        "pingpong_x_sleep",
        2,
        &[
            by("limit", "rt_futex_sleep", 5 * K, 2 * K),
            by("photonrt uring", "pingpong_x_sleep", 5 * K, 2 * K),
            by("photonrt ready", "pingpong_x_sleep", 5 * K, 2 * K),
        ],
    ),
    work(
        "timers",
        1,
        &[
            by("photonrt uring", "timers", 100 * K, 100 * K),
            by("photonrt ready", "timers", 100 * K, 100 * K),
            by("may", "timers", 30 * K, 30 * K),
            by("tokio-ct", "timers", 100 * K, 100 * K),
            by("tokio-mt", "timers", 100 * K, 100 * K),
        ],
    ),
    Workload {
        name: "parked",
        threads: 1,
        patience: 90,
        memory: 8 * GIB,
        entrants: &[
            by("photonrt", "parked", M, M),
            by("corosensei", "parked", M, M),
            by("may", "parked", 30 * K, 30 * K),
            by("tokio-ct", "parked", M, M),
            by("tokio-mt", "parked", M, M),
        ],
    },
    work(
        "http",
        1,
        &[
            by("C epoll", "http", 0, 0),
            by("photonrt uring", "http", 0, 0),
            by("photonrt ready", "http", 0, 0),
            by("C io_uring", "http", 0, 0),
            by("may", "http", 0, 0),
            by("tokio-ct", "http", 0, 0),
            by("tokio-mt", "http", 0, 0),
        ],
    ),
];

/// A row of one contender.
pub struct Part {
    pub row: &'static str,
    pub who: &'static str,
}

const fn part(row: &'static str, who: &'static str) -> Part {
    Part { row, who }
}

/// A figure that the project has promised, or reports.
pub struct Figure {
    pub name: &'static str,
    pub over: Part,
    /// None: `over` itself is the figure.
    pub under: Option<Part>,
    pub unit: &'static str,
    pub bound: Bound,
}

const fn ratio(name: &'static str, over: Part, under: Part, bound: Bound) -> Figure {
    Figure { name, over, under: Some(under), unit: "", bound }
}
const fn value(name: &'static str, over: Part, unit: &'static str, bound: Bound) -> Figure {
    Figure { name, over, under: None, unit, bound }
}

/// "Far below a futex round trip", as a number: neither side has to be woken by the kernel, so it must
/// not cost even a tenth of what that costs.
const FAR_BELOW: f64 = 0.1;

pub const FIGURES: &[Figure] = &[
    ratio(
        "yield2 / bare switch",
        part("yield2", "photonrt"),
        part("yield2", "limit"),
        Bound::Most(2.0),
    ),
    ratio(
        "yield1k / yield2",
        part("yield1k", "photonrt"),
        part("yield2", "photonrt"),
        Bound::Most(2.0),
    ),
    value("yield100k, coloured", part("yield100k", "photonrt"), "ns", Bound::Report),
    value("yield100k, not coloured", part("yield100k", "photonrt uncoloured"), "ns", Bound::Report),
    ratio(
        "spawn+join: may / ours",
        part("spawn_join", "may"),
        part("spawn_join", "photonrt"),
        Bound::Least(5.0),
    ),
    ratio(
        "spawn+join: tokio-ct / ours",
        part("spawn_join", "tokio-ct"),
        part("spawn_join", "photonrt"),
        Bound::Least(5.0),
    ),
    ratio(
        "spawn+join: tokio-mt / ours",
        part("spawn_join", "tokio-mt"),
        part("spawn_join", "photonrt"),
        Bound::Least(5.0),
    ),
    value("parked, resident each", part("parked", "photonrt"), "B", Bound::Most(5120.0)),
    value("parked, page tables each", part("parked_pte", "photonrt"), "B", Bound::Report),
    ratio(
        "http CPU: uring / C epoll",
        part("http", "photonrt uring"),
        part("http", "C epoll"),
        Bound::Most(1.0),
    ),
    ratio(
        "http CPU: ready / C epoll",
        part("http", "photonrt ready"),
        part("http", "C epoll"),
        Bound::Most(1.1),
    ),
    ratio(
        "http CPU: uring / C io_uring",
        part("http", "photonrt uring"),
        part("http", "C io_uring"),
        Bound::Report,
    ),
    ratio(
        "both asleep: uring / futex",
        part("pingpong_x_sleep", "photonrt uring"),
        part("pingpong_x_sleep", "limit"),
        Bound::Most(1.5),
    ),
    ratio(
        "both asleep: ready / futex",
        part("pingpong_x_sleep", "photonrt ready"),
        part("pingpong_x_sleep", "limit"),
        Bound::Most(1.5),
    ),
    ratio(
        "both busy: uring / futex",
        part("pingpong_x_busy", "photonrt uring"),
        part("pingpong_x_busy", "limit"),
        Bound::Most(FAR_BELOW),
    ),
    ratio(
        "both busy: ready / futex",
        part("pingpong_x_busy", "photonrt ready"),
        part("pingpong_x_busy", "limit"),
        Bound::Most(FAR_BELOW),
    ),
    ratio(
        "back to back: uring / futex",
        part("pingpong_x", "photonrt uring"),
        part("pingpong_x", "limit"),
        Bound::Report,
    ),
    ratio(
        "back to back: ready / futex",
        part("pingpong_x", "photonrt ready"),
        part("pingpong_x", "limit"),
        Bound::Report,
    ),
];

/// The contender of that name.
pub fn contender(name: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|c| c.name == name)
}

/// Names to choose from, for the usage text.
pub fn listing() -> String {
    let workloads: Vec<&str> = WORKLOADS.iter().map(|w| w.name).collect();
    let peers = CONTENDERS.iter().filter(|c| c.kind == Kind::Peer);
    let peers: Vec<&str> = peers.map(|c| c.name).collect();
    format!("workloads: {}\npeers: {}", workloads.join(" "), peers.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entrants_and_figures_name_what_exists() {
        let mut entered = Vec::new();
        for w in WORKLOADS {
            for e in w.entrants {
                assert!(contender(e.who).is_some(), "{}: {}", w.name, e.who);
                assert!(!entered.contains(&(w.name, e.who)), "{}: {} twice", w.name, e.who);
                entered.push((w.name, e.who));
            }
        }
        for f in FIGURES {
            for p in [Some(&f.over), f.under.as_ref()].into_iter().flatten() {
                let workload = p.row.trim_end_matches("_pte");
                assert!(entered.contains(&(workload, p.who)), "{}: {} {}", f.name, p.row, p.who);
            }
        }
    }
}
