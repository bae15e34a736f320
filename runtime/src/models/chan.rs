//! Channels, select, futures: the code itself (`chan`), by plain threads, as in `sync`.

use super::sync::{FOREVER, LONG, large_model, model, stopped};
use crate::chan::{self, Case, kind};
use crate::err::Errno;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

const NOW: i64 = 0;
/// The models have no clock.
const STEP: i64 = 0;

fn channel(capacity: usize) -> u64 {
    chan::new(8, capacity).unwrap()
}

#[allow(unsafe_code)]
fn send(ch: u64, value: u64, timeout: i64) -> Result<(), Errno> {
    // SAFETY: of the channel's size.
    unsafe { chan::send(ch, (&raw const value).cast(), timeout) }
}

#[allow(unsafe_code)]
fn recv(ch: u64, timeout: i64) -> Result<u64, Errno> {
    let mut value = 0u64;
    // SAFETY: of the channel's size.
    unsafe { chan::recv(ch, (&raw mut value).cast(), timeout) }.map(|()| value)
}

/// A select's cases over elements of its own: what is sent, or room for what comes.
struct Cases<const N: usize>([u64; N], [(u32, u64); N]);

impl<const N: usize> Cases<N> {
    fn new(cases: [(u32, u64); N]) -> Cases<N> {
        Cases(
            std::array::from_fn(|i| if cases[i].0 == kind::SEND { 10 + i as u64 } else { 0 }),
            cases,
        )
    }

    /// The case that was done, its result, and its element.
    #[allow(unsafe_code)]
    fn select(&mut self, timeout: i64) -> Result<(usize, i32, u64), Errno> {
        let first = self.0.as_mut_ptr();
        let mut cases: [Case; N] = std::array::from_fn(|i| Case {
            kind: self.1[i].0,
            result: 77,
            handle: self.1[i].1,
            elem: first.wrapping_add(i).cast(),
            timeout_ns: 0,
        });
        // SAFETY: elements of the channels' size.
        let done = unsafe { chan::select(&mut cases, timeout) };
        let elems = self.0;
        cases.iter().enumerate().for_each(|(i, c)| {
            assert!(done == Ok(i) || c.result == 77);
            assert!(done == Ok(i) || c.kind == kind::SEND || elems[i] == 0);
        });
        done.map(|i| (i, cases[i].result, elems[i]))
    }
}

/// A hand-over while the receiver's time is up: both know of it, or neither.
#[test]
fn a_hand_over_meets_a_deadline() {
    model(STEP, || {
        let ch = channel(0);
        let receiver = thread::spawn(move || stopped(|| recv(ch, LONG)));
        let sent = send(ch, 5, NOW);
        match receiver.join().unwrap() {
            Ok(value) => assert_eq!((value, sent), (5, Ok(()))),
            e => assert_eq!((e, sent), (Err(Errno::ETIMEDOUT), Err(Errno::EAGAIN))),
        }
        assert_eq!(send(ch, 6, NOW), Err(Errno::EAGAIN), "nobody is left in the queue");
        assert_eq!(chan::free(ch), Ok(()));
    });
}

/// A sender that waits for room gives up while a receiver makes some.
#[test]
fn room_meets_a_sender_that_gives_up() {
    model(STEP, || {
        let ch = channel(1);
        assert_eq!(send(ch, 1, NOW), Ok(()));
        let sender = thread::spawn(move || stopped(|| send(ch, 2, LONG)));
        assert_eq!(recv(ch, NOW), Ok(1));
        let sent = sender.join().unwrap();
        let left = if sent.is_ok() { Ok(2) } else { Err(Errno::EAGAIN) };
        assert_eq!(recv(ch, NOW), left);
        assert_eq!(chan::free(ch), Ok(()));
    });
}

/// Each element goes to one, in order, whatever waits for what.
#[test]
fn a_ring_between_two() {
    large_model(STEP, || {
        let ch = channel(1);
        let sender = thread::spawn(move || (1..=3).all(|n| send(ch, n, FOREVER).is_ok()));
        assert_eq!([(); 3].map(|()| recv(ch, FOREVER)), [Ok(1), Ok(2), Ok(3)]);
        assert!(sender.join().unwrap());
        assert_eq!(chan::free(ch), Ok(()));
    });
}

/// An end wakes who waits, and refuses who comes.
#[test]
fn an_end_is_seen() {
    for (end, error) in [(chan::close as fn(u64) -> _, Errno::EPIPE), (chan::free, Errno::EBADF)] {
        model(STEP, move || {
            let ch = channel(0);
            let receiver = thread::spawn(move || recv(ch, FOREVER));
            assert_eq!(end(ch), Ok(()));
            assert_eq!(receiver.join().unwrap(), Err(error));
        });
        model(STEP, move || {
            let ch = channel(0);
            let sender = thread::spawn(move || send(ch, 3, FOREVER));
            let got = recv(ch, NOW);
            assert_eq!(end(ch), Ok(()));
            let sent = if got.is_ok() { Ok(()) } else { Err(error) };
            assert_eq!(sender.join().unwrap(), sent);
        });
    }
}

/// Two wakers of one select, on two channels: one of them has it, the other has nobody.
#[test]
fn two_claim_a_select() {
    large_model(STEP, || {
        let (a, b) = (channel(0), channel(0));
        let select = move || Cases::new([(kind::RECV, a), (kind::RECV, b)]).select(FOREVER);
        let selecting = thread::spawn(select);
        let other = thread::spawn(move || send(b, 2, NOW));
        let mut sent = [send(a, 1, NOW), other.join().unwrap()];
        if sent == [Err(Errno::EAGAIN); 2] {
            sent[0] = send(a, 1, FOREVER);
        }
        let (i, result, value) = selecting.join().unwrap().unwrap();
        assert_eq!((result, value), (0, i as u64 + 1));
        assert_eq!((sent[i], sent[1 - i]), (Ok(()), Err(Errno::EAGAIN)));
        assert_eq!((chan::free(a), chan::free(b)), (Ok(()), Ok(())));
    });
}

/// A select gives up while it is claimed: it has what was handed over.
#[test]
fn a_select_meets_a_deadline() {
    model(STEP, || {
        let (a, b) = (channel(0), channel(0));
        let select = move || Cases::new([(kind::SEND, a), (kind::RECV, b)]).select(LONG);
        let selecting = thread::spawn(move || stopped(select));
        let got = recv(a, NOW);
        match selecting.join().unwrap() {
            Ok(done) => assert_eq!((done, got), ((0, 0, 10), Ok(10))),
            e => assert_eq!((e, got), (Err(Errno::ETIMEDOUT), Err(Errno::EAGAIN))),
        }
        assert_eq!(send(b, 1, NOW), Err(Errno::EAGAIN), "no node is left");
        assert_eq!((chan::free(a), chan::free(b)), (Ok(()), Ok(())));
    });
}

/// Two selects that can only do with each other, in either way, on the same two channels.
#[test]
fn two_selects_meet() {
    model(STEP, || {
        let (a, b) = (channel(0), channel(0));
        let select = move || Cases::new([(kind::SEND, a), (kind::RECV, b)]).select(FOREVER);
        let other = thread::spawn(select);
        let mine = Cases::new([(kind::SEND, b), (kind::RECV, a)]).select(FOREVER);
        let both = (mine.unwrap(), other.join().unwrap().unwrap());
        assert!(both == ((0, 0, 10), (1, 0, 10)) || both == ((1, 0, 10), (0, 0, 10)), "{both:?}");
        assert_eq!((chan::free(a), chan::free(b)), (Ok(()), Ok(())));
    });
}

#[allow(unsafe_code)]
fn future_wait(f: u64, timeout: i64) -> Result<u64, Errno> {
    let mut value = 0u64;
    // SAFETY: of the future's size.
    unsafe { chan::future_wait(f, (&raw mut value).cast(), timeout) }.map(|()| value)
}

#[allow(unsafe_code)]
fn future_complete(f: u64, value: u64) -> Result<(), Errno> {
    // SAFETY: of the future's size.
    unsafe { chan::future_complete(f, Ok((&raw const value).cast())) }
}

/// What its completer has done before; loom reports a race.
struct Before(UnsafeCell<u32>);

#[allow(unsafe_code)]
// SAFETY: the model checks that it is not touched by two threads at once.
unsafe impl Sync for Before {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Send for Before {}

/// A future is completed while one waits for it and may give up.
#[test]
#[allow(unsafe_code)]
fn a_completion_meets_a_wait() {
    model(STEP, || {
        let f = chan::future_new(8).unwrap();
        let before = Arc::new(Before(UnsafeCell::new(0)));
        let b = before.clone();
        let waiter = thread::spawn(move || {
            stopped(|| {
                let r = future_wait(f, LONG);
                if r.is_ok() {
                    // SAFETY: loom reports a race.
                    assert_eq!(b.0.with(|p| unsafe { *p }), 1);
                }
                r
            })
        });
        // SAFETY: as above.
        before.0.with_mut(|p| unsafe { *p = 1 });
        assert_eq!(future_complete(f, 7), Ok(()));
        assert_eq!(future_complete(f, 8), Err(Errno::EALREADY));
        assert!([Ok(7), Err(Errno::ETIMEDOUT)].contains(&waiter.join().unwrap()));
        assert_eq!(future_wait(f, NOW), Ok(7));
        assert_eq!(chan::future_free(f), Ok(()));
    });
}

/// A future is freed while one waits for it.
#[test]
fn the_end_of_a_future_is_seen() {
    model(STEP, || {
        let f = chan::future_new(8).unwrap();
        let waiter = thread::spawn(move || future_wait(f, FOREVER));
        assert_eq!(chan::future_free(f), Ok(()));
        assert_eq!(waiter.join().unwrap(), Err(Errno::EBADF));
        assert_eq!(future_complete(f, 7), Err(Errno::EBADF), "late");
    });
}

/// A future is freed while it is completed; who waits knows which came first.
#[test]
fn a_completion_meets_the_end() {
    large_model(STEP, || {
        let f = chan::future_new(8).unwrap();
        let completer = thread::spawn(move || future_complete(f, 7));
        let waited = future_wait(f, NOW);
        assert_eq!(chan::future_free(f), Ok(()));
        let completed = completer.join().unwrap();
        assert!(completed == Ok(()) || completed == Err(Errno::EBADF));
        assert!(waited == Err(Errno::EAGAIN) || waited == Ok(7) && completed == Ok(()));
    });
}
