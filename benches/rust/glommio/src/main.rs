//! glommio: an io_uring executor for each OS thread, tasks never move. bench NAME [N] | http PORT NTHREADS
use glommio::sync::Semaphore;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, executor, spawn_local};
use peer_common::*;
use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::time::{Duration, Instant};

mod chan;
mod io;
mod sync;

fn rt() -> LocalExecutor {
    LocalExecutorBuilder::new(Placement::Unbound)
        .make()
        .unwrap_or_else(|e| skip("glommio", &format!("no executor: {e}")))
}
/// The driver is itself a spawned task, like the tasks it drives.
fn drive<F: Future + 'static>(f: F) -> F::Output
where
    F::Output: 'static,
{
    rt().run(async move { spawn_local(f).await })
}
async fn yields(name: String, t: usize, n: usize) {
    let k = n / t;
    let (arrived, done) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (t0, el) = (Rc::new(OnceCell::new()), Rc::new(OnceCell::new()));
    let v: Vec<_> = (0..t)
        .map(|_| {
            let (arrived, done, t0, el) = (arrived.clone(), done.clone(), t0.clone(), el.clone());
            spawn_local(async move {
                arrived.set(arrived.get() + 1);
                if arrived.get() == t {
                    t0.set(Instant::now()).unwrap();
                }
                while arrived.get() < t {
                    wake_yield().await;
                }
                let e = executor();
                for _ in 0..k {
                    e.yield_now().await;
                }
                done.set(done.get() + 1);
                if done.get() == t {
                    el.set(t0.get().unwrap().elapsed()).unwrap();
                }
            })
            .detach()
        })
        .collect();
    for h in v {
        h.await;
    }
    out(&name, ns_per(*el.get().unwrap(), k * t), "ns");
}
async fn spawn_join(name: String, n: usize) {
    let mut laps = Laps::new(n);
    while laps.next() {
        spawn_local(async {}).await;
    }
    out(&name, laps.each(), "ns");
}
async fn spawn_batch(name: String, n: usize) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let t0 = Instant::now();
        let v: Vec<_> = (0..n).map(|_| spawn_local(async {})).collect();
        for h in v {
            h.await;
        }
        best = best.min(ns_per(t0.elapsed(), n));
    }
    out(&name, best, "ns");
}
/// A spawner on each thread; the last task of a thread tells its spawner, for a channel to the other
/// thread would be the dearest part.
fn spawn_mt_once(n: usize, flood: bool) -> f64 {
    let (took, _) = on_two(|th, both| {
        let r = rt();
        for m in [n / 10 / 2, n / 2] {
            let left = Arc::new(AtomicUsize::new(m));
            both.timed(th, || {
                r.run(async move {
                    let end = Rc::new(Semaphore::new(0));
                    for i in 1..=m {
                        let (left, end) = (left.clone(), end.clone());
                        spawn_local(async move {
                            if left.fetch_sub(1, AcqRel) == 1 {
                                end.signal(1)
                            }
                        })
                        .detach();
                        if i % 64 == 0 && !flood {
                            executor().yield_now().await; // tasks run while their memory is warm
                        }
                    }
                    end.acquire(1).await.unwrap()
                })
            });
        }
    });
    ns_per(took, n / 2 * 2)
}
fn spawn_mt(name: &str, n: usize) {
    out(name, spawn_mt_once(n, false), "ns");
    out(&format!("{name}_flood"), spawn_mt_once(n / 10, true), "ns");
}
fn sky(num: u64, size: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if size == 1 {
            return num;
        }
        let s = size / 10;
        let v: Vec<_> = (0..10).map(|i| spawn_local(sky(num + i * s, s))).collect();
        let mut sum = 0;
        for h in v {
            sum += h.await;
        }
        sum
    })
}
/// Five of the root's children on each thread.
fn skynet(name: &str, n: usize) {
    let (took, sums) = on_two(|th, both| {
        let (r, lo, s) = (rt(), th as u64 * 5, n as u64 / 10);
        let part = || {
            both.timed(th, || {
                r.run(async {
                    let v: Vec<_> = (lo..lo + 5).map(|i| spawn_local(sky(i * s, s))).collect();
                    let mut sum = 0;
                    for h in v {
                        sum += h.await;
                    }
                    sum
                })
            })
        };
        part();
        part()
    });
    check_sky(sums[0] + sums[1], n);
    out(name, took.as_secs_f64() * 1e3, "ms");
}
async fn timers(d: Vec<u32>) {
    let (c0, t0) = (cpu_ms(), Instant::now());
    let v: Vec<_> = d
        .iter()
        .map(|&ms| {
            spawn_local(async move {
                let s = Instant::now();
                glommio::timer::sleep(Duration::from_millis(ms as u64)).await;
                late_ns(s, ms)
            })
        })
        .collect();
    let mut late = Vec::with_capacity(v.len());
    for h in v {
        late.push(h.await);
    }
    out_timers(late, t0.elapsed(), cpu_ms() - c0);
}
async fn parked(name: String, n: usize) {
    let (s, up) = (Rc::new(Semaphore::new(0)), Rc::new(Cell::new(0)));
    let before = Memory::now();
    for _ in 0..n {
        let (s, up) = (s.clone(), up.clone());
        spawn_local(async move {
            up.set(up.get() + 1);
            let _ = s.acquire(1).await;
        })
        .detach();
    }
    while up.get() < n {
        wake_yield().await;
    }
    before.out_grown(&name, n);
    std::process::exit(0);
}
fn main() {
    let a = Args::get();
    let name = a.name();
    match &name[..] {
        "yield2" | "yield1k" | "yield100k" => {
            let t = yield_tasks(&name);
            drive(yields(name, t, a.n(2, 20_000_000)))
        }
        "spawn_join" => drive(spawn_join(name, a.n(2, 2_000_000))),
        "spawn_batch" => drive(spawn_batch(name, a.n(2, 100_000))),
        "spawn_mt" => spawn_mt(&name, a.n(2, 1_000_000)),
        "skynet" => skynet(&name, a.n(2, 1_000_000)),
        "timers" => drive(timers(delays(a.n(2, 100_000)))),
        "parked" | "parked30k" => {
            let n = a.n(2, parked_tasks(&name));
            drive(parked(name, n))
        }
        _ if io::run(&a) || sync::run(&a) || chan::run(&a) => {}
        _ => skip(&name, "not in this peer"),
    }
}
