//! Errands that take long, are left, and pile up; each test in a pool of its own.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const MS: i64 = 1_000_000;
const MAX: usize = 32;

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new("test", 1 << 20, MAX, false)))
}

fn all_idle(p: &Pool) -> bool {
    let (live, idle) = p.threads();
    live == idle
}

fn soon(ns: i64) -> Deadline {
    Deadline::new(ns).unwrap()
}

/// Waits for what happens on another thread.
fn until(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it never happens");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Counts how many of it live.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A call that lasts until it is let go.
fn held(
    gate: &Arc<AtomicBool>,
    live: &Arc<AtomicUsize>,
) -> impl FnOnce() -> Counted + Send + 'static {
    let (gate, live, input) = (gate.clone(), live.clone(), Counted::new(live));
    move || {
        let _input = input;
        while !gate.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_micros(200));
        }
        Counted::new(&live)
    }
}

/// Leaves behind a call that a thread has begun and that lasts until it is let go. (One that no thread
/// has come to in time is taken back, and tried again.)
fn leave_one(p: &'static Pool, gate: &Arc<AtomicBool>, live: &Arc<AtomicUsize>) {
    while live.load(Ordering::SeqCst) == 0 {
        let left = p.errand(soon(5 * MS), held(gate, live));
        assert_eq!(left.err(), Some(Errno::ETIMEDOUT));
    }
}

#[test]
fn a_result_comes_back() {
    let p = pool();
    assert_eq!(p.errand(Deadline::Never, || 7), Ok(7));
    assert_eq!(p.errand(soon(10_000 * MS), || vec![1, 2]), Ok(vec![1, 2]));
    assert_eq!(p.errand(Deadline::Now, || 7), Err(Errno::EAGAIN));
}

#[test]
fn what_is_left_is_freed_by_the_thread() {
    let p = pool();
    let (gate, live) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    leave_one(p, &gate, &live);
    assert_eq!(live.load(Ordering::SeqCst), 1, "the thread has its input still");
    gate.store(true, Ordering::SeqCst);
    until(|| live.load(Ordering::SeqCst) == 0);
}

#[test]
fn what_has_not_begun_is_taken_back() {
    let p = pool();
    p.set_max(1);
    let (gate, live) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    leave_one(p, &gate, &live);
    // The only thread is held up: this one times out in the queue, and never begins.
    let begun = Arc::new(AtomicBool::new(false));
    let note = begun.clone();
    let r = p.errand(soon(5 * MS), move || note.store(true, Ordering::SeqCst));
    assert_eq!(r, Err(Errno::ETIMEDOUT));
    assert_eq!(p.waiting(), 0);
    gate.store(true, Ordering::SeqCst);
    assert_eq!(p.errand(Deadline::Never, || 3), Ok(3));
    assert!(!begun.load(Ordering::SeqCst));
    assert_eq!(p.threads().0, 1);
}

#[test]
fn a_shutdown_waits_for_nobody_inside_a_call() {
    let p = pool();
    assert_eq!(p.errand(Deadline::Never, || 1), Ok(1));
    until(|| all_idle(p));
    let (gate, live) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    leave_one(p, &gate, &live);
    let begin = Instant::now();
    p.shutdown();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(p.threads().0, 1, "the one that is held up is left, and no other");
    assert_eq!(p.errand(Deadline::Never, || 2), Ok(2), "and it begins again");
    gate.store(true, Ordering::SeqCst);
    until(|| live.load(Ordering::SeqCst) == 0 && all_idle(p));
    p.shutdown();
    assert_eq!(p.threads().0, 0);
}

/// Callers that leave at the moment when their errand begins or ends: each result is either handed
/// out or freed, once.
#[test]
fn leaving_races_with_the_end() {
    let p = pool();
    let live = Arc::new(AtomicUsize::new(0));
    let (done, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|s| {
        for caller in 0..4i64 {
            let (live, done, left) = (&live, &done, &left);
            s.spawn(move || {
                for round in 0..1000i64 {
                    let (input, live) = (Counted::new(live), live.clone());
                    let work = (round * 7919 + caller) % 60;
                    let call = move || {
                        let _input = input;
                        let end = Instant::now() + Duration::from_micros(work as u64);
                        while Instant::now() < end {
                            std::hint::spin_loop();
                        }
                        Counted::new(&live)
                    };
                    match p.errand(soon((round * 104_729 + caller) % 120 * 1000 + 1), call) {
                        Ok(_) => done.fetch_add(1, Ordering::SeqCst),
                        Err(e) => {
                            assert_eq!(e, Errno::ETIMEDOUT);
                            left.fetch_add(1, Ordering::SeqCst)
                        }
                    };
                }
            });
        }
    });
    assert_eq!(done.load(Ordering::SeqCst) + left.load(Ordering::SeqCst), 4000);
    assert!(left.load(Ordering::SeqCst) > 0, "nobody left early: the times do not fit");
    until(|| live.load(Ordering::SeqCst) == 0);
    assert!(p.threads().0 <= MAX);
}
