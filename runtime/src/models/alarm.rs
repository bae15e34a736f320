//! Models of an alarm's orders: nothing that is asked for is missed, nothing fires and is withdrawn
//! both, and it is freed once.

use crate::list::{Inbox, Linked};
use crate::orders::{Due, NEVER, Orders};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};
use loom::thread;

/// An alarm in miniature; its node is the time at which the home's wheel will bring it up.
struct Alarm {
    orders: Orders,
    link: AtomicPtr<Alarm>,
    node: UnsafeCell<i64>,
}

impl Linked for Alarm {
    fn link(&self) -> &AtomicPtr<Alarm> {
        &self.link
    }
}

#[allow(unsafe_code)]
// SAFETY: the models check that `node` is not touched by two threads at once.
unsafe impl Sync for Alarm {}

#[allow(unsafe_code)]
impl Alarm {
    fn new() -> &'static Alarm {
        Box::leak(Box::new(Alarm {
            orders: Orders::default(),
            link: AtomicPtr::new(std::ptr::null_mut()),
            node: UnsafeCell::new(NEVER),
        }))
    }

    fn place(&self, at: i64) {
        // SAFETY: loom reports a race.
        self.node.with_mut(|p| unsafe { *p = at });
    }

    fn placed(&self) -> i64 {
        // SAFETY: loom reports a race.
        self.node.with(|p| unsafe { *p })
    }

    /// Home.
    fn arm(&self) {
        loop {
            let at = self.orders.wanted();
            self.place(at);
            if self.orders.arm(at) {
                return;
            }
        }
    }

    /// Home: gives how many are to be freed.
    fn serve(inbox: &Inbox<Alarm>) -> usize {
        let mut freed = 0;
        for a in inbox.take() {
            if a.orders.take() {
                a.place(NEVER);
                freed += 1;
            } else {
                a.arm();
            }
        }
        freed
    }

    /// Owner, elsewhere.
    fn set(&'static self, at: i64, inbox: &Inbox<Alarm>) {
        if self.orders.set(at) && self.orders.queue() {
            inbox.push(self).unwrap();
        }
    }
}

#[test]
fn an_earlier_time_is_looked_at() {
    loom::model(|| {
        let (a, inbox) = (Alarm::new(), Arc::new(Inbox::default()));
        let i = inbox.clone();
        let setter = thread::spawn(move || a.set(10, &i));
        // The home is just arming it for a time that was asked for before.
        if a.orders.wanted() == NEVER {
            a.place(100);
            if !a.orders.arm(100) {
                a.arm();
            }
        }
        setter.join().unwrap();
        Alarm::serve(&inbox);
        assert!(a.placed() <= 10, "{}", a.placed());
        assert_eq!(a.orders.due(50), Due::Fire);
    });
}

#[test]
fn a_time_that_is_put_off_is_kept() {
    loom::model(|| {
        let (a, inbox) = (Alarm::new(), Arc::new(Inbox::default()));
        let _ = a.orders.set(5);
        a.arm();
        let i = inbox.clone();
        let setter = thread::spawn(move || a.set(20, &i));
        a.place(NEVER);
        match a.orders.due(5) {
            Due::Fire => {}
            Due::Later(at) => {
                assert_eq!(at, 20);
                a.arm();
            }
            Due::Nothing => panic!("nobody withdrew it"),
        }
        setter.join().unwrap();
        Alarm::serve(&inbox);
        assert_eq!(a.placed(), 20);
    });
}

#[test]
fn it_fires_or_is_withdrawn() {
    loom::model(|| {
        let a = Alarm::new();
        let _ = a.orders.set(5);
        a.arm();
        let other = thread::spawn(move || a.orders.withdraw());
        let fired = match a.orders.due(5) {
            Due::Fire => true,
            Due::Nothing => false,
            Due::Later(at) => panic!("{at}"),
        };
        assert!(fired != other.join().unwrap());
    });
}

#[test]
fn it_is_freed_once() {
    loom::model(|| {
        let (a, inbox) = (Alarm::new(), Arc::new(Inbox::default()));
        let i = inbox.clone();
        let owner = thread::spawn(move || {
            a.set(10, &i);
            if a.orders.bury() {
                i.push(a).unwrap();
            }
        });
        let mut freed = Alarm::serve(&inbox);
        owner.join().unwrap();
        freed += Alarm::serve(&inbox);
        assert_eq!((freed, a.placed()), (1, NEVER));
    });
}

/// Its home ends meanwhile: then its owner frees it, after the home has let go of its node.
#[test]
fn it_is_freed_once_while_its_home_ends() {
    loom::model(|| {
        let (a, inbox) = (Alarm::new(), Arc::new(Inbox::default()));
        let _ = a.orders.set(10);
        a.arm();
        let freed = Arc::new(AtomicUsize::new(0));
        let (i, f) = (inbox.clone(), freed.clone());
        let owner = thread::spawn(move || {
            if a.orders.bury() && i.push(a).is_err() {
                a.place(NEVER);
                f.fetch_add(1, Relaxed);
            }
        });
        a.place(NEVER);
        let _ = a.orders.arm(NEVER);
        freed.fetch_add(inbox.close().filter(|a| a.orders.take()).count(), Relaxed);
        owner.join().unwrap();
        assert_eq!(freed.load(Relaxed), 1);
    });
}
