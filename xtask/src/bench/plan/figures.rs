//! The figures that the project has promised, and those that it reports.
//!
//! A promise is a rule over rows, not a list of opponents: "ahead of every peer with a scheduler by
//! this factor" is held against whichever of them was best in the same rounds, so a new peer is
//! under every rule that fits it from its first run on.

use crate::bench::stats::Bound::{self, Least, Most, Report};

/// A row of one contender.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub row: &'static str,
    pub who: &'static str,
}

/// Which peers a rule is about. None of them in tasks of another load.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    Any,
    /// Those with a scheduler.
    Schedulers,
    /// Those whose tasks have stacks.
    Stackful,
    Named(&'static [&'static str]),
}

/// How a figure comes about.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// The row itself, in the unit.
    Value(Part, &'static str),
    /// One over the other.
    Ratio(Part, Part),
    /// How far ours is ahead of the best of the field: theirs over ours, or ours over theirs where more
    /// is better.
    Ahead(Part, Field),
}

/// A figure that the project has promised, or reports.
pub struct Figure {
    pub name: &'static str,
    pub what: What,
    pub bound: Bound,
}

const fn value(row: &'static str, who: &'static str, unit: &'static str) -> What {
    What::Value(Part { row, who }, unit)
}
const fn ratio(
    row: &'static str,
    who: &'static str,
    row2: &'static str,
    who2: &'static str,
) -> What {
    What::Ratio(Part { row, who }, Part { row: row2, who: who2 })
}
const fn ahead(row: &'static str, who: &'static str, field: Field) -> What {
    What::Ahead(Part { row, who }, field)
}

const ANY: Field = Field::Any;
const SCHEDULERS: Field = Field::Schedulers;
const STACKFUL: Field = Field::Stackful;
const GO: Field = Field::Named(&["go-p1"]);
const GO2: Field = Field::Named(&["go-p2"]);
const THREADED: Field = Field::Named(&["zig-threaded"]);
const TOKIO: Field = Field::Named(&["tokio-ct", "tokio-mt"]);
const MAY_TOKIO: Field = Field::Named(&["may", "tokio-ct", "tokio-mt"]);
const SERVERS: Field =
    Field::Named(&["monoio", "glommio", "tokio-ct", "tokio-mt", "go-p1", "libuv"]);

/// "Far below a futex round trip", as a number: neither side has to be woken by the kernel, so it must
/// not cost even a tenth of what that costs.
const FAR_BELOW: f64 = 0.1;
/// What PhotonLibOS (commit 4dd45701) takes for a yield between two, measured by hand on a machine of
/// this kind, over the ten times that we promise.
const PHOTON_TENTH: f64 = 42.0 / 10.0;

/// `NAME: WHAT => BOUND;`, one to a line.
macro_rules! figures {
    ($($name:literal: $kind:ident($($part:expr),*) => $bound:expr;)*) => {
        pub const FIGURES: &[Figure] =
            &[$(Figure { name: $name, what: $kind($($part),*), bound: $bound }),*];
    };
}

figures! {
    "yield2 / bare switch, first bound": ratio("yield2", "photonrt", "yield2", "limit") => Most(2.0);
    "yield2 / bare switch": ratio("yield2", "photonrt", "yield2", "limit") => Most(1.5);
    "yield2, a tenth of Photon's": value("yield2", "photonrt", "ns") => Most(PHOTON_TENTH);
    "yield2: schedulers": ahead("yield2", "photonrt", SCHEDULERS) => Least(10.0);
    "yield2: any": ahead("yield2", "photonrt", ANY) => Least(1.0);
    "yield1k / yield2": ratio("yield1k", "photonrt", "yield2", "photonrt") => Most(2.0);
    "yield1k: stackful": ahead("yield1k", "photonrt", STACKFUL) => Least(2.0);
    "yield1k: any": ahead("yield1k", "photonrt", ANY) => Least(1.0);
    "yield100k, coloured": value("yield100k", "photonrt", "ns") => Report;
    "yield100k, not coloured": value("yield100k", "photonrt uncoloured", "ns") => Report;
    "yield100k: stackful": ahead("yield100k", "photonrt", STACKFUL) => Least(2.0);
    "yield100k: any": ahead("yield100k", "photonrt", ANY) => Least(1.0);

    "spawn+join: may, tokio": ahead("spawn_join", "photonrt", MAY_TOKIO) => Least(5.0);
    "spawn+join: Go": ahead("spawn_join", "photonrt", GO) => Least(10.0);
    "spawn+join: schedulers": ahead("spawn_join", "photonrt", SCHEDULERS) => Least(2.0);
    "spawn+join: any": ahead("spawn_join", "photonrt", ANY) => Least(1.0);
    "spawn in a batch: Go": ahead("spawn_batch", "photonrt", GO) => Least(10.0);
    "spawn in a batch: schedulers": ahead("spawn_batch", "photonrt", SCHEDULERS) => Least(2.0);
    "spawn in a batch: any": ahead("spawn_batch", "photonrt", ANY) => Least(1.0);
    "spawn on two: Go": ahead("spawn_mt", "photonrt", GO2) => Least(5.0);
    "spawn on two: tokio": ahead("spawn_mt", "photonrt", TOKIO) => Least(5.0);
    "spawn on two: any": ahead("spawn_mt", "photonrt", ANY) => Least(1.0);
    "skynet: Go": ahead("skynet", "photonrt", GO2) => Least(5.0);
    "skynet: tokio": ahead("skynet", "photonrt", TOKIO) => Least(5.0);
    "skynet: may": ahead("skynet", "photonrt", Field::Named(&["may"])) => Least(2.0);
    "skynet: glommio": ahead("skynet", "photonrt", Field::Named(&["glommio"])) => Least(2.0);
    "skynet: any": ahead("skynet", "photonrt", ANY) => Least(1.0);

    "ping-pong: State Threads":
        ahead("pingpong", "photonrt", Field::Named(&["state-threads"])) => Least(1.0);
    "ping-pong: any": ahead("pingpong", "photonrt", ANY) => Least(1.0);
    "both asleep: uring / futex":
        ratio("pingpong_x_sleep", "photonrt uring", "pingpong_x_sleep", "limit") => Most(1.5);
    "both asleep: ready / futex":
        ratio("pingpong_x_sleep", "photonrt ready", "pingpong_x_sleep", "limit") => Most(1.5);
    "both busy: uring / futex":
        ratio("pingpong_x_busy", "photonrt uring", "pingpong_x_busy", "limit") => Most(FAR_BELOW);
    "both busy: ready / futex":
        ratio("pingpong_x_busy", "photonrt ready", "pingpong_x_busy", "limit") => Most(FAR_BELOW);
    "back to back: uring / futex":
        ratio("pingpong_x", "photonrt uring", "pingpong_x", "limit") => Report;
    "back to back: ready / futex":
        ratio("pingpong_x", "photonrt ready", "pingpong_x", "limit") => Report;
    "back to back: tokio-mt, uring":
        ahead("pingpong_x", "photonrt uring", Field::Named(&["tokio-mt"])) => Least(1.0);
    "back to back: any, uring": ahead("pingpong_x", "photonrt uring", ANY) => Least(1.0);
    "back to back: any, ready": ahead("pingpong_x", "photonrt ready", ANY) => Least(1.0);
    "semaphore round trip / yield2":
        ratio("sem_pingpong", "photonrt", "yield2", "photonrt") => Most(3.0);
    "semaphore round trip: may, tokio":
        ahead("sem_pingpong", "photonrt", MAY_TOKIO) => Least(1.5);
    "semaphore round trip: any": ahead("sem_pingpong", "photonrt", ANY) => Least(1.0);
    "channel round trip / yield2":
        ratio("chan_pingpong", "photonrt", "yield2", "photonrt") => Most(3.0);
    "channel round trip: may, tokio, Go, Boost.Fiber": ahead("chan_pingpong", "photonrt",
        Field::Named(&["may", "tokio-ct", "tokio-mt", "go-p1", "boost.fiber"])) => Least(1.5);
    "channel round trip: any": ahead("chan_pingpong", "photonrt", ANY) => Least(1.0);
    "channel across two: Go, tokio, uring": ahead("chan_pingpong_x", "photonrt uring",
        Field::Named(&["go-p2", "tokio-ct", "tokio-mt"])) => Least(1.0);
    "channel across two: Go, tokio, ready": ahead("chan_pingpong_x", "photonrt ready",
        Field::Named(&["go-p2", "tokio-ct", "tokio-mt"])) => Least(1.0);
    "channel across two: any, uring": ahead("chan_pingpong_x", "photonrt uring", ANY) => Least(1.0);
    "channel across two: any, ready": ahead("chan_pingpong_x", "photonrt ready", ANY) => Least(1.0);
    "channel, 1 to 1: any": ahead("chan_1_1", "photonrt", ANY) => Least(1.0);
    "channel, 8 to 1: any": ahead("chan_n_1", "photonrt", ANY) => Least(1.0);
    "channel, 8 to 8: any": ahead("chan_n_m", "photonrt", ANY) => Least(1.0);
    "select of 8: Go": ahead("select8", "photonrt", GO) => Least(1.5);
    "select of 8: any": ahead("select8", "photonrt", ANY) => Least(1.0);

    "free mutex / parking_lot":
        ratio("mutex_free", "photonrt", "mutex_free", "parking_lot") => Most(1.2);
    "free mutex: schedulers": ahead("mutex_free", "photonrt", SCHEDULERS) => Least(1.0);
    "mutex of 64: schedulers": ahead("mutex64", "photonrt", SCHEDULERS) => Least(1.0);
    "mutex of 64: any": ahead("mutex64", "photonrt", ANY) => Least(1.0);
    "mutex of 64: slowest / fastest": value("mutex64_fair", "photonrt", "") => Least(0.5);

    "timers, p99 lateness: uring": value("timers_p99", "photonrt uring", "us") => Most(2000.0);
    "timers, p99 lateness: ready": value("timers_p99", "photonrt ready", "us") => Most(2000.0);
    "timers, p99 lateness: any, uring": ahead("timers_p99", "photonrt uring", ANY) => Least(1.0);
    "timers, p99 lateness: any, ready": ahead("timers_p99", "photonrt ready", ANY) => Least(1.0);
    "timers, CPU: any, uring": ahead("timers_cpu", "photonrt uring", ANY) => Least(1.0);
    "timers, CPU: any, ready": ahead("timers_cpu", "photonrt ready", ANY) => Least(1.0);
    "cancel 10,000: any": ahead("cancel_storm", "photonrt", ANY) => Least(1.0);
    "offload, round trip: any, uring": ahead("offload", "photonrt uring", ANY) => Least(1.0);
    "offload, round trip: any, ready": ahead("offload", "photonrt ready", ANY) => Least(1.0);
    "beside 64 blocked, p99 lateness: any, uring":
        ahead("blocking64", "photonrt uring", ANY) => Least(1.0);
    "beside 64 blocked, p99 lateness: uring":
        value("blocking64", "photonrt uring", "us") => Most(20_000.0);
    "beside 64 blocked, p99 lateness: ready":
        value("blocking64", "photonrt ready", "us") => Most(20_000.0);

    "parked, resident each, first bound": value("parked", "photonrt", "B") => Most(5120.0);
    "parked, resident each": value("parked", "photonrt", "B") => Most(4.6 * 1024.0);
    "parked, page tables each": value("parked_pte", "photonrt", "B") => Report;
    "parked / corosensei, no guards": ratio("parked", "photonrt", "parked", "corosensei") => Most(1.12);
    "idle, resident each: uring": value("idle", "photonrt uring", "B") => Most(6144.0);
    "idle, resident each: ready": value("idle", "photonrt ready", "B") => Most(6144.0);
    "idle, page tables each": value("idle_pte", "photonrt uring", "B") => Report;
    "idle, the kernel's slabs, both ends": value("idle_kernel", "photonrt uring", "B") => Report;
    "idle, 10k / 64 active: uring": value("idle_cost", "photonrt uring", "x") => Most(1.25);
    "idle, 10k / 64 active: ready": value("idle_cost", "photonrt ready", "x") => Most(1.25);
    "idle, 10k / 64 active: C epoll": value("idle_cost", "C epoll", "x") => Report;
    "idle, that: uring / C epoll":
        ratio("idle_cost", "photonrt uring", "idle_cost", "C epoll") => Report;

    "Zig over C: yield2": ratio("yield2", "photonrt zig", "yield2", "photonrt") => Most(1.05);
    "Zig over C: spawn+join": ratio("spawn_join", "photonrt zig", "spawn_join", "photonrt") => Most(1.05);
    "Zig over C: spawn in a batch":
        ratio("spawn_batch", "photonrt zig", "spawn_batch", "photonrt") => Most(1.05);
    "Zig over C: ping-pong": ratio("pingpong", "photonrt zig", "pingpong", "photonrt") => Most(1.05);
    "Zig over C: semaphores":
        ratio("sem_pingpong", "photonrt zig", "sem_pingpong", "photonrt") => Most(1.05);
    "Zig over C: channels":
        ratio("chan_pingpong", "photonrt zig", "chan_pingpong", "photonrt") => Most(1.05);
    "Zig over C: a free mutex":
        ratio("mutex_free", "photonrt zig", "mutex_free", "photonrt") => Most(1.05);
    "std.Io: concurrent and await": ahead("spawn_join", "photonrt zig-io", THREADED) => Least(10.0);
    "std.Io: concurrent in a batch": ahead("spawn_batch", "photonrt zig-io", THREADED) => Least(10.0);
    "std.Io: a group": ahead("spawn_group", "photonrt zig-io", THREADED) => Least(10.0);
    "std.Io: futex ping-pong": ahead("pingpong", "photonrt zig-io", THREADED) => Least(5.0);
    "std.Io: queue ping-pong": ahead("chan_pingpong", "photonrt zig-io", THREADED) => Least(5.0);
    "std.Io: a parked task's memory": value("parked30k", "photonrt zig-io", "B/task") => Most(5000.0);
    "std.Io: http CPU": ahead("http", "photonrt zig-io", THREADED) => Least(1.0);
    "std.Io: http, 10,000, CPU": ahead("http_10k", "photonrt zig-io", THREADED) => Least(1.0);
    "std.Io: http CPU / C": ratio("http", "photonrt zig-io", "http", "photonrt uring") => Report;

    "http CPU: uring / C epoll": ratio("http", "photonrt uring", "http", "C epoll") => Most(1.0);
    "http CPU: ready / C epoll": ratio("http", "photonrt ready", "http", "C epoll") => Most(1.1);
    "http CPU: uring / C io_uring": ratio("http", "photonrt uring", "http", "C io_uring") => Most(1.05);
    "http CPU: uring, servers": ahead("http", "photonrt uring", SERVERS) => Least(1.0);
    "http CPU: ready, tokio, libuv":
        ahead("http", "photonrt ready", Field::Named(&["tokio-ct", "tokio-mt", "libuv"])) => Least(1.0);
    "http CPU: uring, any": ahead("http", "photonrt uring", ANY) => Least(1.0);
    "http rate: uring, any": ahead("http_rate", "photonrt uring", ANY) => Least(1.0);

    "http, 10,000, CPU: uring / C io_uring":
        ratio("http_10k", "photonrt uring", "http_10k", "C io_uring") => Most(1.05);
    "http, 10,000, CPU: uring, any": ahead("http_10k", "photonrt uring", ANY) => Least(1.0);
    "http, 10,000, rate: uring, any": ahead("http_10k_rate", "photonrt uring", ANY) => Least(1.0);
    "http, two threads, CPU: uring, any": ahead("http_2", "photonrt uring", ANY) => Least(1.0);
    "http, two threads, 10,000, CPU: uring, any":
        ahead("http_10k_2", "photonrt uring", ANY) => Least(1.0);
    "first request after start: any": ahead("startup", "photonrt", ANY) => Least(1.0);
    "size of a program: any": ahead("size", "photonrt", ANY) => Report;

    "stream, one CPU: uring / threads":
        ratio("stream1", "photonrt uring", "stream1", "C threads") => Least(0.95);
    "stream, one CPU, CPU a byte: uring / threads":
        ratio("stream1_cpu", "photonrt uring", "stream1_cpu", "C threads") => Most(1.05);
    "stream, one CPU: ready / threads":
        ratio("stream1", "photonrt ready", "stream1", "C threads") => Least(0.95);
    "stream, one CPU, CPU a byte: ready / threads":
        ratio("stream1_cpu", "photonrt ready", "stream1_cpu", "C threads") => Most(1.05);
    "stream, two CPUs: uring / threads":
        ratio("stream2", "photonrt uring", "stream2", "C threads") => Least(0.95);
    "stream, two CPUs, CPU a byte: uring / threads":
        ratio("stream2_cpu", "photonrt uring", "stream2_cpu", "C threads") => Most(1.05);
    "stream, two CPUs: ready / threads":
        ratio("stream2", "photonrt ready", "stream2", "C threads") => Least(0.95);
    "stream, two CPUs, CPU a byte: ready / threads":
        ratio("stream2_cpu", "photonrt ready", "stream2_cpu", "C threads") => Most(1.05);
    "pread 4 KiB, page cache: uring / fio":
        ratio("pread4k", "photonrt uring", "pread4k", "fio") => Least(0.95);
    "pread 4 KiB, page cache: ready / fio":
        ratio("pread4k", "photonrt ready", "pread4k", "fio") => Report;
    "pread 4 KiB, O_DIRECT: uring / fio":
        ratio("pread4k_direct", "photonrt uring", "pread4k_direct", "fio") => Least(0.95);
    "pread 4 KiB, O_DIRECT: ready / fio":
        ratio("pread4k_direct", "photonrt ready", "pread4k_direct", "fio") => Report;
}
