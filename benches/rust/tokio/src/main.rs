//! tokio. The flavor is taken from the program name: *-mt is the multi-thread runtime with as
//! many workers as the benchmark has OS threads, anything else is current_thread (one runtime
//! per OS thread). bench NAME [N] | http PORT NTHREADS
use peer_common::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, mpsc};

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
async fn spawner(n: usize, left: Arc<AtomicUsize>, end: Arc<Notify>) {
    for _ in 0..n {
        let (left, end) = (left.clone(), end.clone());
        tokio::spawn(async move {
            if left.fetch_sub(1, AcqRel) == 1 {
                end.notify_waiters();
                end.notify_one();
            }
        });
    }
}
fn spawn_mt(mt: bool, n: usize) -> Duration {
    let (left, end) = (Arc::new(AtomicUsize::new(n)), Arc::new(Notify::new()));
    if mt {
        let r = rt(true, 2);
        drive(&r, async move {
            let t0 = Instant::now();
            for _ in 0..2 {
                tokio::spawn(spawner(n / 2, left.clone(), end.clone()));
            }
            end.notified().await;
            t0.elapsed()
        })
    } else {
        let el = std::sync::Mutex::new(Duration::ZERO);
        on_two(|_| {
            let (r, left) = (rt(false, 1), Arc::new(AtomicUsize::new(n / 2)));
            let end = Arc::new(Notify::new());
            let d = drive(&r, async move {
                let t0 = Instant::now();
                tokio::spawn(spawner(n / 2, left, end.clone()));
                end.notified().await;
                t0.elapsed()
            });
            let mut e = el.lock().unwrap();
            *e = d.max(*e);
        });
        el.into_inner().unwrap()
    }
}
async fn ping(name: String, n: usize, ta: mpsc::Sender<u64>, mut rb: mpsc::Receiver<u64>) {
    let mut t0 = Instant::now();
    for i in 0..n + n / 20 {
        if i == n / 20 {
            t0 = Instant::now();
        }
        ta.send(1).await.unwrap();
        rb.recv().await.unwrap();
    }
    out(&name, ns_per(t0.elapsed(), n), "ns");
}
async fn pong(n: usize, tb: mpsc::Sender<u64>, mut ra: mpsc::Receiver<u64>) {
    for _ in 0..n + n / 20 {
        let v = ra.recv().await.unwrap();
        tb.send(v).await.unwrap();
    }
}
async fn serve(mut c: tokio::net::TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = ([0u8; 4096], 0u8);
    loop {
        let n = c.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &buf[..n]) {
            c.write_all(RESP).await?;
        }
    }
}
async fn http(port: usize) {
    let l = listener(port);
    l.set_nonblocking(true).unwrap();
    let l = tokio::net::TcpListener::from_std(l).unwrap();
    loop {
        if let Ok((c, _)) = l.accept().await {
            tokio::spawn(serve(c));
        }
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
        "spawn_mt" => {
            let n = a.n(2, 1_000_000);
            spawn_mt(mt, n / 10);
            out(&name, ns_per(spawn_mt(mt, n), n), "ns");
        }
        "skynet" => {
            let n = a.n(2, 1_000_000);
            for r in 0..2 {
                let (sum, el) = if mt {
                    drive(&rt(true, 2), async move {
                        let t0 = Instant::now();
                        (sky(0, n as u64).await, t0.elapsed())
                    })
                } else {
                    let sum = AtomicUsize::new(0);
                    let el = on_two(|th| {
                        let th = th as u64;
                        let v = drive(&rt(false, 1), sky_part(th * 5, th * 5 + 5, n as u64));
                        sum.fetch_add(v as usize, Relaxed);
                    });
                    (sum.load(Relaxed) as u64, el)
                };
                check_sky(sum, n);
                if r == 1 {
                    out(&name, el.as_secs_f64() * 1e3, "ms");
                }
            }
        }
        "pingpong" | "chan_pingpong" => {
            let n = a.n(2, 5_000_000);
            drive(&rt(mt, 1), async move {
                let ((ta, ra), (tb, rb)) = (mpsc::channel(1), mpsc::channel(1));
                let h = tokio::spawn(pong(n, tb, ra));
                tokio::spawn(ping(nm, n, ta, rb)).await.unwrap();
                h.await.unwrap();
            })
        }
        "pingpong_x" | "chan_pingpong_x" => {
            let n = a.n(2, 500_000);
            let ((ta, ra), (tb, rb)) = (mpsc::channel(1), mpsc::channel(1));
            if mt {
                // block_on runs its future on this thread, the spawned task runs on the worker
                let r = rt(true, 1);
                let h = r.spawn(pong(n, tb, ra));
                r.block_on(ping(nm, n, ta, rb));
                r.block_on(h).unwrap();
            } else {
                let t = std::thread::spawn(move || drive(&rt(false, 1), pong(n, tb, ra)));
                drive(&rt(false, 1), ping(nm, n, ta, rb));
                t.join().unwrap();
            }
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
        "parked" => {
            let n = a.n(2, 1_000_000);
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
                before.out_grown(n);
                std::process::exit(0)
            })
        }
        "http" => {
            let (port, t) = (a.n(2, 8080), a.n(3, 1));
            if mt || t == 1 {
                drive(&rt(mt, t), http(port))
            } else {
                on_two(|_| drive(&rt(false, 1), http(port)));
            }
        }
        _ if sync::run(&a, mt) => {}
        _ => skip(&name, "not in this peer"),
    }
}
