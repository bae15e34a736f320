//! Semaphores, mutexes (between threads async-lock's), cancelling, blocking code.
use crate::{drive, rt};
use async_lock::Mutex;
use glommio::sync::{RwLock, Semaphore};
use glommio::{LocalExecutorBuilder, Placement, PoolPlacement, executor, spawn_local};
use peer_common::*;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn sem_pingpong(name: String, n: usize) {
    let (a, b) = (Rc::new(Semaphore::new(0)), Rc::new(Semaphore::new(0)));
    let (a2, b2) = (a.clone(), b.clone());
    let pong = spawn_local(async move {
        for _ in 0..Laps::total(n) {
            a2.acquire(1).await.unwrap();
            b2.signal(1);
        }
    });
    let ping = spawn_local(async move {
        let mut laps = Laps::new(n);
        while laps.next() {
            a.signal(1);
            b.acquire(1).await.unwrap();
        }
        out(&name, laps.each(), "ns");
    });
    ping.await;
    pong.await
}
/// Its own lock, which a thread has for itself.
async fn mutex_free(name: String, n: usize) {
    let m = RwLock::new(0usize);
    let mut laps = Laps::new(n);
    while laps.next() {
        *m.write().await.unwrap() += 1;
    }
    out(&name, laps.each(), "ns");
    assert_eq!(*m.read().await.unwrap(), Laps::total(n));
}
fn mutex64(name: &str, n: usize) {
    let m = Arc::new(Mutex::new(0usize));
    let (took, _) = on_two(|th, both| {
        let r = rt();
        both.timed(th, || {
            r.run(async {
                let one = |_| {
                    let m = m.clone();
                    spawn_local(async move {
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
        rt().run(async {
            let one = |_| {
                let (m, race) = (m.clone(), race.clone());
                spawn_local(async move {
                    race.arrive();
                    while !race.begun() {
                        glommio::timer::sleep(Duration::from_millis(1)).await;
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
/// A channel for each receiver, for a local channel has but one.
async fn cancel(n: usize) -> (Duration, usize) {
    let up = Rc::new(Cell::new(0));
    let (mut senders, mut v) = (Vec::with_capacity(n / 2), Vec::with_capacity(n));
    for i in 0..n {
        let up = up.clone();
        let task = if i % 2 == 0 {
            let (tx, rx) = glommio::channels::local_channel::new_bounded::<u64>(1);
            senders.push(tx);
            spawn_local(async move {
                up.set(up.get() + 1);
                rx.recv().await;
            })
        } else {
            spawn_local(async move {
                up.set(up.get() + 1);
                glommio::timer::sleep(STORM_SLEEP).await
            })
        };
        v.push(task.detach());
    }
    while up.get() < n {
        wake_yield().await;
    }
    let (t0, mut ended) = (Instant::now(), 0);
    for h in &v {
        h.cancel();
    }
    for h in v {
        ended += h.await.is_none() as usize;
    }
    (t0.elapsed(), ended)
}
async fn offload(name: String, n: usize) {
    executor().spawn_blocking(|| ()).await;
    let mut laps = Laps::new(n);
    while laps.next() {
        executor().spawn_blocking(|| ()).await;
    }
    out(&name, laps.each(), "ns");
}
async fn beside_blocked(name: String, ms: usize) {
    let over = Rc::new(Cell::new(false));
    let t0 = Instant::now();
    let other = |_| {
        let over = over.clone();
        spawn_local(async move {
            let mut late = Vec::new();
            while !over.get() {
                let s = Instant::now();
                glommio::timer::sleep(Duration::from_millis(1)).await;
                late.push(late_ns(s, 1));
            }
            late
        })
    };
    let others: Vec<_> = (0..8).map(other).collect();
    let block = |_| {
        let d = Duration::from_millis(ms as u64);
        spawn_local(async move { executor().spawn_blocking(move || std::thread::sleep(d)).await })
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
    out_blocking(&name, late, wall);
}
/// One thread is the default, so the pool is made large enough.
fn blocking64(name: String, ms: usize) {
    LocalExecutorBuilder::new(Placement::Unbound)
        .blocking_thread_pool_placement(PoolPlacement::Unbound(64))
        .make()
        .unwrap()
        .run(beside_blocked(name, ms));
}
/// False: not one of these.
pub fn run(a: &Args) -> bool {
    let name = a.name();
    match &name[..] {
        "pingpong" | "sem_pingpong" => drive(sem_pingpong(name, a.n(2, 5_000_000))),
        "mutex_free" => drive(mutex_free(name, a.n(2, 50_000_000))),
        "mutex64" => mutex64(&name, a.n(2, 6_400_000)),
        "mutex64_fair" => mutex64_fair(&name, a.n(2, 1000)),
        "cancel_storm" => {
            let n = a.n(2, 10_000);
            storm(&name, n, || drive(cancel(n)))
        }
        "offload" => drive(offload(name, a.n(2, 100_000))),
        "blocking64" => blocking64(name, a.n(2, 1000)),
        _ => return false,
    }
    true
}
