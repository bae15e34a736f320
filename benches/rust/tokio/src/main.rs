//! tokio. The flavor is taken from the program name: *-mt is the multi-thread runtime with as
//! many workers as the benchmark has OS threads, anything else is current_thread (one runtime
//! per OS thread). bench NAME [N] | http PORT NTHREADS
use peer_common::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, mpsc};

mod chan;
mod io;
mod sync;

fn rt(mt: bool, threads: usize) -> Runtime {
    if mt {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
    } else {
        Builder::new_current_thread().enable_all().build().unwrap()
    }
}
/// The driver is itself a spawned task, so that it runs on a worker.
fn drive<F: Future<Output = T> + Send + 'static, T: Send + 'static>(rt: &Runtime, f: F) -> T {
    rt.block_on(async { tokio::spawn(f).await.unwrap() })
}
async fn yields(name: String, t: usize, n: usize) {
    let k = n / t;
    let wake = name.ends_with("_wake");
    let (arrived, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (t0, el) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let v: Vec<_> = (0..t)
        .map(|_| {
            let (arrived, done, t0, el) = (arrived.clone(), done.clone(), t0.clone(), el.clone());
            tokio::spawn(async move {
                if arrived.fetch_add(1, Relaxed) + 1 == t {
                    t0.set(Instant::now()).unwrap();
                }
                while arrived.load(Relaxed) < t {
                    tokio::task::yield_now().await;
                }
                if wake {
                    for _ in 0..k {
                        wake_yield().await;
                    }
                } else {
                    for _ in 0..k {
                        tokio::task::yield_now().await;
                    }
                }
                if done.fetch_add(1, Relaxed) + 1 == t {
                    el.set(t0.get().unwrap().elapsed()).unwrap();
                }
            })
        })
        .collect();
    for h in v {
        h.await.unwrap();
    }
    out(&name, ns_per(*el.get().unwrap(), k * t), "ns");
}
fn sky(num: u64, size: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return num;
        }
        let s = size / 10;
        let mut v = Vec::with_capacity(10);
        for i in 0..10 {
            v.push(tokio::spawn(sky(num + i * s, s)));
        }
        let mut sum = 0;
        for h in v {
            sum += h.await.unwrap();
        }
        sum
    })
}
async fn sky_part(lo: u64, hi: u64, n: u64) -> u64 {
    let s = n / 10;
    let v: Vec<_> = (lo..hi).map(|i| tokio::spawn(sky(i * s, s))).collect();
    let mut sum = 0;
    for h in v {
        sum += h.await.unwrap();
    }
    sum
}
/// Yields now and then, so that tasks run while their memory and queue are warm.
async fn spawner(n: usize, flood: bool, left: Arc<AtomicUsize>, end: Arc<Notify>) {
    for i in 1..=n {
        let (left, end) = (left.clone(), end.clone());
        tokio::spawn(async move {
            if left.fetch_sub(1, AcqRel) == 1 {
                end.notify_one();
            }
        });
        if i % 64 == 0 && !flood {
            tokio::task::yield_now().await;
        }
    }
}
async fn spawners(count: usize, n: usize, flood: bool) {
    let (left, end) = (Arc::new(AtomicUsize::new(n / count * count)), Arc::new(Notify::new()));
    for _ in 0..count {
        tokio::spawn(spawner(n / count, flood, left.clone(), end.clone()));
    }
    end.notified().await
}
fn spawn_mt_once(mt: bool, n: usize, flood: bool) -> f64 {
    let took = if mt {
        drive(&rt(true, 2), async move {
            spawners(2, n / 10, flood).await;
            let t0 = Instant::now();
            spawners(2, n, flood).await;
            t0.elapsed()
        })
    } else {
        let (took, _) = on_two(|th, both| {
            let r = rt(false, 1);
            for n in [n / 10, n] {
                both.timed(th, || drive(&r, spawners(1, n / 2, flood)));
            }
        });
        took
    };
    ns_per(took, n / 2 * 2)
}
fn spawn_mt(name: &str, mt: bool, n: usize) {
    out(name, spawn_mt_once(mt, n, false), "ns");
    out(&format!("{name}_flood"), spawn_mt_once(mt, n / 10, true), "ns");
}
fn skynet(name: &str, mt: bool, n: usize) {
    let (took, sum) = if mt {
        drive(&rt(true, 2), async move {
            sky(0, n as u64).await;
            let t0 = Instant::now();
            let sum = sky(0, n as u64).await;
            (t0.elapsed(), sum)
        })
    } else {
        let (took, sums) = on_two(|th, both| {
            let (r, lo) = (rt(false, 1), th as u64 * 5);
            let part = || both.timed(th, || drive(&r, sky_part(lo, lo + 5, n as u64)));
            part();
            part()
        });
        (took, sums[0] + sums[1])
    };
    check_sky(sum, n);
    out(name, took.as_secs_f64() * 1e3, "ms");
}
/// How two tasks tell each other that it is their turn: a notification each, or a channel each.
trait Turns: Send + 'static {
    fn give(&mut self) -> impl Future<Output = ()> + Send;
    fn get(&mut self) -> impl Future<Output = ()> + Send;
}
struct Notes(Arc<Notify>, Arc<Notify>);
impl Turns for Notes {
    async fn give(&mut self) {
        self.0.notify_one();
    }
    async fn get(&mut self) {
        self.1.notified().await
    }
}
struct Channels(mpsc::Sender<u64>, mpsc::Receiver<u64>);
impl Turns for Channels {
    async fn give(&mut self) {
        self.0.send(1).await.unwrap();
    }
    async fn get(&mut self) {
        self.1.recv().await.unwrap();
    }
}
async fn ping(name: String, n: usize, mut turns: impl Turns) {
    let mut laps = Laps::new(n);
    while laps.next() {
        turns.give().await;
        turns.get().await;
    }
    out(&name, laps.each(), "ns");
}
async fn pong(n: usize, mut turns: impl Turns) {
    for _ in 0..Laps::total(n) {
        turns.get().await;
        turns.give().await;
    }
}
fn round_trips<T: Turns>(name: &str, mt: bool, n: usize, a: T, b: T) {
    let name = name.to_string();
    if !name.ends_with("_x") {
        drive(&rt(mt, 1), async move {
            let h = tokio::spawn(pong(n, b));
            tokio::spawn(ping(name, n, a)).await.unwrap();
            h.await.unwrap();
        })
    } else if mt {
        // block_on runs its future on this thread, the spawned task runs on the worker.
        let r = rt(true, 1);
        let h = r.spawn(pong(n, b));
        r.block_on(ping(name, n, a));
        r.block_on(h).unwrap();
    } else {
        let t = std::thread::spawn(move || drive(&rt(false, 1), pong(n, b)));
        drive(&rt(false, 1), ping(name, n, a));
        t.join().unwrap();
    }
}
fn main() {
    let a = Args::get();
    let mt = a.prog().ends_with("-mt");
    let name = a.name();
    let nm = name.clone();
    match &name[..] {
        "yield2" | "yield1k" | "yield100k" | "yield2_wake" | "yield1k_wake" | "yield100k_wake" => {
            let n = a.n(2, 20_000_000);
            drive(&rt(mt, 1), async move { yields(nm.clone(), yield_tasks(&nm), n).await })
        }
        "spawn_join" => {
            let n = a.n(2, 2_000_000);
            drive(&rt(mt, 1), async move {
                let mut t0 = Instant::now();
                for i in 0..n + n / 20 {
                    if i == n / 20 {
                        t0 = Instant::now();
                    }
                    tokio::spawn(async {}).await.unwrap();
                }
                out(&nm, ns_per(t0.elapsed(), n), "ns");
            })
        }
        "spawn_batch" => {
            let n = a.n(2, 100_000);
            drive(&rt(mt, 1), async move {
                let mut best = f64::MAX;
                for _ in 0..5 {
                    let t0 = Instant::now();
                    let v: Vec<_> = (0..n).map(|_| tokio::spawn(async {})).collect();
                    for h in v {
                        h.await.unwrap();
                    }
                    best = best.min(ns_per(t0.elapsed(), n));
                }
                out(&nm, best, "ns");
            })
        }
        "spawn_mt" => spawn_mt(&name, mt, a.n(2, 1_000_000)),
        "skynet" => skynet(&name, mt, a.n(2, 1_000_000)),
        "pingpong" | "pingpong_x" => {
            let n = a.n(2, if name.ends_with("_x") { 100_000 } else { 5_000_000 });
            let (x, y) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            round_trips(&name, mt, n, Notes(x.clone(), y.clone()), Notes(y, x))
        }
        "chan_pingpong" | "chan_pingpong_x" => {
            let n = a.n(2, if name.ends_with("_x") { 100_000 } else { 5_000_000 });
            let ((ta, ra), (tb, rb)) = (mpsc::channel(1), mpsc::channel(1));
            round_trips(&name, mt, n, Channels(ta, rb), Channels(tb, ra))
        }
        "timers" => {
            let d = delays(a.n(2, 100_000));
            drive(&rt(mt, 1), async move {
                let (c0, t0) = (cpu_ms(), Instant::now());
                let v: Vec<_> = d
                    .iter()
                    .map(|&ms| {
                        tokio::spawn(async move {
                            let s = Instant::now();
                            tokio::time::sleep(Duration::from_millis(ms as u64)).await;
                            late_ns(s, ms)
                        })
                    })
                    .collect();
                let mut late = Vec::with_capacity(v.len());
                for h in v {
                    late.push(h.await.unwrap());
                }
                out_timers(late, t0.elapsed(), cpu_ms() - c0);
            })
        }
        "parked" | "parked30k" => {
            let n = a.n(2, parked_tasks(&name));
            drive(&rt(mt, 1), async move {
                let (s, up) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
                let before = Memory::now();
                for _ in 0..n {
                    let (s, up) = (s.clone(), up.clone());
                    tokio::spawn(async move {
                        up.fetch_add(1, Relaxed);
                        let _ = s.acquire().await;
                    });
                }
                while up.load(Relaxed) < n {
                    tokio::task::yield_now().await;
                }
                before.out_grown(&nm, n);
                std::process::exit(0)
            })
        }
        _ if io::run(&a, mt) || sync::run(&a, mt) || chan::run(&a, mt) => {}
        _ => skip(&name, "not in this peer"),
    }
}
