//! The figures that the project has promised, and those that it reports.

use crate::bench::stats::Bound;

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
        Bound::Most(1.05),
    ),
    ratio(
        "http CPU: uring / monoio",
        part("http", "photonrt uring"),
        part("http", "monoio"),
        Bound::Most(1.0),
    ),
    ratio(
        "http CPU: uring / tokio-ct",
        part("http", "photonrt uring"),
        part("http", "tokio-ct"),
        Bound::Most(1.0),
    ),
    ratio(
        "http CPU: uring / glommio",
        part("http", "photonrt uring"),
        part("http", "glommio"),
        Bound::Most(1.0),
    ),
    ratio(
        "http CPU: ready / tokio-ct",
        part("http", "photonrt ready"),
        part("http", "tokio-ct"),
        Bound::Most(1.0),
    ),
    ratio(
        "http CPU: ready / tokio-mt",
        part("http", "photonrt ready"),
        part("http", "tokio-mt"),
        Bound::Most(1.0),
    ),
    ratio(
        "http CPU: ready / libuv",
        part("http", "photonrt ready"),
        part("http", "libuv"),
        Bound::Most(1.0),
    ),
    ratio(
        "stream, one CPU: uring / threads",
        part("stream1", "photonrt uring"),
        part("stream1", "C threads"),
        Bound::Least(0.95),
    ),
    ratio(
        "stream, one CPU, CPU a byte: uring / threads",
        part("stream1_cpu", "photonrt uring"),
        part("stream1_cpu", "C threads"),
        Bound::Most(1.05),
    ),
    ratio(
        "stream, one CPU: ready / threads",
        part("stream1", "photonrt ready"),
        part("stream1", "C threads"),
        Bound::Least(0.95),
    ),
    ratio(
        "stream, one CPU, CPU a byte: ready / threads",
        part("stream1_cpu", "photonrt ready"),
        part("stream1_cpu", "C threads"),
        Bound::Most(1.05),
    ),
    ratio(
        "stream, two CPUs: uring / threads",
        part("stream2", "photonrt uring"),
        part("stream2", "C threads"),
        Bound::Least(0.95),
    ),
    ratio(
        "stream, two CPUs, CPU a byte: uring / threads",
        part("stream2_cpu", "photonrt uring"),
        part("stream2_cpu", "C threads"),
        Bound::Most(1.05),
    ),
    ratio(
        "stream, two CPUs: ready / threads",
        part("stream2", "photonrt ready"),
        part("stream2", "C threads"),
        Bound::Least(0.95),
    ),
    ratio(
        "stream, two CPUs, CPU a byte: ready / threads",
        part("stream2_cpu", "photonrt ready"),
        part("stream2_cpu", "C threads"),
        Bound::Most(1.05),
    ),
    ratio(
        "pread 4 KiB, page cache: uring / fio",
        part("pread4k", "photonrt uring"),
        part("pread4k", "fio"),
        Bound::Least(0.95),
    ),
    ratio(
        "pread 4 KiB, page cache: ready / fio",
        part("pread4k", "photonrt ready"),
        part("pread4k", "fio"),
        Bound::Report,
    ),
    ratio(
        "pread 4 KiB, O_DIRECT: uring / fio",
        part("pread4k_direct", "photonrt uring"),
        part("pread4k_direct", "fio"),
        Bound::Least(0.95),
    ),
    ratio(
        "pread 4 KiB, O_DIRECT: ready / fio",
        part("pread4k_direct", "photonrt ready"),
        part("pread4k_direct", "fio"),
        Bound::Report,
    ),
    value("idle, resident each: uring", part("idle", "photonrt uring"), "B", Bound::Most(6144.0)),
    value("idle, resident each: ready", part("idle", "photonrt ready"), "B", Bound::Most(6144.0)),
    value("idle, page tables each", part("idle_pte", "photonrt uring"), "B", Bound::Report),
    value(
        "idle, the kernel's slabs, both ends",
        part("idle_kernel", "photonrt uring"),
        "B",
        Bound::Report,
    ),
    value(
        "idle, 10k / 64 active: uring",
        part("idle_cost", "photonrt uring"),
        "x",
        Bound::Most(1.25),
    ),
    value(
        "idle, 10k / 64 active: ready",
        part("idle_cost", "photonrt ready"),
        "x",
        Bound::Most(1.25),
    ),
    value("idle, 10k / 64 active: C epoll", part("idle_cost", "C epoll"), "x", Bound::Report),
    ratio(
        "idle, that: uring / C epoll",
        part("idle_cost", "photonrt uring"),
        part("idle_cost", "C epoll"),
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
    ratio(
        "semaphore round trip / yield2",
        part("sem_pingpong", "photonrt"),
        part("yield2", "photonrt"),
        Bound::Most(3.0),
    ),
    ratio(
        "semaphore round trip: may / ours",
        part("sem_pingpong", "may"),
        part("sem_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "semaphore round trip: tokio-ct / ours",
        part("sem_pingpong", "tokio-ct"),
        part("sem_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "semaphore round trip: tokio-mt / ours",
        part("sem_pingpong", "tokio-mt"),
        part("sem_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "channel round trip / yield2",
        part("chan_pingpong", "photonrt"),
        part("yield2", "photonrt"),
        Bound::Most(3.0),
    ),
    ratio(
        "channel round trip: may / ours",
        part("chan_pingpong", "may"),
        part("chan_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "channel round trip: tokio-ct / ours",
        part("chan_pingpong", "tokio-ct"),
        part("chan_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "channel round trip: tokio-mt / ours",
        part("chan_pingpong", "tokio-mt"),
        part("chan_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "channel round trip: go-p1 / ours",
        part("chan_pingpong", "go-p1"),
        part("chan_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "channel round trip: boost.fiber / ours",
        part("chan_pingpong", "boost.fiber"),
        part("chan_pingpong", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "channel across two: go-p2 / uring",
        part("chan_pingpong_x", "go-p2"),
        part("chan_pingpong_x", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "channel across two: go-p2 / ready",
        part("chan_pingpong_x", "go-p2"),
        part("chan_pingpong_x", "photonrt ready"),
        Bound::Least(1.0),
    ),
    ratio(
        "channel across two: tokio-ct / uring",
        part("chan_pingpong_x", "tokio-ct"),
        part("chan_pingpong_x", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "channel across two: tokio-ct / ready",
        part("chan_pingpong_x", "tokio-ct"),
        part("chan_pingpong_x", "photonrt ready"),
        Bound::Least(1.0),
    ),
    ratio(
        "channel across two: tokio-mt / uring",
        part("chan_pingpong_x", "tokio-mt"),
        part("chan_pingpong_x", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "channel across two: tokio-mt / ready",
        part("chan_pingpong_x", "tokio-mt"),
        part("chan_pingpong_x", "photonrt ready"),
        Bound::Least(1.0),
    ),
    ratio(
        "select of 8: go-p1 / ours",
        part("select8", "go-p1"),
        part("select8", "photonrt"),
        Bound::Least(1.5),
    ),
    ratio(
        "select of 8: tokio-ct / ours",
        part("select8", "tokio-ct"),
        part("select8", "photonrt"),
        Bound::Report,
    ),
    ratio(
        "select of 8: tokio-mt / ours",
        part("select8", "tokio-mt"),
        part("select8", "photonrt"),
        Bound::Report,
    ),
    ratio(
        "select of 8: crossbeam / ours",
        part("select8", "crossbeam"),
        part("select8", "photonrt"),
        Bound::Report,
    ),
    ratio(
        "free mutex: ours / parking_lot",
        part("mutex_free", "photonrt"),
        part("mutex_free", "parking_lot"),
        Bound::Most(1.2),
    ),
    ratio(
        "mutex of 64: parking_lot / ours",
        part("mutex64", "parking_lot"),
        part("mutex64", "photonrt"),
        Bound::Report,
    ),
    ratio(
        "mutex of 64: std-threads / ours",
        part("mutex64", "std-threads"),
        part("mutex64", "photonrt"),
        Bound::Report,
    ),
    ratio(
        "mutex of 64: may / ours",
        part("mutex64", "may"),
        part("mutex64", "photonrt"),
        Bound::Least(1.0),
    ),
    ratio(
        "mutex of 64: tokio-ct / ours",
        part("mutex64", "tokio-ct"),
        part("mutex64", "photonrt"),
        Bound::Least(1.0),
    ),
    ratio(
        "mutex of 64: tokio-mt / ours",
        part("mutex64", "tokio-mt"),
        part("mutex64", "photonrt"),
        Bound::Least(1.0),
    ),
    ratio(
        "mutex of 64: go-p2 / ours",
        part("mutex64", "go-p2"),
        part("mutex64", "photonrt"),
        Bound::Least(1.0),
    ),
    ratio(
        "mutex of 64: boost.fiber / ours",
        part("mutex64", "boost.fiber"),
        part("mutex64", "photonrt"),
        Bound::Least(1.0),
    ),
    value(
        "mutex of 64: slowest / fastest",
        part("mutex64_fair", "photonrt"),
        "",
        Bound::Least(0.5),
    ),
    ratio(
        "skynet: go-p2 / ours",
        part("skynet", "go-p2"),
        part("skynet", "photonrt"),
        Bound::Least(2.0),
    ),
    ratio(
        "skynet: may / ours",
        part("skynet", "may"),
        part("skynet", "photonrt"),
        Bound::Least(2.0),
    ),
    value(
        "timers, p99 lateness: uring",
        part("timers_p99", "photonrt uring"),
        "us",
        Bound::Most(2000.0),
    ),
    value(
        "timers, p99 lateness: ready",
        part("timers_p99", "photonrt ready"),
        "us",
        Bound::Most(2000.0),
    ),
    ratio(
        "timers, CPU: may / uring",
        part("timers_cpu", "may"),
        part("timers_cpu", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "timers, CPU: tokio-ct / uring",
        part("timers_cpu", "tokio-ct"),
        part("timers_cpu", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "timers, CPU: tokio-mt / uring",
        part("timers_cpu", "tokio-mt"),
        part("timers_cpu", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "timers, CPU: go-p1 / uring",
        part("timers_cpu", "go-p1"),
        part("timers_cpu", "photonrt uring"),
        Bound::Least(1.0),
    ),
    ratio(
        "timers, CPU: boost.fiber / uring",
        part("timers_cpu", "boost.fiber"),
        part("timers_cpu", "photonrt uring"),
        Bound::Least(1.0),
    ),
    value(
        "beside 64 blocked, p99 lateness: uring",
        part("blocking64", "photonrt uring"),
        "us",
        Bound::Most(20_000.0),
    ),
    value(
        "beside 64 blocked, p99 lateness: ready",
        part("blocking64", "photonrt ready"),
        "us",
        Bound::Most(20_000.0),
    ),
];
