//! Channels. All of may's are unbounded, so what is under way is limited by a semaphore: a sender takes
//! a unit, the receiver gives it back.
use may::sync::{Semphore, mpmc, mpsc, spsc};
use may::{coroutine::JoinHandle, go};
use peer_common::*;
use std::sync::Arc;
use std::time::Instant;

/// The ends that the three kinds have in common.
trait Ends: 'static {
    type Tx: Send + 'static;
    type Rx: Send + 'static;
    fn send(tx: &Self::Tx, v: u64);
    fn recv(rx: &Self::Rx) -> Option<u64>;
}
macro_rules! ends {
    ($($kind:ident)*) => {$(
        impl Ends for $kind::Sender<u64> {
            type Tx = $kind::Sender<u64>;
            type Rx = $kind::Receiver<u64>;
            fn send(tx: &Self::Tx, v: u64) {
                tx.send(v).unwrap();
            }
            fn recv(rx: &Self::Rx) -> Option<u64> {
                rx.recv().ok()
            }
        }
    )*};
}
ends!(spsc mpsc mpmc);

fn transfer<E: Ends>(name: &str, n: usize, tx: Vec<E::Tx>, rx: Vec<E::Rx>) {
    let room = Arc::new(Semphore::new(SLOTS));
    let senders = tx.len();
    let t0 = Instant::now();
    let from: Vec<JoinHandle<()>> = tx
        .into_iter()
        .enumerate()
        .map(|(i, tx)| {
            let room = room.clone();
            go!(move || {
                for v in chan_part(i, senders, n) {
                    room.wait();
                    E::send(&tx, v);
                }
            })
        })
        .collect();
    let to: Vec<JoinHandle<Got>> = rx
        .into_iter()
        .map(|rx| {
            let room = room.clone();
            go!(move || {
                let mut got = Got::default();
                while let Some(v) = E::recv(&rx) {
                    room.post();
                    got.add(v);
                }
                got
            })
        })
        .collect();
    from.into_iter().for_each(|h| h.join().unwrap());
    let got = Got::all(to.into_iter().map(|h| h.join().unwrap()));
    let took = t0.elapsed();
    got.check(n);
    out(name, ns_per(took, n), "ns");
}
/// Cheaper than park and unpark.
fn pingpong(name: &str, n: usize) {
    let ((ta, ra), (tb, rb)) = (spsc::channel(), spsc::channel());
    let ping = move || {
        ta.send(1u64).unwrap();
        rb.recv().unwrap();
    };
    out(name, crate::round_trips(n, ping, move || tb.send(ra.recv().unwrap()).unwrap()), "ns");
}
/// False: not one of these.
pub fn run(name: &str, a: &Args) -> bool {
    let (senders, receivers) = chan_tasks(name);
    let n = chan_elements(a.n(2, 5_000_000));
    match name {
        "pingpong" | "chan_pingpong" => pingpong(name, a.n(2, 5_000_000)),
        "chan_1_1" => {
            let (tx, rx) = spsc::channel();
            transfer::<spsc::Sender<u64>>(name, n, vec![tx], vec![rx])
        }
        "chan_n_1" => {
            let (tx, rx) = mpsc::channel();
            transfer::<mpsc::Sender<u64>>(name, n, vec![tx; senders], vec![rx])
        }
        "chan_n_m" => {
            let (tx, rx) = mpmc::channel();
            transfer::<mpmc::Sender<u64>>(name, n, vec![tx; senders], vec![rx; receivers])
        }
        _ => return false,
    }
    true
}
