//! What is measured: the contenders here, the workloads, and the figures drawn from them. A new peer
//! or workload is a line here and a program in `benches/`.

mod figures;
mod workloads;

pub use figures::{FIGURES, Figure, Part};
pub use workloads::{Entrant, WORKLOADS, Workload};

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
    one("C threads", Kind::Limit, "threads"),
    one("fio", Kind::Limit, "fio"),
    one("boost.fiber", Kind::Peer, "boost-fiber"),
    one("corosensei", Kind::Peer, "corosensei"),
    one("crossbeam", Kind::Peer, "crossbeam"),
    one("glommio", Kind::Peer, "glommio"),
    Contender { name: "go-p1", kind: Kind::Peer, program: "go", env: &[("GOMAXPROCS", "1")] },
    Contender { name: "go-p2", kind: Kind::Peer, program: "go", env: &[("GOMAXPROCS", "2")] },
    one("libuv", Kind::Peer, "http-uv"),
    one("may", Kind::Peer, "may"),
    one("monoio", Kind::Peer, "monoio"),
    one("parking_lot", Kind::Peer, "parking_lot"),
    one("std-threads", Kind::Peer, "std-threads"),
    one("tokio-ct", Kind::Peer, "tokio-ct"),
    one("tokio-mt", Kind::Peer, "tokio-mt"),
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
                // A workload's own row, or a further one of it: `parked_pte`.
                let of = |w: &str| {
                    p.row.strip_prefix(w).is_some_and(|r| r.is_empty() || r.starts_with('_'))
                };
                let known = entered.iter().any(|(w, who)| *who == p.who && of(w));
                assert!(known, "{}: {} {}", f.name, p.row, p.who);
            }
        }
    }
}
