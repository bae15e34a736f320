//! What tasks do to each other: semaphores, channels, mutexes, blocking code.
use crate::{drive, rt};
use peer_common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore, mpsc};

async fn take(s: &Semaphore) {
    s.acquire().await.unwrap().forget()
}
async fn sem_pingpong(name: String, n: usize) {
    let m = n + n / 20;
    let (a, b) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (a2, b2) = (a.clone(), b.clone());
    let pong = tokio::spawn(async move {
        for _ in 0..m {
            take(&a2).await;
            b2.add_permits(1);
        }
    });
    let ping = tokio::spawn(async move {
        let mut t0 = Instant::now();
        for i in 0..m {
            if i == n / 20 {
                t0 = Instant::now();
            }
            a.add_permits(1);
            take(&b).await;
        }
        out(&name, ns_per(t0.elapsed(), n), "ns");
    });
    pong.await.unwrap();
    ping.await.unwrap();
}
async fn select8(name: String, n: usize) {
    let m = (n + n / 20) / 8;
    let mut rx = Vec::new();
    for i in 0..8 {
        let (t, r) = mpsc::channel(1);
        rx.push(r);
        tokio::spawn(async move {
            for _ in 0..m {
                t.send(i).await.unwrap();
            }
        });
    }
    let Ok([mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h]) =
        <[mpsc::Receiver<usize>; 8]>::try_from(rx)
    else {
        unreachable!()
    };
    let (mut t0, mut got) = (Instant::now(), [0; 8]);
    for i in 0..m * 8 {
        if i == n / 20 {
            t0 = Instant::now();
        }
        let v = tokio::select! {
            Some(v) = a.recv() => v,
            Some(v) = b.recv() => v,
            Some(v) = c.recv() => v,
            Some(v) = d.recv() => v,
            Some(v) = e.recv() => v,
            Some(v) = f.recv() => v,
            Some(v) = g.recv() => v,
            Some(v) = h.recv() => v,
        };
        got[v] += 1;
    }
    out(&name, ns_per(t0.elapsed(), m * 8 - n / 20), "ns");
    assert_eq!(got, [m; 8]);
}
async fn mutex_free(name: String, n: usize) {
    let m = Mutex::new(0usize);
    let mut t0 = Instant::now();
    for i in 0..n + n / 20 {
        if i == n / 20 {
            t0 = Instant::now();
        }
        *m.lock().await += 1;
    }
    out(&name, ns_per(t0.elapsed(), n), "ns");
    assert_eq!(*m.lock().await, n + n / 20);
}
async fn lockers(tasks: usize, n: usize, m: Arc<Mutex<usize>>) {
    let v: Vec<_> = (0..tasks)
        .map(|_| {
            let m = m.clone();
            tokio::spawn(async move {
                for _ in 0..n {
                    *m.lock().await += 1
                }
            })
        })
        .collect();
    for h in v {
        h.await.unwrap();
    }
}
fn mutex64(name: &str, mt: bool, n: usize) {
    let m = Arc::new(Mutex::new(0usize));
    let took = if mt {
        let m = m.clone();
        drive(&rt(true, 2), async move {
            let t0 = Instant::now();
            lockers(64, n / 64, m).await;
            t0.elapsed()
        })
    } else {
        on_two(|th, both| {
            let r = rt(false, 1);
            both.timed(th, || drive(&r, lockers(32, n / 64, m.clone())))
        })
        .0
    };
    assert_eq!(*m.blocking_lock(), n / 64 * 64);
    out(name, ns_per(took, n / 64 * 64), "ns");
}
async fn racers(tasks: usize, m: Arc<Mutex<usize>>, race: Arc<Race>) -> Vec<usize> {
    let run = move |m: Arc<Mutex<usize>>, race: Arc<Race>| async move {
        race.arrive();
        while !race.begun() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut mine = 0;
        while !race.over() {
            *m.lock().await += 1;
            mine += 1;
        }
        mine
    };
    let v: Vec<_> = (0..tasks).map(|_| tokio::spawn(run(m.clone(), race.clone()))).collect();
    let mut turns = Vec::new();
    for h in v {
        turns.push(h.await.unwrap());
    }
    turns
}
fn mutex64_fair(name: &str, mt: bool, ms: usize) {
    let (m, race) = (Arc::new(Mutex::new(0usize)), Arc::new(Race::default()));
    let took = race.clone().run(64, ms);
    let turns = if mt {
        drive(&rt(true, 2), racers(64, m, race))
    } else {
        let (_, all) = on_two(|_, _| drive(&rt(false, 1), racers(32, m.clone(), race.clone())));
        all.concat()
    };
    out_fair(name, &turns, took.join().unwrap());
}
async fn blocking64(name: String, ms: usize) {
    let over = Arc::new(AtomicBool::new(false));
    let t0 = Instant::now();
    let others: Vec<_> = (0..8)
        .map(|_| {
            let over = over.clone();
            tokio::spawn(async move {
                let mut late = Vec::new();
                while !over.load(Relaxed) {
                    let s = Instant::now();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    late.push(late_ns(s, 1));
                }
                late
            })
        })
        .collect();
    let stuck: Vec<_> = (0..64)
        .map(|_| {
            let d = Duration::from_millis(ms as u64);
            tokio::spawn(async move {
                tokio::task::spawn_blocking(move || std::thread::sleep(d)).await.unwrap()
            })
        })
        .collect();
    for h in stuck {
        h.await.unwrap();
    }
    let wall = t0.elapsed();
    over.store(true, Relaxed);
    let mut late = Vec::new();
    for h in others {
        late.extend(h.await.unwrap());
    }
    out_blocking(&name, late, wall);
}
async fn offload(name: String, n: usize) {
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    let mut laps = Laps::new(n);
    while laps.next() {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    out(&name, laps.each(), "ns");
}
/// A channel for each receiver, for a channel of tokio's has but one.
async fn cancel(n: usize) -> (Duration, usize) {
    let (mut senders, mut v) = (Vec::with_capacity(n / 2), Vec::with_capacity(n));
    let up = Arc::new(AtomicUsize::new(0));
    for i in 0..n {
        let up = up.clone();
        v.push(if i % 2 == 0 {
            let (tx, mut rx) = mpsc::channel::<u64>(1);
            senders.push(tx);
            tokio::spawn(async move {
                up.fetch_add(1, Relaxed);
                rx.recv().await;
            })
        } else {
            tokio::spawn(async move {
                up.fetch_add(1, Relaxed);
                tokio::time::sleep(STORM_SLEEP).await
            })
        });
    }
    while up.load(Relaxed) < n {
        tokio::task::yield_now().await;
    }
    let (t0, mut ended) = (Instant::now(), 0);
    for h in &v {
        h.abort();
    }
    for h in v {
        ended += h.await.is_err_and(|e| e.is_cancelled()) as usize;
    }
    (t0.elapsed(), ended)
}
/// False: not one of these.
pub fn run(a: &Args, mt: bool) -> bool {
    let name = a.name();
    match &name[..] {
        "sem_pingpong" => drive(&rt(mt, 1), sem_pingpong(name, a.n(2, 5_000_000))),
        "select8" => drive(&rt(mt, 1), select8(name, a.n(2, 2_000_000))),
        "mutex_free" => drive(&rt(mt, 1), mutex_free(name, a.n(2, 50_000_000))),
        "mutex64" => mutex64(&name, mt, a.n(2, 6_400_000)),
        "mutex64_fair" => mutex64_fair(&name, mt, a.n(2, 1000)),
        "blocking64" => drive(&rt(mt, 2), blocking64(name, a.n(2, 1000))),
        "offload" => drive(&rt(mt, 1), offload(name, a.n(2, 100_000))),
        "cancel_storm" => {
            let n = a.n(2, 10_000);
            let r = rt(mt, 1);
            storm(&name, n, || drive(&r, cancel(n)))
        }
        _ => return false,
    }
    true
}
