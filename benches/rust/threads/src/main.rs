//! OS threads as tasks. The flavour is taken from the program name: `crossbeam` has channels,
//! `parking_lot` and `std-threads` mutexes, the latter the standard library's channels too.
//! bench NAME [N]
use peer_common::*;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What the two mutexes have in common.
trait Lock: Sync {
    fn new() -> Self;
    /// Locks, counts, unlocks.
    fn count(&self);
    fn counted(&self) -> usize;
}
impl Lock for std::sync::Mutex<usize> {
    fn new() -> Self {
        Self::new(0)
    }
    fn count(&self) {
        *self.lock().unwrap() += 1
    }
    fn counted(&self) -> usize {
        *self.lock().unwrap()
    }
}
impl Lock for parking_lot::Mutex<usize> {
    fn new() -> Self {
        Self::new(0)
    }
    fn count(&self) {
        *self.lock() += 1
    }
    fn counted(&self) -> usize {
        *self.lock()
    }
}

fn mutex_free<L: Lock>(name: &str, n: usize) {
    let m = L::new();
    let mut t0 = Instant::now();
    for i in 0..n + n / 20 {
        if i == n / 20 {
            t0 = Instant::now();
        }
        m.count();
    }
    out(name, ns_per(t0.elapsed(), n), "ns");
    assert_eq!(m.counted(), n + n / 20);
}
fn mutex64<L: Lock>(name: &str, n: usize) {
    let m = L::new();
    let t0 = Instant::now();
    thread::scope(|s| {
        for _ in 0..64 {
            s.spawn(|| (0..n / 64).for_each(|_| m.count()));
        }
    });
    let took = t0.elapsed();
    assert_eq!(m.counted(), n / 64 * 64);
    out(name, ns_per(took, m.counted()), "ns");
}
fn mutex64_fair<L: Lock>(name: &str, ms: usize) {
    let (m, race) = (L::new(), Arc::new(Race::default()));
    let took = race.clone().run(64, ms);
    let turns = thread::scope(|s| {
        let run = || {
            race.arrive();
            while !race.begun() {
                thread::sleep(Duration::from_millis(1));
            }
            let mut mine = 0;
            while !race.over() {
                m.count();
                mine += 1;
            }
            mine
        };
        let all: Vec<_> = (0..64).map(|_| s.spawn(run)).collect();
        all.into_iter().map(|h| h.join().unwrap()).collect::<Vec<usize>>()
    });
    out_fair(name, &turns, took.join().unwrap());
}

/// The time of `n` round trips after a twentieth of as many.
fn round_trips(n: usize, ping: impl Fn() + Send, pong: impl Fn() + Send) -> f64 {
    let m = n + n / 20;
    thread::scope(|s| {
        s.spawn(move || (0..m).for_each(|_| pong()));
        let mut t0 = Instant::now();
        for i in 0..m {
            if i == n / 20 {
                t0 = Instant::now();
            }
            ping();
        }
        ns_per(t0.elapsed(), n)
    })
}
fn std_trips(n: usize, slots: usize) -> f64 {
    let ((ta, ra), (tb, rb)) = (mpsc::sync_channel(slots), mpsc::sync_channel(slots));
    let ping = move || {
        ta.send(1u64).unwrap();
        rb.recv().unwrap();
    };
    round_trips(n, ping, move || tb.send(ra.recv().unwrap()).unwrap())
}
fn crossbeam_trips(n: usize, slots: usize) -> f64 {
    let ((ta, ra), (tb, rb)) =
        (crossbeam_channel::bounded(slots), crossbeam_channel::bounded(slots));
    let ping = move || {
        ta.send(1u64).unwrap();
        rb.recv().unwrap();
    };
    round_trips(n, ping, move || tb.send(ra.recv().unwrap()).unwrap())
}
fn selected(n: usize, slots: usize) -> f64 {
    let m = (n + n / 20) / 8;
    let (tx, rx): (Vec<_>, Vec<_>) =
        (0..8).map(|_| crossbeam_channel::bounded::<usize>(slots)).unzip();
    thread::scope(|s| {
        for (i, t) in tx.into_iter().enumerate() {
            s.spawn(move || (0..m).for_each(|_| t.send(i).unwrap()));
        }
        let mut select = crossbeam_channel::Select::new();
        for r in &rx {
            select.recv(r);
        }
        let (mut t0, mut got, mut open) = (Instant::now(), [0; 8], m * 8);
        while open > 0 {
            if m * 8 - open == n / 20 {
                t0 = Instant::now();
            }
            let op = select.select();
            let i = op.index();
            if let Ok(v) = op.recv(&rx[i]) {
                got[v] += 1;
                open -= 1;
                if got[v] == m {
                    select.remove(i); // its sender goes, and a closed channel is always ready
                }
            }
        }
        assert_eq!(got, [m; 8]);
        ns_per(t0.elapsed(), m * 8 - n / 20)
    })
}

/// Threads that send a part each and threads that receive until the channel is closed.
fn transfer<S, R>(name: &str, n: usize, tx: S, rx: Vec<R>)
where
    S: Clone + FnMut(u64) + Send,
    R: FnMut() -> Option<u64> + Send,
{
    let (senders, _) = chan_tasks(name);
    let t0 = Instant::now();
    let got = thread::scope(|s| {
        let to: Vec<_> = rx
            .into_iter()
            .map(|mut recv| {
                s.spawn(move || {
                    let mut got = Got::default();
                    while let Some(v) = recv() {
                        got.add(v);
                    }
                    got
                })
            })
            .collect();
        for i in 0..senders {
            let send = tx.clone();
            s.spawn(move || chan_part(i, senders, n).for_each(send));
        }
        drop(tx);
        Got::all(to.into_iter().map(|h| h.join().unwrap()))
    });
    let took = t0.elapsed();
    got.check(n);
    out(name, ns_per(took, n), "ns");
}
fn crossbeam_transfer(name: &str, n: usize) {
    let (tx, rx) = crossbeam_channel::bounded(SLOTS);
    let receivers = vec![rx; chan_tasks(name).1];
    let recv = |rx: crossbeam_channel::Receiver<u64>| move || rx.recv().ok();
    transfer(name, n, move |v| tx.send(v).unwrap(), receivers.into_iter().map(recv).collect());
}
fn std_transfer(name: &str, n: usize) {
    let (tx, rx) = mpsc::sync_channel(SLOTS);
    transfer(name, n, move |v| tx.send(v).unwrap(), vec![move || rx.recv().ok()]);
}

fn mutexes<L: Lock>(name: &str, a: &Args) -> bool {
    match name {
        "mutex_free" => mutex_free::<L>(name, a.n(2, 50_000_000)),
        "mutex64" => mutex64::<L>(name, a.n(2, 6_400_000)),
        "mutex64_fair" => mutex64_fair::<L>(name, a.n(2, 1000)),
        _ => return false,
    }
    true
}
fn main() {
    let a = Args::get();
    let name = a.name();
    let flavour = a.prog().rsplit('/').next().unwrap_or_default().to_string();
    let trips = name == "chan_pingpong" || name == "chan_pingpong_x";
    let done = match &flavour[..] {
        "parking_lot" => mutexes::<parking_lot::Mutex<usize>>(&name, &a),
        "crossbeam" if trips => {
            let n = a.n(2, 100_000) / 2;
            out_best(&name, crossbeam_trips(n, 0), crossbeam_trips(n, 1));
            true
        }
        "crossbeam" if name == "select8" => {
            let n = a.n(2, 100_000) / 2;
            out_best(&name, selected(n, 0), selected(n, 1));
            true
        }
        "std-threads" if trips => {
            let n = a.n(2, 100_000) / 2;
            out_best(&name, std_trips(n, 0), std_trips(n, 1));
            true
        }
        "crossbeam" if name.starts_with("chan_") => {
            crossbeam_transfer(&name, chan_elements(a.n(2, 5_000_000)));
            true
        }
        "std-threads" if name == "chan_1_1" || name == "chan_n_1" => {
            std_transfer(&name, chan_elements(a.n(2, 5_000_000)));
            true
        }
        "std-threads" => mutexes::<std::sync::Mutex<usize>>(&name, &a),
        _ => false,
    };
    if !done {
        skip(&name, "not in this peer");
    }
}
