//! may: stackful coroutines. bench NAME [N] | http PORT NTHREADS
use may::sync::{Mutex, Semphore};
use may::{coroutine, go};
use peer_common::*;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

mod chan;
mod io;

fn yields(name: &str, t: usize, n: usize) {
    let k = n / t;
    let (arrived, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (t0, el) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let v: Vec<_> = (0..t)
        .map(|_| {
            let (arrived, done, t0, el) = (arrived.clone(), done.clone(), t0.clone(), el.clone());
            go!(move || {
                if arrived.fetch_add(1, Relaxed) + 1 == t {
                    t0.set(Instant::now()).unwrap();
                }
                while arrived.load(Relaxed) < t {
                    coroutine::yield_now();
                }
                for _ in 0..k {
                    coroutine::yield_now();
                }
                if done.fetch_add(1, Relaxed) + 1 == t {
                    el.set(t0.get().unwrap().elapsed()).unwrap();
                }
            })
        })
        .collect();
    for h in v {
        h.join().unwrap();
    }
    out(name, ns_per(*el.get().unwrap(), k * t), "ns");
}
fn sky(num: u64, size: u64) -> u64 {
    if size == 1 {
        return num;
    }
    let s = size / 10;
    // spawn_local runs the child at once, so few stacks are mapped; the root's ten use the
    // normal spawn and spread over the workers
    // SAFETY: the body keeps no thread-local across a block, and its frames are small.
    let v: Vec<_> = (0..10)
        .map(|i| unsafe {
            coroutine::Builder::new().spawn_local(move || sky(num + i * s, s)).unwrap()
        })
        .collect();
    v.into_iter().map(|h| h.join().unwrap()).sum()
}
fn sky_root(n: u64) -> u64 {
    let s = n / 10;
    let v: Vec<_> = (0..10).map(|i| go!(move || sky(i * s, s))).collect();
    v.into_iter().map(|h| h.join().unwrap()).sum()
}
fn spawn_mt(n: usize) -> Duration {
    let left = Arc::new(AtomicUsize::new(n));
    let end = Arc::new(Semphore::new(0));
    let t0 = Instant::now();
    for _ in 0..2 {
        let (left, end) = (left.clone(), end.clone());
        go!(move || {
            for _ in 0..n / 2000 {
                // joined in blocks of 1000: every pending task holds a mapped stack
                let v: Vec<_> = (0..1000)
                    .map(|_| {
                        let (left, end) = (left.clone(), end.clone());
                        go!(move || {
                            if left.fetch_sub(1, AcqRel) == 1 {
                                end.post()
                            }
                        })
                    })
                    .collect();
                for h in v {
                    h.join().unwrap();
                }
            }
        });
    }
    end.wait();
    t0.elapsed()
}
/// The time of `n` round trips after a twentieth of as many, ns each.
fn round_trips(
    n: usize,
    mut ping: impl FnMut() + Send + 'static,
    mut pong: impl FnMut() + Send + 'static,
) -> f64 {
    let m = n + n / 20;
    let x = go!(move || (0..m).for_each(|_| pong()));
    let y = go!(move || {
        let mut t0 = Instant::now();
        for i in 0..m {
            if i == n / 20 {
                t0 = Instant::now();
            }
            ping()
        }
        ns_per(t0.elapsed(), n)
    });
    x.join().unwrap();
    y.join().unwrap()
}
fn sem_pingpong(name: &str, n: usize) {
    let (a, b) = (Arc::new(Semphore::new(0)), Arc::new(Semphore::new(0)));
    let (a2, b2) = (a.clone(), b.clone());
    let ping = move || {
        a.post();
        b.wait()
    };
    let pong = move || {
        a2.wait();
        b2.post()
    };
    out(name, round_trips(n, ping, pong), "ns");
}
fn mutex_free(name: &str, n: usize) {
    let m = Mutex::new(0usize);
    let mut t0 = Instant::now();
    for i in 0..n + n / 20 {
        if i == n / 20 {
            t0 = Instant::now();
        }
        *m.lock().unwrap() += 1
    }
    out(name, ns_per(t0.elapsed(), n), "ns");
    assert_eq!(*m.lock().unwrap(), n + n / 20);
}
fn mutex64(name: &str, n: usize) {
    let m = Arc::new(Mutex::new(0usize));
    let t0 = Instant::now();
    let v: Vec<_> = (0..64)
        .map(|_| {
            let m = m.clone();
            go!(move || (0..n / 64).for_each(|_| *m.lock().unwrap() += 1))
        })
        .collect();
    for h in v {
        h.join().unwrap();
    }
    let took = t0.elapsed();
    let count = *m.lock().unwrap();
    assert_eq!(count, n / 64 * 64);
    out(name, ns_per(took, count), "ns");
}
fn mutex64_fair(name: &str, ms: usize) {
    let m = Arc::new(Mutex::new(0usize));
    let race = Arc::new(Race::default());
    let v: Vec<_> = (0..64)
        .map(|_| {
            let (m, race) = (m.clone(), race.clone());
            go!(move || {
                race.arrive();
                while !race.begun() {
                    coroutine::sleep(Duration::from_millis(1));
                }
                let mut mine = 0;
                while !race.over() {
                    *m.lock().unwrap() += 1;
                    mine += 1;
                }
                mine
            })
        })
        .collect();
    let took = race.clone().run(64, ms);
    let turns: Vec<usize> = v.into_iter().map(|h| h.join().unwrap()).collect();
    out_fair(name, &turns, took.join().unwrap());
}
/// A channel for each receiver, and of the kind that a cancelled receiver leaves (spsc's does not): to close one that very many cancelled receivers have waited on takes more
/// stack than a coroutine has, for its semaphore passes over them by recursion.
fn cancel(n: usize) -> (Duration, usize) {
    let up = Arc::new(AtomicUsize::new(0));
    let (mut senders, mut v) = (Vec::with_capacity(n / 2), Vec::with_capacity(n));
    for i in 0..n {
        let up = up.clone();
        v.push(if i % 2 == 0 {
            let (tx, rx) = may::sync::mpmc::channel::<u64>();
            senders.push(tx);
            go!(move || {
                up.fetch_add(1, Relaxed);
                _ = rx.recv();
            })
        } else {
            go!(move || {
                up.fetch_add(1, Relaxed);
                coroutine::sleep(STORM_SLEEP)
            })
        });
    }
    while up.load(Relaxed) < n {
        coroutine::sleep(Duration::from_millis(1));
    }
    let (t0, mut ended) = (Instant::now(), 0);
    for h in &v {
        // SAFETY: the task holds nothing that its unwinding would not drop.
        unsafe { h.coroutine().cancel() }
    }
    for h in v {
        ended += h.join().is_err() as usize;
    }
    (t0.elapsed(), ended)
}
fn run(name: &str, a: &Args) {
    match name {
        "yield2" | "yield1k" | "yield100k" => yields(name, yield_tasks(name), a.n(2, 20_000_000)),
        "spawn_join" => {
            let n = a.n(2, 2_000_000);
            let mut t0 = Instant::now();
            for i in 0..n + n / 20 {
                if i == n / 20 {
                    t0 = Instant::now();
                }
                go!(|| ()).join().unwrap();
            }
            out(name, ns_per(t0.elapsed(), n), "ns");
        }
        "spawn_batch" => {
            let n = a.n(2, 100_000);
            let mut best = f64::MAX;
            for _ in 0..5 {
                let t0 = Instant::now();
                let v: Vec<_> = (0..n).map(|_| go!(|| ())).collect();
                for h in v {
                    h.join().unwrap();
                }
                best = best.min(ns_per(t0.elapsed(), n));
            }
            out(name, best, "ns");
        }
        "spawn_mt" => {
            let n = a.n(2, 1_000_000);
            spawn_mt(n / 10);
            out(name, ns_per(spawn_mt(n), n), "ns");
        }
        "skynet" => {
            let n = a.n(2, 1_000_000);
            for r in 0..2 {
                let t0 = Instant::now();
                check_sky(sky_root(n as u64), n);
                if r == 1 {
                    out(name, t0.elapsed().as_secs_f64() * 1e3, "ms");
                }
            }
        }
        "cancel_storm" => {
            let n = a.n(2, 10_000);
            storm(name, n, || cancel(n))
        }
        "sem_pingpong" => sem_pingpong(name, a.n(2, 5_000_000)),
        "mutex_free" => mutex_free(name, a.n(2, 50_000_000)),
        "mutex64" => mutex64(name, a.n(2, 6_400_000)),
        "mutex64_fair" => mutex64_fair(name, a.n(2, 1000)),
        "timers" => {
            let d = delays(a.n(2, 100_000));
            let (c0, t0) = (cpu_ms(), Instant::now());
            let v: Vec<_> = d
                .iter()
                .map(|&ms| {
                    go!(move || {
                        let s = Instant::now();
                        coroutine::sleep(Duration::from_millis(ms as u64));
                        late_ns(s, ms)
                    })
                })
                .collect();
            let late: Vec<i64> = v.into_iter().map(|h| h.join().unwrap()).collect();
            out_timers(late, t0.elapsed(), cpu_ms() - c0);
        }
        "parked" | "parked30k" => {
            let n = a.n(2, parked_tasks(name));
            let (s, up) = (Arc::new(Semphore::new(0)), Arc::new(AtomicUsize::new(0)));
            let before = Memory::now();
            for _ in 0..n {
                let (s, up) = (s.clone(), up.clone());
                go!(move || {
                    up.fetch_add(1, Relaxed);
                    s.wait()
                });
            }
            while up.load(Relaxed) < n {
                coroutine::sleep(Duration::from_millis(5)); // a yielding task starves the global queue
            }
            before.out_grown(name, n);
            std::process::exit(0);
        }
        _ if io::run(name, a) || chan::run(name, a) => {}
        "offload" | "blocking64" => skip(name, "no way to run code that blocks"),
        "select8" => skip(name, "its select! makes a coroutine for each arm of each select"),
        "pread4k" | "pread4k_direct" => skip(name, "no files"),
        _ => skip(name, "coroutines cannot be bound to a thread"),
    }
}
fn main() {
    let a = Args::get();
    let name = a.name();
    let threads = match &name[..] {
        "spawn_mt" | "skynet" | "mutex64" | "mutex64_fair" => 2,
        "chan_1_1" | "chan_n_1" | "chan_n_m" => 2,
        "http" => a.n(3, 1),
        _ => 1,
    };
    may::config().set_workers(threads);
    // Room for the live tasks of these, so that their stacks are not unmapped and mapped again.
    match &name[..] {
        "spawn_mt" => drop(may::config().set_pool_capacity(2048)),
        "cancel_storm" => drop(may::config().set_pool_capacity(a.n(2, 10_000))),
        _ => {}
    }
    if go!(move || run(&name, &a)).join().is_err() {
        std::process::exit(1)
    }
}
