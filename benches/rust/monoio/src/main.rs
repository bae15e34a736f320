//! monoio on io_uring: a runtime for each OS thread, tasks never move. bench NAME [N] | http PORT NTHREADS
use monoio::time::TimeDriver;
use monoio::{IoUringDriver, Runtime, RuntimeBuilder};
use peer_common::*;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

mod chan;
mod io;
mod sync;

fn no_ring(e: std::io::Error) -> ! {
    skip("monoio", &format!("no io_uring: {e}"))
}
/// The ring has its default size; there are timers only where the work has some.
fn rt() -> Runtime<IoUringDriver> {
    RuntimeBuilder::<IoUringDriver>::new().build().unwrap_or_else(|e| no_ring(e))
}
fn rt_timed() -> Runtime<TimeDriver<IoUringDriver>> {
    let b = RuntimeBuilder::<IoUringDriver>::new().enable_timer();
    b.build().unwrap_or_else(|e| no_ring(e))
}
/// The driver is itself a spawned task, like the tasks it drives.
fn drive<F: Future + 'static>(f: F) -> F::Output
where
    F::Output: 'static,
{
    rt().block_on(async move { monoio::spawn(f).await })
}
fn drive_timed<F: Future + 'static>(f: F) -> F::Output
where
    F::Output: 'static,
{
    rt_timed().block_on(async move { monoio::spawn(f).await })
}

type Ring = Rc<Vec<RefCell<Option<Waker>>>>;
/// monoio has no yield_now, and a task that wakes itself goes to the front of the queue, so that it
/// would never yield. Here each task parks and wakes the next one of a ring: the same number of
/// switches from task to task, with one runnable task at a time.
struct Baton {
    ring: Ring,
    me: usize,
    /// Whether somebody is to be woken.
    pass: bool,
    parked: bool,
}
impl Future for Baton {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.parked {
            return Poll::Ready(());
        }
        self.parked = true;
        *self.ring[self.me].borrow_mut() = Some(cx.waker().clone());
        if self.pass {
            pass(&self.ring, self.me);
        }
        Poll::Pending
    }
}
fn pass(ring: &Ring, me: usize) {
    if let Some(w) = ring[(me + 1) % ring.len()].borrow_mut().take() {
        w.wake()
    }
}
async fn yields(name: String, t: usize, n: usize) {
    let k = n / t;
    let ring: Ring = Rc::new((0..t).map(|_| RefCell::new(None)).collect());
    let t0 = Rc::new(Cell::new(Instant::now()));
    let v: Vec<_> = (0..t)
        .map(|me| {
            let (ring, t0) = (ring.clone(), t0.clone());
            monoio::spawn(async move {
                if me + 1 < t {
                    Baton { ring: ring.clone(), me, pass: false, parked: false }.await;
                } else {
                    t0.set(Instant::now());
                }
                for _ in 0..k {
                    Baton { ring: ring.clone(), me, pass: true, parked: false }.await;
                }
                pass(&ring, me);
                t0.get().elapsed()
            })
        })
        .collect();
    let mut el = Duration::ZERO;
    for h in v {
        el = el.max(h.await);
    }
    out(&name, ns_per(el, k * t), "ns");
}
async fn spawn_join(name: String, n: usize) {
    let mut laps = Laps::new(n);
    while laps.next() {
        monoio::spawn(async {}).await;
    }
    out(&name, laps.each(), "ns");
}
async fn spawn_batch(name: String, n: usize) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let t0 = Instant::now();
        let v: Vec<_> = (0..n).map(|_| monoio::spawn(async {})).collect();
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
        let mut r = rt();
        for m in [n / 10 / 2, n / 2] {
            let left = Arc::new(AtomicUsize::new(m));
            both.timed(th, || {
                r.block_on(async move {
                    let (tx, rx) = local_sync::oneshot::channel();
                    let end = Rc::new(Cell::new(Some(tx)));
                    for i in 1..=m {
                        let (left, end) = (left.clone(), end.clone());
                        let task = monoio::spawn(async move {
                            if left.fetch_sub(1, AcqRel) == 1 {
                                end.take().unwrap().send(()).unwrap();
                            }
                        });
                        if i % 64 == 0 && !flood {
                            task.await; // so tasks run while their memory is warm
                        }
                    }
                    rx.await.unwrap()
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
        let v: Vec<_> = (0..10).map(|i| monoio::spawn(sky(num + i * s, s))).collect();
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
        let (mut r, lo, s) = (rt(), th as u64 * 5, n as u64 / 10);
        let mut part = || {
            both.timed(th, || {
                r.block_on(async {
                    let v: Vec<_> = (lo..lo + 5).map(|i| monoio::spawn(sky(i * s, s))).collect();
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
            monoio::spawn(async move {
                let s = Instant::now();
                monoio::time::sleep(Duration::from_millis(ms as u64)).await;
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
    let (tx, rx) = local_sync::oneshot::channel();
    let (last, up) = (Rc::new(Cell::new(Some(tx))), Rc::new(Cell::new(0)));
    let s = Rc::new(local_sync::semaphore::Semaphore::new(0));
    let before = Memory::now();
    for _ in 0..n {
        let (s, up, last) = (s.clone(), up.clone(), last.clone());
        monoio::spawn(async move {
            up.set(up.get() + 1);
            if up.get() == n {
                last.take().unwrap().send(()).unwrap();
            }
            let _ = s.acquire().await;
        });
    }
    rx.await.unwrap();
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
        "timers" => drive_timed(timers(delays(a.n(2, 100_000)))),
        "parked" | "parked30k" => {
            let n = a.n(2, parked_tasks(&name));
            drive(parked(name, n))
        }
        _ if io::run(&a) || sync::run(&a) || chan::run(&a) => {}
        _ => skip(&name, "not in this peer"),
    }
}
