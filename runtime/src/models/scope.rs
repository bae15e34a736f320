//! Models of a scope's close: it waits for whoever still goes through the scope, and for its
//! children, and finds what they did.

use crate::pins::Pins;
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;

/// A scope in miniature: a mutex for its guard, a notification for the owner's wakes.
struct Scope {
    pins: Pins,
    /// Children, and whether close has begun.
    state: Mutex<(u32, bool)>,
    wakes: Notify,
    /// Touched by who holds a pin or is a child, and by the owner at the end.
    memory: UnsafeCell<u32>,
}

const OWNER: u32 = 7;

#[allow(unsafe_code)]
// SAFETY: the models check that `memory` is not touched by two threads at once.
unsafe impl Sync for Scope {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Send for Scope {}

impl Scope {
    fn new(children: u32) -> Arc<Scope> {
        Arc::new(Scope {
            pins: Pins::default(),
            state: Mutex::new((children, false)),
            wakes: Notify::new(),
            memory: UnsafeCell::new(0),
        })
    }

    fn with<R>(&self, f: impl FnOnce(&mut (u32, bool)) -> R) -> R {
        match self.state.lock() {
            Ok(mut s) => f(&mut s),
            Err(_) => unreachable!("nobody panics inside"),
        }
    }

    fn wake(&self, waiter: u32) {
        if waiter != 0 {
            assert_eq!(waiter, OWNER);
            self.wakes.notify();
        }
    }

    fn wait(&self, ready: impl Fn() -> bool) {
        self.pins.begin_wait(OWNER);
        while !ready() {
            self.wakes.wait();
        }
        self.pins.end_wait();
    }

    /// As Core::close. Gives what was left in `memory`.
    #[allow(unsafe_code)]
    fn close(&self) -> u32 {
        self.with(|s| s.1 = true);
        self.wait(|| self.with(|s| s.0 == 0));
        if !self.pins.none() {
            self.wait(|| self.pins.none());
        }
        // SAFETY: loom reports a race.
        self.memory.with_mut(|p| unsafe { std::mem::replace(&mut *p, 100) })
    }

    /// As a cancel by handle: pins it unless close has begun.
    #[allow(unsafe_code)]
    fn go_through(&self) -> bool {
        let pinned = self.with(|s| {
            if !s.1 {
                self.pins.pin();
            }
            !s.1
        });
        if pinned {
            // SAFETY: loom reports a race.
            self.memory.with_mut(|p| unsafe { *p += 1 });
            self.wake(self.pins.unpin());
        }
        pinned
    }

    /// A child's end.
    fn one_less(&self) {
        let waiter = self.with(|s| {
            s.0 -= 1;
            if s.0 == 0 { self.pins.waiter() } else { 0 }
        });
        self.wake(waiter);
    }
}

#[test]
fn a_close_waits_for_who_goes_through() {
    loom::model(|| {
        let s = Scope::new(0);
        let walker = {
            let s = s.clone();
            thread::spawn(move || s.go_through())
        };
        let found = s.close();
        assert_eq!(walker.join().is_ok_and(|pinned| pinned), found == 1);
    });
}

#[test]
fn a_close_waits_for_the_last_child_and_for_walkers() {
    loom::model(|| {
        let s = Scope::new(2);
        let threads = [true, false].map(|walks| {
            let s = s.clone();
            thread::spawn(move || {
                let pinned = walks && s.go_through();
                s.one_less();
                pinned
            })
        });
        let found = s.close();
        let pinned = threads.map(|t| t.join().is_ok_and(|p| p));
        assert_eq!(pinned.iter().filter(|p| **p).count(), found as usize);
    });
}
