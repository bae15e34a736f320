//! Semaphores (local-sync's), mutexes (async-lock's, for monoio has none), cancelling, blocking code.
use crate::{drive, drive_timed, rt, rt_timed};
use async_lock::Mutex;
use local_sync::{mpsc::bounded, oneshot, semaphore::Semaphore};
use monoio::blocking::DefaultThreadPool;
use monoio::{IoUringDriver, RuntimeBuilder};
use peer_common::*;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

async fn sem_pingpong(name: String, n: usize) {
    let (a, b) = (Rc::new(Semaphore::new(0)), Rc::new(Semaphore::new(0)));
    let (a2, b2) = (a.clone(), b.clone());
    let pong = monoio::spawn(async move {
        for _ in 0..Laps::total(n) {
            a2.acquire().await.unwrap().forget();
            b2.add_permits(1);
        }
    });
    let ping = monoio::spawn(async move {
        let mut laps = Laps::new(n);
        while laps.next() {
            a.add_permits(1);
            b.acquire().await.unwrap().forget();
        }
        out(&name, laps.each(), "ns");
    });
    ping.await;
    pong.await
}
async fn mutex_free(name: String, n: usize) {
    let m = Mutex::new(0usize);
    let mut laps = Laps::new(n);
    while laps.next() {
        *m.lock().await += 1;
    }
    out(&name, laps.each(), "ns");
    assert_eq!(*m.lock().await, Laps::total(n));
}
fn mutex64(name: &str, n: usize) {
    let m = Arc::new(Mutex::new(0usize));
    let (took, _) = on_two(|th, both| {
        let mut r = rt();
        both.timed(th, || {
            r.block_on(async {
                let one = |_| {
                    let m = m.clone();
                    monoio::spawn(async move {
                        for _ in 0..n / 64 {
                            *m.lock().await += 1
                        }
                    })
                };
                let v: Vec<_> = (0..32).map(one).collect();
                for h in v {
                    h.await;
                }
            })
        })
    });
    assert_eq!(*m.lock_blocking(), n / 64 * 64);
    out(name, ns_per(took, n / 64 * 64), "ns");
}
fn mutex64_fair(name: &str, ms: usize) {
    let (m, race) = (Arc::new(Mutex::new(0usize)), Arc::new(Race::default()));
    let clock = race.clone().run(64, ms);
    let (_, turns) = on_two(|_, _| {
        rt_timed().block_on(async {
            let one = |_| {
                let (m, race) = (m.clone(), race.clone());
                monoio::spawn(async move {
                    race.arrive();
                    while !race.begun() {
                        monoio::time::sleep(Duration::from_millis(1)).await;
                    }
                    let mut mine = 0;
                    while !race.over() {
                        *m.lock().await += 1;
                        mine += 1;
                    }
                    mine
                })
            };
            let v: Vec<_> = (0..32).map(one).collect();
            let mut turns = Vec::new();
            for h in v {
                turns.push(h.await);
            }
            turns
        })
    });
    out_fair(name, &turns.concat(), clock.join().unwrap());
}
/// A join handle has no abort, so each task waits for a token, too.
async fn cancel(n: usize) -> (Duration, usize) {
    let (token, up) = (CancellationToken::new(), Rc::new(Cell::new(0)));
    let (tx, rx) = oneshot::channel();
    let last = Rc::new(Cell::new(Some(tx)));
    let begin = move |up: Rc<Cell<usize>>| {
        up.set(up.get() + 1);
        if up.get() == n {
            last.take().unwrap().send(()).unwrap();
        }
    };
    let (mut senders, mut v) = (Vec::with_capacity(n / 2), Vec::with_capacity(n));
    for i in 0..n {
        let (token, up, begin) = (token.clone(), up.clone(), begin.clone());
        v.push(if i % 2 == 0 {
            let (tx, mut rx) = bounded::channel::<u64>(1);
            senders.push(tx);
            monoio::spawn(async move {
                begin(up);
                monoio::select! {
                    _ = token.cancelled() => true,
                    _ = rx.recv() => false,
                }
            })
        } else {
            monoio::spawn(async move {
                begin(up);
                monoio::select! {
                    _ = token.cancelled() => true,
                    _ = monoio::time::sleep(STORM_SLEEP) => false,
                }
            })
        });
    }
    rx.await.unwrap();
    let (t0, mut ended) = (Instant::now(), 0);
    token.cancel();
    for h in v {
        ended += h.await as usize;
    }
    (t0.elapsed(), ended)
}
fn offload(name: &str, n: usize) {
    let pool = Box::new(DefaultThreadPool::new(1));
    let mut r = RuntimeBuilder::<IoUringDriver>::new().attach_thread_pool(pool).build().unwrap();
    let each = r.block_on(async {
        monoio::spawn(async move {
            monoio::spawn_blocking(|| ()).await.unwrap();
            let mut laps = Laps::new(n);
            while laps.next() {
                monoio::spawn_blocking(|| ()).await.unwrap();
            }
            laps.each()
        })
        .await
    });
    out(name, each, "ns");
}
async fn beside_blocked(ms: usize) -> (Vec<i64>, Duration) {
    let over = Rc::new(Cell::new(false));
    let t0 = Instant::now();
    let other = |_| {
        let over = over.clone();
        monoio::spawn(async move {
            let mut late = Vec::new();
            while !over.get() {
                let s = Instant::now();
                monoio::time::sleep(Duration::from_millis(1)).await;
                late.push(late_ns(s, 1));
            }
            late
        })
    };
    let others: Vec<_> = (0..8).map(other).collect();
    let block = |_| {
        let d = Duration::from_millis(ms as u64);
        monoio::spawn(async move {
            monoio::spawn_blocking(move || std::thread::sleep(d)).await.unwrap()
        })
    };
    let stuck: Vec<_> = (0..64).map(block).collect();
    for h in stuck {
        h.await;
    }
    let wall = t0.elapsed();
    over.set(true);
    let mut late = Vec::new();
    for h in others {
        late.extend(h.await);
    }
    (late, wall)
}
/// The pool has to be made, so it is made large enough.
fn blocking64(name: &str, ms: usize) {
    let pool = Box::new(DefaultThreadPool::new(64));
    let b = RuntimeBuilder::<IoUringDriver>::new().enable_timer().attach_thread_pool(pool);
    let (late, wall) = b.build().unwrap().block_on(beside_blocked(ms));
    out_blocking(name, late, wall);
}
/// False: not one of these.
pub fn run(a: &Args) -> bool {
    let name = a.name();
    match &name[..] {
        "sem_pingpong" => drive(sem_pingpong(name, a.n(2, 5_000_000))),
        "mutex_free" => drive(mutex_free(name, a.n(2, 50_000_000))),
        "mutex64" => mutex64(&name, a.n(2, 6_400_000)),
        "mutex64_fair" => mutex64_fair(&name, a.n(2, 1000)),
        "cancel_storm" => {
            let n = a.n(2, 10_000);
            storm(&name, n, || drive_timed(cancel(n)))
        }
        "offload" => offload(&name, a.n(2, 100_000)),
        "blocking64" => blocking64(&name, a.n(2, 1000)),
        _ => return false,
    }
    true
}
