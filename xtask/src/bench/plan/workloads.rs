//! The workloads, as benches/README.md defines them.

use super::{K, M};
use serde::{Deserialize, Serialize};

/// Whether less of a row is better, or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    Less,
    More,
    /// It says how the work went, not how well.
    Neither,
}

/// One value that a run gives.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub unit: &'static str,
    pub sense: Sense,
}

const fn less(name: &'static str, unit: &'static str) -> Row {
    Row { name, unit, sense: Sense::Less }
}
const fn more(name: &'static str, unit: &'static str) -> Row {
    Row { name, unit, sense: Sense::More }
}
const fn told(name: &'static str, unit: &'static str) -> Row {
    Row { name, unit, sense: Sense::Neither }
}

/// What the runner does to measure it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Runs the program, which measures by itself.
    Program,
    /// A server under wrk's load.
    Http { connections: u32 },
    /// A server with connections most of which are idle.
    Idle,
    /// Reads of a file, by the program or by fio.
    Reads,
    /// A server started again and again.
    Startup,
    /// The minimal program's file.
    Size,
}

/// Work that contenders do in turn.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub name: &'static str,
    /// What a run prints; the first is the workload's own. A program may print others, which are shown.
    pub rows: &'static [Row],
    pub how: How,
    /// OS threads at work: 1 pins the process to CPU 1, 2 leaves it both (the programs pin where it matters).
    pub threads: u32,
    /// How often, and with `--quick`. 0: there is nothing to count.
    pub counts: [u64; 2],
    /// Seconds after which a run is given up.
    pub patience: u64,
    /// Bytes of free memory without which it is left out (it runs with as many tasks as asked, or not
    /// at all).
    pub memory: u64,
}

const GIB: u64 = 1 << 30;

const fn work(
    name: &'static str,
    rows: &'static [Row],
    threads: u32,
    counts: [u64; 2],
) -> Workload {
    Workload { name, rows, how: How::Program, threads, counts, patience: 60, memory: GIB }
}

impl Workload {
    /// A value under a declared name must be in the declared unit, or it would be compared with others
    /// that are. Gives its sense.
    pub fn holds(&self, name: &str, unit: &str) -> Result<Sense, String> {
        match self.rows.iter().find(|r| r.name == name) {
            Some(r) if r.unit != unit => Err(format!("{name} is in {unit}, not in {}", r.unit)),
            r => Ok(r.map_or(Sense::Neither, |r| r.sense)),
        }
    }

    const fn how(self, how: How) -> Workload {
        Workload { how, ..self }
    }
    const fn patience(self, patience: u64) -> Workload {
        Workload { patience, ..self }
    }
    const fn memory(self, memory: u64) -> Workload {
        Workload { memory, ..self }
    }
}

/// In an order that keeps the parts of each figure close together in time.
pub const WORKLOADS: &[Workload] = &[
    work("yield2", &[less("yield2", "ns")], 1, [20 * M, 5 * M]),
    work("yield1k", &[less("yield1k", "ns")], 1, [20 * M, 5 * M]),
    work("yield100k", &[less("yield100k", "ns")], 1, [20 * M, 5 * M]),
    work("spawn_join", &[less("spawn_join", "ns")], 1, [2 * M, 500 * K]),
    work("spawn_batch", &[less("spawn_batch", "ns")], 1, [100 * K, 100 * K]),
    work("spawn_group", &[less("spawn_group", "ns")], 1, [100 * K, 100 * K]),
    work("spawn_mt", &[less("spawn_mt", "ns"), less("spawn_mt_flood", "ns")], 2, [M, 300 * K]),
    work("skynet", &[less("skynet", "ms")], 2, [M, 100 * K]).patience(90).memory(8 * GIB),
    work("pingpong", &[less("pingpong", "ns")], 1, [5 * M, M]),
    work("pingpong_x", &[less("pingpong_x", "ns")], 2, [100 * K, 10 * K]),
    work("pingpong_x_busy", &[less("pingpong_x_busy", "ns")], 2, [500 * K, 50 * K]),
    work("pingpong_x_sleep", &[less("pingpong_x_sleep", "ns")], 2, [3 * K, 2 * K]),
    work("sem_pingpong", &[less("sem_pingpong", "ns")], 1, [5 * M, M]),
    work("chan_pingpong", CHAN_PINGPONG, 1, [5 * M, M]),
    work("chan_pingpong_x", CHAN_PINGPONG_X, 2, [100 * K, 20 * K]),
    work("chan_1_1", &[less("chan_1_1", "ns"), less("chan_1_1_apart", "ns")], 2, [5 * M, M]),
    work("chan_n_1", &[less("chan_n_1", "ns"), less("chan_n_1_apart", "ns")], 2, [5 * M, M]),
    work("chan_n_m", &[less("chan_n_m", "ns"), less("chan_n_m_apart", "ns")], 2, [5 * M, M]),
    work("select8", SELECT8, 1, [2 * M, 500 * K]),
    work("mutex_free", &[less("mutex_free", "ns")], 1, [50 * M, 10 * M]),
    work("mutex64", &[less("mutex64", "ns")], 2, [64 * 100 * K, 64 * 20 * K]),
    // Milliseconds.
    work("mutex64_fair", MUTEX64_FAIR, 2, [1000, 1000]),
    work("timers", TIMERS, 1, [100 * K, 100 * K]),
    work("cancel_storm", CANCEL_STORM, 1, [10 * K, 10 * K]),
    work("offload", &[less("offload", "ns")], 2, [100 * K, 20 * K]),
    // Milliseconds.
    work("blocking64", BLOCKING64, 2, [1000, 1000]),
    work("parked", PARKED, 1, [M, M]).patience(90).memory(8 * GIB),
    work("parked30k", PARKED30K, 1, [30 * K, 30 * K]),
    work("http", HTTP, 1, [0, 0]).how(How::Http { connections: 64 }),
    work("http_2", HTTP_2, 2, [0, 0]).how(How::Http { connections: 64 }),
    work("http_10k", HTTP_10K, 1, [0, 0]).how(How::Http { connections: 10_000 }),
    work("http_10k_2", HTTP_10K_2, 2, [0, 0]).how(How::Http { connections: 10_000 }),
    // Messages of 1 MiB.
    work("stream1", STREAM1, 1, [20 * K, 4 * K]),
    work("stream2", STREAM2, 2, [20 * K, 4 * K]),
    // Milliseconds.
    work("pread4k", PREAD4K, 1, [4000, 1000]).how(How::Reads),
    work("pread4k_direct", PREAD4K_DIRECT, 1, [4000, 1000]).how(How::Reads),
    // Starts.
    work("startup", STARTUP, 2, [100, 20]).how(How::Startup),
    work("size", &[less("size", "B"), less("size_loads", "B")], 1, [0, 0]).how(How::Size),
    work("idle", IDLE, 1, [100 * K, 20 * K]).how(How::Idle).patience(240).memory(4 * GIB),
];

const CHAN_PINGPONG: &[Row] =
    &[less("chan_pingpong", "ns"), less("chan_pingpong_0", "ns"), less("chan_pingpong_1", "ns")];
const CHAN_PINGPONG_X: &[Row] = &[
    less("chan_pingpong_x", "ns"),
    less("chan_pingpong_x_0", "ns"),
    less("chan_pingpong_x_1", "ns"),
];
const SELECT8: &[Row] = &[less("select8", "ns"), less("select8_0", "ns"), less("select8_1", "ns")];
const MUTEX64_FAIR: &[Row] = &[more("mutex64_fair", "x"), less("mutex64_fair_turn", "ns")];
const TIMERS: &[Row] = &[
    less("timers_cpu", "ms"),
    less("timers_p99", "us"),
    less("timers_p50", "us"),
    told("timers_min", "us"),
    told("timers_wall", "ms"),
];
const CANCEL_STORM: &[Row] = &[less("cancel_storm", "ns"), told("cancel_storm_ended", "tasks")];
const BLOCKING64: &[Row] = &[
    less("blocking64", "us"),
    less("blocking64_p50", "us"),
    less("blocking64_max", "us"),
    less("blocking64_wall", "ms"),
];
const PARKED: &[Row] = &[less("parked", "B/task"), less("parked_pte", "B/task")];
const PARKED30K: &[Row] = &[less("parked30k", "B/task"), less("parked30k_pte", "B/task")];
const HTTP: &[Row] = &[less("http", "us/req"), more("http_rate", "req/s"), less("http_p99", "us")];
const HTTP_2: &[Row] =
    &[less("http_2", "us/req"), more("http_2_rate", "req/s"), less("http_2_p99", "us")];
const HTTP_10K: &[Row] =
    &[less("http_10k", "us/req"), more("http_10k_rate", "req/s"), less("http_10k_p99", "us")];
const HTTP_10K_2: &[Row] =
    &[less("http_10k_2", "us/req"), more("http_10k_2_rate", "req/s"), less("http_10k_2_p99", "us")];
const STREAM1: &[Row] = &[more("stream1", "MB/s"), less("stream1_cpu", "ns/KiB")];
const STREAM2: &[Row] = &[more("stream2", "MB/s"), less("stream2_cpu", "ns/KiB")];
const PREAD4K: &[Row] = &[more("pread4k", "reads/s"), less("pread4k_cpu", "us")];
const PREAD4K_DIRECT: &[Row] =
    &[more("pread4k_direct", "reads/s"), less("pread4k_direct_cpu", "us")];
const STARTUP: &[Row] = &[
    less("startup", "us"),
    less("startup_p99", "us"),
    less("startup_cpu", "us"),
    less("startup_min", "us"),
];
const IDLE: &[Row] = &[
    less("idle", "B/connection"),
    less("idle_pte", "B/connection"),
    less("idle_kernel", "B/connection"),
    less("idle_cpu64", "us"),
    less("idle_cpu10k", "us"),
    less("idle_user64", "us"),
    less("idle_user10k", "us"),
    told("idle_cost", "x"),
    told("idle_servers", "processes"),
];
