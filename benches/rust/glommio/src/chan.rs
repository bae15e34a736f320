//! Channels: local ones on a thread; between threads its own from one sender to one receiver, and
//! async-channel's where there are more of either.
use crate::{drive, rt};
use futures_lite::FutureExt;
use glommio::channels::{local_channel, shared_channel};
use glommio::spawn_local;
use peer_common::*;
use std::sync::Mutex;
use std::time::Instant;

async fn pingpong(name: String, n: usize) {
    let ((ta, ra), (tb, rb)) = (local_channel::new_bounded(1), local_channel::new_bounded(1));
    let h = spawn_local(async move {
        for _ in 0..Laps::total(n) {
            let v: u64 = ra.recv().await.unwrap();
            tb.send(v).await.unwrap();
        }
    });
    let ping = spawn_local(async move {
        let mut laps = Laps::new(n);
        while laps.next() {
            ta.send(1u64).await.unwrap();
            rb.recv().await.unwrap();
        }
        out(&name, laps.each(), "ns");
    });
    ping.await;
    h.await
}
fn pingpong_x(name: &str, n: usize) {
    let ((ta, ra), (tb, rb)) =
        (shared_channel::new_bounded::<u64>(1), shared_channel::new_bounded::<u64>(1));
    let t = std::thread::spawn(move || {
        drive(async move {
            let (ra, tb) = (ra.connect().await, tb.connect().await);
            for _ in 0..Laps::total(n) {
                let v = ra.recv().await.unwrap();
                tb.send(v).await.unwrap();
            }
        })
    });
    let each = drive(async move {
        let (ta, rb) = (ta.connect().await, rb.connect().await);
        let mut laps = Laps::new(n);
        while laps.next() {
            ta.send(1).await.unwrap();
            rb.recv().await.unwrap();
        }
        laps.each()
    });
    out(name, each, "ns");
    t.join().unwrap();
}
fn async_pingpong_x(name: &str, n: usize) {
    let ((ta, ra), (tb, rb)) = (async_channel::bounded(1), async_channel::bounded(1));
    let t = std::thread::spawn(move || {
        drive(async move {
            for _ in 0..Laps::total(n) {
                let v: u64 = ra.recv().await.unwrap();
                tb.send(v).await.unwrap();
            }
        })
    });
    let each = drive(async move {
        let mut laps = Laps::new(n);
        while laps.next() {
            ta.send(1).await.unwrap();
            rb.recv().await.unwrap();
        }
        laps.each()
    });
    out(name, each, "ns");
    t.join().unwrap();
}
/// The first that is ready, in the order of the channels.
async fn select8(name: String, n: usize) {
    let m = (n + n / 20) / 8;
    let mut rx = Vec::new();
    for i in 0..8usize {
        let (t, r) = local_channel::new_bounded(1);
        rx.push(r);
        spawn_local(async move {
            for _ in 0..m {
                t.send(i).await.unwrap();
            }
        })
        .detach();
    }
    let (mut t0, mut got) = (Instant::now(), [0; 8]);
    for i in 0..m * 8 {
        if i == n / 20 {
            t0 = Instant::now();
        }
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|i| take(&rx[i]));
        let v = a.or(b).or(c).or(d).or(e).or(f).or(g).or(h).await;
        got[v] += 1;
    }
    out(&name, ns_per(t0.elapsed(), m * 8 - n / 20), "ns");
    assert_eq!(got, [m; 8]);
}
/// Never ready once the channel is closed and empty.
async fn take(r: &local_channel::LocalReceiver<usize>) -> usize {
    match r.recv().await {
        Some(v) => v,
        None => std::future::pending().await,
    }
}

async fn send(tx: async_channel::Sender<u64>, senders: usize, n: usize) {
    let part = |i| {
        let tx = tx.clone();
        spawn_local(async move {
            for v in chan_part(i, senders, n) {
                tx.send(v).await.unwrap();
            }
        })
    };
    let v: Vec<_> = (0..senders).map(part).collect();
    drop(tx);
    for h in v {
        h.await;
    }
}
async fn receive(rx: async_channel::Receiver<u64>, receivers: usize) -> Got {
    let part = |_| {
        let rx = rx.clone();
        spawn_local(async move {
            let mut got = Got::default();
            while let Ok(v) = rx.recv().await {
                got.add(v);
            }
            got
        })
    };
    let v: Vec<_> = (0..receivers).map(part).collect();
    let mut all = Vec::new();
    for h in v {
        all.push(h.await);
    }
    Got::all(all)
}
async fn send_one(tx: shared_channel::SharedSender<u64>, n: usize) {
    let task = spawn_local(async move {
        let tx = tx.connect().await;
        for v in chan_part(0, 1, n) {
            tx.send(v).await.unwrap();
        }
    });
    task.await
}
async fn receive_one(rx: shared_channel::SharedReceiver<u64>) -> Got {
    let task = spawn_local(async move {
        let (rx, mut got) = (rx.connect().await, Got::default());
        while let Some(v) = rx.recv().await {
            got.add(v);
        }
        got
    });
    task.await
}
/// Senders on one thread, receivers on the other.
fn transfer<T: Send, R: Send>(
    name: &str,
    n: usize,
    (tx, rx): (T, R),
    send: impl AsyncFn(T) + Sync,
    receive: impl AsyncFn(R) -> Got + Sync,
) {
    let (tx, rx) = (Mutex::new(Some(tx)), Mutex::new(Some(rx)));
    let (took, got) = on_two(|th, both| {
        let r = rt();
        both.timed(th, || {
            if th == 0 {
                r.run(send(tx.lock().unwrap().take().unwrap()));
                return Got::default();
            }
            r.run(receive(rx.lock().unwrap().take().unwrap()))
        })
    });
    Got::all(got).check(n);
    out(name, ns_per(took, n), "ns");
    out(&format!("{name}_apart"), ns_per(took, n), "ns");
}
/// False: not one of these.
pub fn run(a: &Args) -> bool {
    let name = a.name();
    let (senders, receivers) = chan_tasks(&name);
    let n = chan_elements(a.n(2, 5_000_000));
    match &name[..] {
        "chan_pingpong" => drive(pingpong(name, a.n(2, 5_000_000))),
        "pingpong_x" | "chan_pingpong_x" => pingpong_x(&name, a.n(2, 100_000)),
        "async_pingpong_x" => async_pingpong_x(&name, a.n(2, 100_000)),
        "select8" => drive(select8(name, a.n(2, 2_000_000))),
        "chan_1_1" => {
            let ends = shared_channel::new_bounded(SLOTS);
            transfer(&name, n, ends, async |tx| send_one(tx, n).await, receive_one)
        }
        "chan_n_1" | "chan_n_m" => {
            let ends = async_channel::bounded(SLOTS);
            let (send, receive) =
                (async |tx| send(tx, senders, n).await, async |rx| receive(rx, receivers).await);
            transfer(&name, n, ends, send, receive)
        }
        _ => return false,
    }
    true
}
