//! Sync objects: the code itself (`sync`, `wait::queue`), by plain threads. Each thread's `late`
//! stands for its deadline, a cancel, an interrupt: what takes a waiter out of its wait.

use crate::err::Errno;
use crate::parker::{self, Parker};
use crate::sync::futex::Table;
use crate::sync::{Barrier, Cond, Event, Mutex, Once, RwLock};
use crate::time;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering::*};
use loom::thread;
use std::ops::Deref;

/// What an object protects, beside it.
#[derive(Default)]
struct With<T> {
    object: T,
    value: UnsafeCell<u32>,
}

#[allow(unsafe_code)]
// SAFETY: the models check that `value` is not touched by two threads at once.
unsafe impl<T> Sync for With<T> {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl<T> Send for With<T> {}

impl<T> Deref for With<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: Default> With<T> {
    fn new() -> Arc<With<T>> {
        Arc::new(With::default())
    }
    #[allow(unsafe_code)]
    fn add(&self) {
        // SAFETY: loom reports a race.
        self.value.with_mut(|p| unsafe { *p += 1 });
    }
    #[allow(unsafe_code)]
    fn get(&self) -> u32 {
        // SAFETY: loom reports a race.
        self.value.with(|p| unsafe { *p })
    }
}

/// A thread whose waits may be called off at any time by another.
pub(super) fn stopped<R: 'static>(f: impl FnOnce() -> R) -> R {
    let p: &'static Parker = parker::with(|_, p| p);
    let clock = thread::spawn(|| p.expire());
    let r = f();
    assert!(clock.join().is_ok());
    r
}

/// Long: until the model calls it off.
pub(super) const LONG: i64 = 1;
pub(super) const FOREVER: i64 = -1;

pub(super) fn model(step: i64, f: impl Fn() + Sync + Send + 'static) {
    explore(step, 0, f);
}

/// A model of so many threads that it is explored with a preemption less than the others.
pub(super) fn large_model(step: i64, f: impl Fn() + Sync + Send + 'static) {
    explore(step, 1, f);
}

fn explore(step: i64, fewer: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut all = loom::model::Builder::new();
    // Spinning on a guard takes some.
    all.max_branches = 20_000;
    all.preemption_bound = all.preemption_bound.map(|n| n - n.min(fewer));
    // The system thread's own: all threads of a model are on it.
    time::set_step(step);
    all.check(f);
}

const PATIENT: i64 = 0;
const IMPATIENT: i64 = 2_000_000;

fn lock_and_add(m: &With<Mutex>) {
    assert_eq!(m.lock(FOREVER), Ok(()));
    m.add();
    assert_eq!(m.lock(0), Err(Errno::EDEADLK));
    assert_eq!(m.unlock(), Ok(()));
}

fn shared<const OTHERS: usize>() {
    let m = With::<Mutex>::new();
    let others = [(); OTHERS].map(|()| {
        let m = m.clone();
        thread::spawn(move || lock_and_add(&m))
    });
    lock_and_add(&m);
    others.into_iter().for_each(|t| assert!(t.join().is_ok()));
    assert_eq!(m.get(), 1 + OTHERS as u32);
}

/// Whoever comes when it is free takes it; one that waits is woken to try.
#[test]
fn a_mutex_of_two() {
    model(PATIENT, shared::<1>);
}

/// The same, of those that wait in a queue.
#[test]
fn a_mutex_of_three() {
    large_model(PATIENT, shared::<2>);
}

/// One that has tried in vain is handed it.
#[test]
fn a_mutex_is_handed_over() {
    large_model(IMPATIENT, shared::<2>);
}

fn one_gives_up(step: i64) {
    large_model(step, || {
        let m = With::<Mutex>::new();
        assert_eq!(m.lock(FOREVER), Ok(()));
        let (a, b) = (m.clone(), m.clone());
        let p = parker::new();
        let other = thread::spawn(move || {
            parker::be(p);
            match b.lock(LONG) {
                Ok(()) => {
                    b.add();
                    assert_eq!(b.unlock(), Ok(()));
                    1
                }
                e => {
                    assert_eq!(e, Err(Errno::ETIMEDOUT));
                    0
                }
            }
        });
        let patient = thread::spawn(move || lock_and_add(&a));
        m.add();
        p.expire();
        assert_eq!(m.unlock(), Ok(()));
        assert!(patient.join().is_ok());
        let had = other.join().unwrap_or(9);
        assert_eq!(m.lock(0), Ok(()));
        assert_eq!(m.get(), 2 + had);
    });
}

/// A waiter that gives up while it is woken to try leaves that to the next.
#[test]
fn a_waiter_gives_up_on_a_mutex() {
    one_gives_up(PATIENT);
}

/// A waiter that gives up while it is handed the mutex has it.
#[test]
fn a_waiter_gives_up_on_a_hand_over() {
    one_gives_up(IMPATIENT);
}

/// The word is changed, then a waiter woken: it does not wait, or is woken.
#[test]
fn a_futex_wake_is_not_lost() {
    model(PATIENT, || {
        let t = With::<Table>::new();
        let word = Arc::new(AtomicU32::new(0));
        let (other, w) = (t.clone(), word.clone());
        let waker = thread::spawn(move || {
            other.add();
            w.store(1, Release);
            other.wake(&raw const *w, 1)
        });
        while word.load(Acquire) == 0 {
            #[allow(unsafe_code)]
            // SAFETY: the word lives.
            let r = unsafe { t.wait(&raw const *word, 0, FOREVER) };
            assert!(matches!(r, Ok(()) | Err(Errno::EAGAIN)));
        }
        assert_eq!(t.get(), 1);
        assert!(waker.join().is_ok());
    });
}

/// A wake for one, while one of two waiters gives up: the wake counts who got it, and is not lost on
/// the other.
#[test]
fn a_futex_wake_meets_one_that_gives_up() {
    model(PATIENT, || {
        let t = With::<Table>::new();
        let word = Arc::new(AtomicU32::new(0));
        let (other, w) = (t.clone(), word.clone());
        let waiter = thread::spawn(move || {
            #[allow(unsafe_code)]
            // SAFETY: the word lives.
            stopped(|| unsafe { other.wait(&raw const *w, 0, LONG) })
        });
        let woken = t.wake(&raw const *word, 1);
        let r = waiter.join().unwrap_or(Err(Errno::EIO));
        assert_eq!((r == Ok(()), r == Err(Errno::ETIMEDOUT)), (woken == Ok(1), woken == Ok(0)));
        assert_eq!(t.wake(&raw const *word, 1), Ok(0));
    });
}

/// The classic: what is waited for is said under the mutex, and signalled.
#[test]
fn a_signal_is_not_lost() {
    model(PATIENT, || {
        let both = Arc::new((With::<Mutex>::default(), Cond::default()));
        let other = both.clone();
        let t = thread::spawn(move || {
            let (m, c) = &*other;
            assert_eq!(m.lock(FOREVER), Ok(()));
            m.add();
            assert_eq!(m.unlock(), Ok(()));
            c.signal()
        });
        let (m, c) = &*both;
        assert_eq!(m.lock(FOREVER), Ok(()));
        while m.get() == 0 {
            assert_eq!(c.wait(m, FOREVER), Ok(()));
        }
        assert_eq!(m.unlock(), Ok(()));
        assert!(t.join().is_ok());
    });
}

/// A signal and a waiter that gives up: exactly the waiter that it counted reports success, and
/// has the mutex either way.
#[test]
fn a_signal_meets_one_that_gives_up() {
    model(PATIENT, || {
        let both = Arc::new((With::<Mutex>::default(), Cond::default()));
        let other = both.clone();
        let t = thread::spawn(move || {
            let (m, c) = &*other;
            stopped(|| {
                assert_eq!(m.lock(FOREVER), Ok(()));
                let r = c.wait(m, LONG);
                m.add();
                assert_eq!(m.unlock(), Ok(()));
                r
            })
        });
        let woken = both.1.signal();
        assert_eq!(both.0.lock(FOREVER), Ok(()));
        both.0.add();
        assert_eq!(both.0.unlock(), Ok(()));
        let r = t.join().unwrap_or(Err(Errno::EIO));
        assert_eq!((r == Ok(()), r == Err(Errno::ETIMEDOUT)), (woken == 1, woken == 0));
    });
}

/// An event on the waiter's stack: it is gone as soon as the wait is over.
#[test]
fn an_event_is_freed_by_who_waited() {
    model(PATIENT, || {
        let e = Box::into_raw(Box::new(With::<Event>::default()));
        let at = e as usize;
        #[allow(unsafe_code)]
        // SAFETY: freed below, by who has waited for this.
        let setter = thread::spawn(move || unsafe {
            let e = &*(at as *const With<Event>);
            e.add();
            e.set();
        });
        #[allow(unsafe_code)]
        // SAFETY: made above; the setter does not touch it any more.
        unsafe {
            assert_eq!((*e).wait(FOREVER), Ok(()));
            assert_eq!((*e).get(), 1);
            (*e).object.word.freed();
            drop(Box::from_raw(e));
        }
        assert!(setter.join().is_ok());
    });
}

/// Two come to a once whose first try fails: both are told that it is done, which it is once.
#[test]
fn once_is_done_once() {
    model(PATIENT, || {
        let o = With::<Once>::new();
        let other = o.clone();
        let go = |o: &With<Once>| loop {
            let tried = o.call(FOREVER, || {
                o.add();
                if o.get() == 1 { Err(Errno::EIO) } else { Ok(()) }
            });
            if tried.is_ok() {
                return o.get();
            }
        };
        let t = thread::spawn(move || go(&other));
        assert_eq!(go(&o), 2);
        assert_eq!(t.join().ok(), Some(2));
        assert!(o.is_done());
    });
}

/// A once that is freed by who finds it done, in each way, while its runner ends.
#[test]
fn a_once_is_freed_by_who_finds_it_done() {
    model(PATIENT, || {
        let o = Box::into_raw(Box::new(Once::default()));
        let at = o as usize;
        #[allow(unsafe_code)]
        // SAFETY: made above.
        unsafe {
            assert_eq!((*o).begin(FOREVER), Ok(true));
        }
        let other = thread::spawn(move || {
            #[allow(unsafe_code)]
            // SAFETY: freed when the runner has let go of it.
            unsafe {
                let o = at as *mut Once;
                assert_eq!((*o).begin(FOREVER), Ok(false));
                (*o).word.freed();
                (*o).state.with_mut(|_| ());
                drop(Box::from_raw(o));
            }
        });
        #[allow(unsafe_code)]
        // SAFETY: not freed before this.
        unsafe {
            assert_eq!((*o).end(true), Ok(()));
        }
        assert!(other.join().is_ok());
    });
}

/// A writer that gives up lets the readers in that waited for it: the reader comes through while the
/// lock is held for reading, whether it came before the writer, meanwhile or after.
#[test]
fn a_writer_gives_up() {
    large_model(PATIENT, || {
        let l = With::<RwLock>::new();
        assert_eq!(l.read(FOREVER), Ok(()));
        let (a, b) = (l.clone(), l.clone());
        let p = parker::new();
        let writer = thread::spawn(move || {
            parker::be(p);
            assert_eq!(a.write(LONG), Err(Errno::ETIMEDOUT));
        });
        let reader = thread::spawn(move || {
            assert_eq!(b.read(FOREVER), Ok(()));
            assert_eq!(b.unlock(), Ok(()));
        });
        p.expire();
        assert!(writer.join().is_ok());
        assert!(reader.join().is_ok());
        assert_eq!(l.unlock(), Ok(()));
        assert_eq!(l.write(0), Ok(()));
    });
}

/// Two of three come, one gives up, or the round is full before: nobody is left waiting, and one
/// leads.
#[test]
fn one_leaves_a_barrier() {
    model(PATIENT, || {
        let b = With::<Barrier>::new();
        let other = b.clone();
        let t = thread::spawn(move || stopped(|| other.wait(2, LONG)));
        let mine = b.wait(2, 0);
        let its = t.join().unwrap_or(Err(Errno::EIO));
        match (mine, its) {
            (Ok(true), Ok(false)) => {}
            (Err(Errno::EAGAIN), Err(Errno::ETIMEDOUT)) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(b.wait(1, 0), Ok(true));
    });
}
