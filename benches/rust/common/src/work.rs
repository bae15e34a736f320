//! What the workloads are made of, what they check, and the rows they print.
use crate::{ns_per, out};
use std::ops::Range;
use std::time::{Duration, Instant};

pub fn yield_tasks(name: &str) -> usize {
    match name.trim_end_matches("_wake") {
        "yield2" => 2,
        "yield1k" => 1000,
        _ => 100_000,
    }
}
pub fn delays(n: usize) -> Vec<u32> {
    let mut x = 42u64;
    (0..n)
        .map(|_| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((x >> 33) % 1001) as u32
        })
        .collect()
}
pub fn late_ns(start: Instant, ms: u32) -> i64 {
    start.elapsed().as_nanos() as i64 - ms as i64 * 1_000_000
}
pub fn out_timers(mut late: Vec<i64>, wall: Duration, cpu: f64) {
    late.sort_unstable();
    let n = late.len();
    assert!(late[0] >= 0, "a sleep ended early");
    out("timers_wall", wall.as_secs_f64() * 1e3, "ms");
    out("timers_cpu", cpu, "ms");
    out("timers_min", late[0] as f64 / 1e3, "us");
    out("timers_p50", late[n / 2] as f64 / 1e3, "us");
    out("timers_p99", late[n * 99 / 100] as f64 / 1e3, "us");
}
/// What two ways of the same work cost, the handing over and the slot between, and the better one
/// as `name`.
pub fn out_best(name: &str, hand_over: f64, one_slot: f64) {
    out(name, hand_over.min(one_slot), "ns");
    out(&format!("{name}_0"), hand_over, "ns");
    out(&format!("{name}_1"), one_slot, "ns");
}
/// Of tasks that took turns: the slowest one's number of turns over the fastest one's, and ns a turn.
pub fn out_fair(name: &str, turns: &[usize], took: Duration) {
    let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
    out(name, *least as f64 / *most as f64, "x");
    out(&format!("{name}_turn"), ns_per(took, turns.iter().sum()), "ns");
}
/// How late the others were beside what blocks, and how long that took.
pub fn out_blocking(name: &str, mut late: Vec<i64>, wall: Duration) {
    late.sort_unstable();
    let n = late.len();
    out(name, late[n * 99 / 100] as f64 / 1e3, "us");
    out(&format!("{name}_p50"), late[n / 2] as f64 / 1e3, "us");
    out(&format!("{name}_max"), late[n - 1] as f64 / 1e3, "us");
    out(&format!("{name}_wall"), wall.as_secs_f64() * 1e3, "ms");
}
pub fn check_sky(sum: u64, n: usize) {
    let n = n as u64;
    assert_eq!(sum, n * (n - 1) / 2, "skynet: wrong sum");
}
/// How many tasks `parked`, `parked30k` have.
pub fn parked_tasks(name: &str) -> usize {
    if name == "parked30k" { 30_000 } else { 1_000_000 }
}
/// Senders and receivers of `chan_1_1`, `chan_n_1`, `chan_n_m`.
pub fn chan_tasks(name: &str) -> (usize, usize) {
    match name {
        "chan_1_1" => (1, 1),
        "chan_n_1" => (8, 1),
        _ => (8, 8),
    }
}
/// Slots of their channel.
pub const SLOTS: usize = 64;
/// The elements of all: a multiple of 64.
pub fn chan_elements(n: usize) -> usize {
    n / 64 * 64
}
/// What sender `i` of `senders` sends of `n` elements.
pub fn chan_part(i: usize, senders: usize, n: usize) -> Range<u64> {
    (i * n / senders) as u64..((i + 1) * n / senders) as u64
}
/// What a receiver has got.
#[derive(Clone, Copy, Default)]
pub struct Got {
    count: usize,
    sum: u64,
}
impl Got {
    pub fn add(&mut self, v: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(v);
    }
    pub fn all(parts: impl IntoIterator<Item = Got>) -> Got {
        let add = |a: Got, b: Got| Got { count: a.count + b.count, sum: a.sum.wrapping_add(b.sum) };
        parts.into_iter().fold(Got::default(), add)
    }
    /// Fails the run unless this is each of `n` numbers once.
    pub fn check(self, n: usize) {
        let m = n as u64;
        assert_eq!((self.count, self.sum), (n, m * (m - 1) / 2), "elements lost");
    }
}
/// What the tasks of a storm wait for.
pub const STORM_SLEEP: Duration = Duration::from_secs(3600);
/// The best of five: `round` cancels and joins `n` tasks, and gives how long that took and how many
/// ended by it.
pub fn storm(name: &str, n: usize, mut round: impl FnMut() -> (Duration, usize)) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let (took, ended) = round();
        assert_eq!(ended, n, "tasks that were not cancelled");
        best = best.min(ns_per(took, n));
    }
    out(name, best, "ns");
    out(&format!("{name}_ended"), n as f64, "tasks");
}
/// Times `n` rounds after a twentieth of as many.
pub struct Laps {
    n: usize,
    i: usize,
    begun: Instant,
}
impl Laps {
    pub fn new(n: usize) -> Laps {
        Laps { n, i: 0, begun: Instant::now() }
    }
    /// Rounds in all, the warm-up included.
    pub fn total(n: usize) -> usize {
        n + n / 20
    }
    /// Another round? To be asked before each.
    pub fn next(&mut self) -> bool {
        if self.i == self.n / 20 {
            self.begun = Instant::now();
        }
        self.i += 1;
        self.i <= Laps::total(self.n)
    }
    /// ns a round, after the last.
    pub fn each(&self) -> f64 {
        ns_per(self.begun.elapsed(), self.n)
    }
}
