//! Channels: local-sync's on a thread, async-channel's between threads.
use crate::{drive, rt};
use local_sync::mpsc::bounded;
use peer_common::*;

async fn pingpong(name: String, n: usize) {
    let ((ta, mut ra), (tb, mut rb)) = (bounded::channel(1), bounded::channel(1));
    let h = monoio::spawn(async move {
        for _ in 0..Laps::total(n) {
            let v: u64 = ra.recv().await.unwrap();
            tb.send(v).await.unwrap();
        }
    });
    let ping = monoio::spawn(async move {
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
            ta.send(1u64).await.unwrap();
            rb.recv().await.unwrap();
        }
        laps.each()
    });
    out(name, each, "ns");
    t.join().unwrap();
}
async fn select8(name: String, n: usize) {
    let m = (n + n / 20) / 8;
    let mut rx = Vec::new();
    for i in 0..8 {
        let (t, r) = bounded::channel(1);
        rx.push(r);
        monoio::spawn(async move {
            for _ in 0..m {
                t.send(i).await.unwrap();
            }
        });
    }
    let Ok([mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h]) =
        <[bounded::Rx<usize>; 8]>::try_from(rx)
    else {
        unreachable!()
    };
    let (mut t0, mut got) = (std::time::Instant::now(), [0; 8]);
    for i in 0..m * 8 {
        if i == n / 20 {
            t0 = std::time::Instant::now();
        }
        let v = monoio::select! {
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

async fn send(tx: async_channel::Sender<u64>, senders: usize, n: usize) {
    let part = |i| {
        let tx = tx.clone();
        monoio::spawn(async move {
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
        monoio::spawn(async move {
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
/// Senders on one thread, receivers on the other.
fn transfer(name: &str, n: usize) {
    let (senders, receivers) = chan_tasks(name);
    let (tx, rx) = async_channel::bounded(SLOTS);
    let tx = std::sync::Mutex::new(Some(tx));
    let (took, got) = on_two(|th, both| {
        let mut r = rt();
        let tx = if th == 0 { tx.lock().unwrap().take() } else { None };
        both.timed(th, || match tx {
            Some(tx) => {
                r.block_on(send(tx, senders, n));
                Got::default()
            }
            None => r.block_on(receive(rx.clone(), receivers)),
        })
    });
    Got::all(got).check(n);
    out(name, ns_per(took, n), "ns");
    out(&format!("{name}_apart"), ns_per(took, n), "ns");
}
/// False: not one of these.
pub fn run(a: &Args) -> bool {
    let name = a.name();
    match &name[..] {
        "pingpong" | "chan_pingpong" => drive(pingpong(name, a.n(2, 5_000_000))),
        "pingpong_x" | "chan_pingpong_x" => pingpong_x(&name, a.n(2, 100_000)),
        "select8" => drive(select8(name, a.n(2, 2_000_000))),
        "chan_1_1" | "chan_n_1" | "chan_n_m" => transfer(&name, chan_elements(a.n(2, 5_000_000))),
        _ => return false,
    }
    true
}
