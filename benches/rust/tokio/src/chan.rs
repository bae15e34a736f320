//! chan_1_1, chan_n_1, chan_n_m: tokio's mpsc, and async-channel where there are several receivers.
//! With current_thread the senders are on one OS thread and the receivers on the other.
use crate::{drive, rt};
use peer_common::*;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

async fn send(tx: mpsc::Sender<u64>, senders: usize, n: usize) {
    let part = |i| {
        let tx = tx.clone();
        tokio::spawn(async move {
            for v in chan_part(i, senders, n) {
                tx.send(v).await.unwrap();
            }
        })
    };
    let v: Vec<_> = (0..senders).map(part).collect();
    drop(tx);
    for h in v {
        h.await.unwrap();
    }
}
async fn receive(mut rx: mpsc::Receiver<u64>) -> Got {
    let task = tokio::spawn(async move {
        let mut got = Got::default();
        while let Some(v) = rx.recv().await {
            got.add(v);
        }
        got
    });
    task.await.unwrap()
}
async fn send_many(tx: async_channel::Sender<u64>, senders: usize, n: usize) {
    let part = |i| {
        let tx = tx.clone();
        tokio::spawn(async move {
            for v in chan_part(i, senders, n) {
                tx.send(v).await.unwrap();
            }
        })
    };
    let v: Vec<_> = (0..senders).map(part).collect();
    drop(tx);
    for h in v {
        h.await.unwrap();
    }
}
async fn receive_many(rx: async_channel::Receiver<u64>, receivers: usize) -> Got {
    let part = |_| {
        let rx = rx.clone();
        tokio::spawn(async move {
            let mut got = Got::default();
            while let Ok(v) = rx.recv().await {
                got.add(v);
            }
            got
        })
    };
    let v: Vec<_> = (0..receivers).map(part).collect();
    let mut parts = Vec::new();
    for h in v {
        parts.push(h.await.unwrap());
    }
    Got::all(parts)
}
/// On one runtime of two workers, or on two runtimes.
fn transfer<S, R>(mt: bool, send: S, receive: R) -> (Duration, Got)
where
    S: Future<Output = ()> + Send + 'static,
    R: Future<Output = Got> + Send + 'static,
{
    if mt {
        return drive(&rt(true, 2), async move {
            let t0 = Instant::now();
            let (_, got) = tokio::join!(send, receive);
            (t0.elapsed(), got)
        });
    }
    let parts = std::sync::Mutex::new((Some(send), Some(receive)));
    let (took, got) = on_two(|th, both| {
        let r = rt(false, 1);
        let (send, receive) = {
            let mut p = parts.lock().unwrap();
            if th == 0 { (p.0.take(), None) } else { (None, p.1.take()) }
        };
        both.timed(th, || match (send, receive) {
            (Some(s), _) => {
                drive(&r, s);
                Got::default()
            }
            (_, Some(g)) => drive(&r, g),
            _ => unreachable!(),
        })
    });
    (took, Got::all(got))
}
/// False: not one of these.
pub fn run(a: &Args, mt: bool) -> bool {
    let name = a.name();
    let (senders, receivers) = chan_tasks(&name);
    let n = chan_elements(a.n(2, 5_000_000));
    let (took, got) = match &name[..] {
        "chan_1_1" | "chan_n_1" => {
            let (tx, rx) = mpsc::channel(SLOTS);
            transfer(mt, send(tx, senders, n), receive(rx))
        }
        "chan_n_m" => {
            let (tx, rx) = async_channel::bounded(SLOTS);
            transfer(mt, send_many(tx, senders, n), receive_many(rx, receivers))
        }
        _ => return false,
    };
    got.check(n);
    out(&name, ns_per(took, n), "ns");
    if !mt {
        out(&format!("{name}_apart"), ns_per(took, n), "ns");
    }
    true
}
