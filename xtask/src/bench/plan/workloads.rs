//! Who does what, and how much of it.

/// How a contender does a workload.
pub struct Entrant {
    /// A name of `CONTENDERS`.
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

/// N is messages of 1 MiB.
const fn streams(run: &'static str) -> [Entrant; 3] {
    [
        by("C threads", run, 20 * K, 4 * K),
        by("photonrt uring", run, 20 * K, 4 * K),
        by("photonrt ready", run, 20 * K, 4 * K),
    ]
}

/// N is milliseconds.
const fn reads(run: &'static str) -> [Entrant; 3] {
    [
        by("fio", run, 4000, 1000),
        by("photonrt uring", run, 4000, 1000),
        by("photonrt ready", run, 4000, 1000),
    ]
}

const fn contended(run: &'static str, full: u64, quick: u64) -> [Entrant; 8] {
    [
        by("photonrt", run, full, quick),
        by("parking_lot", run, full, quick),
        by("std-threads", run, full, quick),
        by("may", run, full, quick),
        by("tokio-ct", run, full, quick),
        by("tokio-mt", run, full, quick),
        by("go-p2", run, full, quick),
        by("boost.fiber", run, full, quick),
    ]
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
            by("go-p1", "yield2", 10 * M, 2 * M),
            by("boost.fiber", "yield2", 10 * M, 2 * M),
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
            by("go-p1", "yield1k", 10 * M, 2 * M),
            by("boost.fiber", "yield1k", 10 * M, 2 * M),
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
            by("go-p1", "yield100k", 10 * M, 2 * M),
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
            by("go-p1", "spawn_join", 2 * M, 500 * K),
            by("boost.fiber", "spawn_join", 2 * M, 500 * K),
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
            by("go-p1", "spawn_batch", 100 * K, 100 * K),
            by("boost.fiber", "spawn_batch", 30 * K, 30 * K),
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
            by("go-p2", "spawn_mt", M, 300 * K),
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
            by("go-p2", "skynet", M, 100 * K),
            by("boost.fiber", "skynet", M, 100 * K),
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
        "sem_pingpong",
        1,
        &[
            by("photonrt", "sem_pingpong", 10 * M, 3 * M),
            by("may", "sem_pingpong", 2 * M, 500 * K),
            by("tokio-ct", "sem_pingpong", 2 * M, 500 * K),
            by("tokio-mt", "sem_pingpong", 2 * M, 500 * K),
        ],
    ),
    work(
        "chan_pingpong",
        1,
        &[
            by("photonrt", "chan_pingpong", 10 * M, 3 * M),
            by("may", "chan_pingpong", 2 * M, 500 * K),
            by("tokio-ct", "chan_pingpong", 2 * M, 500 * K),
            by("tokio-mt", "chan_pingpong", 2 * M, 500 * K),
            by("go-p1", "chan_pingpong", 4 * M, M),
            by("boost.fiber", "chan_pingpong", 4 * M, M),
            by("crossbeam", "chan_pingpong", 200 * K, 50 * K),
            by("std-threads", "chan_pingpong", 200 * K, 50 * K),
        ],
    ),
    work(
        "chan_pingpong_x",
        2,
        &[
            by("photonrt uring", "chan_pingpong_x", 100 * K, 20 * K),
            by("photonrt ready", "chan_pingpong_x", 100 * K, 20 * K),
            by("tokio-ct", "chan_pingpong_x", 100 * K, 20 * K),
            by("tokio-mt", "chan_pingpong_x", 100 * K, 20 * K),
            by("go-p2", "chan_pingpong_x", 100 * K, 20 * K),
            by("boost.fiber", "chan_pingpong_x", 100 * K, 20 * K),
            by("crossbeam", "chan_pingpong_x", 100 * K, 20 * K),
            by("std-threads", "chan_pingpong_x", 100 * K, 20 * K),
        ],
    ),
    work(
        "select8",
        1,
        &[
            by("photonrt", "select8", 8 * M, 2 * M),
            by("tokio-ct", "select8", 2 * M, 500 * K),
            by("tokio-mt", "select8", 2 * M, 500 * K),
            by("go-p1", "select8", 2 * M, 500 * K),
            by("crossbeam", "select8", 200 * K, 50 * K),
        ],
    ),
    work(
        "mutex_free",
        1,
        &[
            by("photonrt", "mutex_free", 50 * M, 10 * M),
            by("parking_lot", "mutex_free", 50 * M, 10 * M),
            by("std-threads", "mutex_free", 50 * M, 10 * M),
            by("may", "mutex_free", 20 * M, 5 * M),
            by("tokio-ct", "mutex_free", 20 * M, 5 * M),
            by("go-p1", "mutex_free", 50 * M, 10 * M),
            by("boost.fiber", "mutex_free", 20 * M, 5 * M),
        ],
    ),
    work("mutex64", 2, &contended("mutex64", 64 * 100 * K, 64 * 20 * K)),
    // N is milliseconds.
    work("mutex64_fair", 2, &contended("mutex64_fair", 1000, 1000)),
    work(
        "timers",
        1,
        &[
            by("photonrt uring", "timers", 100 * K, 100 * K),
            by("photonrt ready", "timers", 100 * K, 100 * K),
            by("may", "timers", 30 * K, 30 * K),
            by("tokio-ct", "timers", 100 * K, 100 * K),
            by("tokio-mt", "timers", 100 * K, 100 * K),
            by("go-p1", "timers", 100 * K, 100 * K),
            by("boost.fiber", "timers", 100 * K, 100 * K),
        ],
    ),
    // N is milliseconds.
    work(
        "blocking64",
        2,
        &[
            by("photonrt uring", "blocking64", 1000, 1000),
            by("photonrt ready", "blocking64", 1000, 1000),
            by("tokio-mt", "blocking64", 1000, 1000),
            by("go-p2", "blocking64", 1000, 1000),
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
            by("monoio", "http", 0, 0),
            by("libuv", "http", 0, 0),
            by("tokio-ct", "http", 0, 0),
            by("tokio-mt", "http", 0, 0),
            by("glommio", "http", 0, 0),
            by("may", "http", 0, 0),
        ],
    ),
    work("stream1", 1, &streams("stream1")),
    work("stream2", 2, &streams("stream2")),
    work("pread4k", 1, &reads("pread4k")),
    work("pread4k_direct", 1, &reads("pread4k_direct")),
    Workload {
        name: "idle",
        threads: 1,
        patience: 240,
        memory: 4 * GIB,
        entrants: &[
            by("photonrt uring", "idle", 100 * K, 20 * K),
            by("photonrt ready", "idle", 100 * K, 20 * K),
            by("C epoll", "idle", 100 * K, 20 * K),
        ],
    },
];
