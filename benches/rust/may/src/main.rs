//! may: stackful coroutines. bench NAME [N] | http PORT NTHREADS
use may::sync::{Mutex, Semphore, mpsc, spsc};
use may::{coroutine, go};
use peer_common::*;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

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
fn pingpong(name: &str, n: usize) {
    let m = n + n / 20;
    let nm = name.to_string();
    macro_rules! run {
        ($ping:expr, $pong:expr) => {{
            let x = go!(move || for _ in 0..m {
                $pong
            });
            let y = go!(move || {
                let mut t0 = Instant::now();
                for i in 0..m {
                    if i == n / 20 {
                        t0 = Instant::now();
                    }
                    $ping
                }
                out(&nm, ns_per(t0.elapsed(), n), "ns");
            });
            (x, y)
        }};
    }
    let (x, y) = match name {
        "pingpong_mpsc" => {
            let ((ta, ra), (tb, rb)) = (mpsc::channel(), mpsc::channel());
            run!(
                {
                    ta.send(1u64).unwrap();
                    rb.recv().unwrap();
                },
                {
                    let v = ra.recv().unwrap();
                    tb.send(v).unwrap()
                }
            )
        }
        "pingpong_sem" => {
            let (a, b) = (Arc::new(Semphore::new(0)), Arc::new(Semphore::new(0)));
            let (a2, b2) = (a.clone(), b.clone());
            run!(
                {
                    a.post();
                    b.wait()
                },
                {
                    a2.wait();
                    b2.post()
                }
            )
        }
        _ => {
            let ((ta, ra), (tb, rb)) = (spsc::channel(), spsc::channel());
            run!(
                {
                    ta.send(1u64).unwrap();
                    rb.recv().unwrap();
                },
                {
                    let v = ra.recv().unwrap();
                    tb.send(v).unwrap()
                }
            )
        }
    };
    x.join().unwrap();
    y.join().unwrap();
}
fn serve(mut c: may::net::TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = ([0u8; 4096], 0u8);
    loop {
        let n = c.read(&mut buf)?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &buf[..n]) {
            c.write_all(RESP)?;
        }
    }
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
        "pingpong" | "pingpong_mpsc" | "pingpong_sem" => pingpong(name, a.n(2, 5_000_000)),
        "mutex" => {
            let n = a.n(2, 100_000);
            let m = Arc::new(Mutex::new(0usize));
            let t0 = Instant::now();
            let v: Vec<_> = (0..64)
                .map(|_| {
                    let m = m.clone();
                    go!(move || for _ in 0..n {
                        *m.lock().unwrap() += 1
                    })
                })
                .collect();
            for h in v {
                h.join().unwrap();
            }
            assert_eq!(*m.lock().unwrap(), 64 * n);
            out(name, ns_per(t0.elapsed(), 64 * n), "ns");
        }
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
        "parked" => {
            let n = a.n(2, 1_000_000);
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
            before.out_grown(n);
            std::process::exit(0);
        }
        "http" => {
            let l = may::net::TcpListener::bind(("127.0.0.1", a.n(2, 8080) as u16)).unwrap();
            for c in l.incoming().flatten() {
                c.set_nodelay(true).ok();
                go!(move || {
                    let _ = serve(c);
                });
            }
        }
        _ => skip(name, "coroutines cannot be bound to a thread"),
    }
}
fn main() {
    let a = Args::get();
    let name = a.name();
    let threads = match &name[..] {
        "spawn_mt" | "skynet" | "mutex" => 2,
        "http" => a.n(3, 1),
        _ => 1,
    };
    may::config().set_workers(threads);
    if name == "spawn_mt" {
        may::config().set_pool_capacity(2048); // the live tasks of this benchmark
    }
    if go!(move || run(&name, &a)).join().is_err() {
        std::process::exit(1)
    }
}
