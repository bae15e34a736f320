//! Alarms: times at which a vCPU calls a function, without a coroutine that waits for them.
//!
//! ```text
//! owner (any thread)                          home vCPU
//!   set(at) clear() free()  --- Orders --->     node in its wheel, then fire(arg)
//!                           --- inbox ---->     in its scheduler context
//! ```
//! An alarm has a home: the vCPU whose wheel its node is in, which alone touches the node. Its owner
//! is whoever made it and will free it, and says from any thread what it wants (`orders` has the
//! protocol). What fires is given a number rather than a pointer: a handle with a generation, which
//! its owner may have let go stale while the home was about to call. So freeing waits for nobody.
//!
//! Alarms are 80 bytes, in chunks that are never freed, as control blocks are: one that is queued
//! somewhere stays an alarm. When its home ends, what is set is dropped: it does not fire. The next
//! group that uses the vCPU serves what is set later.
#![allow(unsafe_code)]

mod orders;
mod store;

use super::registry::group_of;
use super::vcpu::{VCpu, current, vcpu};
use crate::err::Errno;
use crate::list::Linked;
use crate::time;
use crate::wheel::Node;
pub use orders::NEVER;
use orders::{Due, Orders};
use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::*};

/// What a node's kind says: it is the first field of an Alarm.
const KIND: u32 = 1;

/// See the module.
#[derive(Debug)]
#[repr(C)]
pub struct Alarm {
    /// Home's thread only.
    node: Node,
    orders: Orders,
    /// vCPU id + 1.
    home: AtomicU32,
    /// Written before anybody else knows the alarm.
    fire: Cell<Option<fn(u64)>>,
    arg: Cell<u64>,
    link: AtomicPtr<Alarm>,
}

const _: () = assert!(size_of::<Alarm>() <= 88);

// SAFETY: `node` is for the home's thread; `fire` and `arg` are written while the alarm is unused,
// and reach the home by its own thread or through the inbox.
unsafe impl Sync for Alarm {}

impl Linked for Alarm {
    fn link(&self) -> &AtomicPtr<Alarm> {
        &self.link
    }
}

/// The vCPU that is a good home for the caller's alarms: its own, or one of the default group's.
pub fn near() -> Result<&'static VCpu, Errno> {
    match current() {
        Some(v) => Ok(v),
        None => group_of(0)?.choose(0).ok_or(Errno::ESRCH),
    }
}

impl Alarm {
    fn blank() -> Alarm {
        Alarm {
            node: Node::new(KIND),
            orders: Orders::default(),
            home: AtomicU32::new(0),
            fire: Cell::new(None),
            arg: Cell::new(0),
            link: AtomicPtr::default(),
        }
    }

    /// One that is not set. `fire(arg)` will be called in the scheduler context of `home`: it must
    /// not block, and may wake, spawn, and set this or other alarms. ENOMEM.
    pub fn new(home: &'static VCpu, fire: fn(u64), arg: u64) -> Result<&'static Alarm, Errno> {
        let a = store::take()?;
        a.home.store(home.me, Relaxed);
        a.fire.set(Some(fire));
        a.arg.set(arg);
        Ok(a)
    }

    /// Its home, if that is the calling thread's vCPU.
    fn here(&self) -> Option<&'static VCpu> {
        current().filter(|v| v.me == self.home.load(Relaxed))
    }

    /// Has it fire at `at` ([`time::now`]'s nanoseconds) or soon after, never before; whatever it
    /// was set to is forgotten. Any thread; never blocks.
    pub fn set(&'static self, at: i64) {
        if let Some(v) = self.ask(at) {
            v.wake();
        }
    }

    /// As [`Alarm::set`], for who holds a lock: makes no system call, and gives the vCPU that the
    /// caller is to wake when it has let the lock go.
    #[must_use]
    pub fn ask(&'static self, at: i64) -> Option<&'static VCpu> {
        // NEVER itself would say that it is not set.
        let at = at.min(NEVER - 1);
        let tell = self.orders.set(at);
        if let Some(v) = self.here() {
            v.arm(self);
        } else if tell && self.orders.queue() {
            let sent = self.send();
            if sent.is_none() {
                self.orders.unqueue();
            }
            return sent;
        }
        None
    }

    /// It is not to fire. True: it was set, and will not; false: it was not set, or it fires or has
    /// fired. Any thread; never blocks.
    pub fn clear(&'static self) -> bool {
        let was = self.orders.withdraw();
        if let Some(v) = self.here() {
            v.disarm(self);
        }
        was
    }

    /// Whether it is set and has not fired.
    pub fn is_set(&self) -> bool {
        self.orders.is_set()
    }

    /// Clears it and lets it go: its owner must not use it again, nor be using it elsewhere. It may
    /// just be firing, with a number that its owner then no longer knows. Any thread; never blocks,
    /// makes no system call: a home that sleeps frees it when it wakes.
    pub fn free(&'static self) {
        if let Some(v) = self.here() {
            let free = self.orders.bury_here();
            // What it was set to has been withdrawn by that, so it is not armed again.
            v.disarm(self);
            if free {
                store::give(self);
            }
        } else if self.orders.bury() && self.send().is_none() {
            // Its home has ended, and had taken it out of its wheel before it closed its inbox.
            store::give(self);
        }
    }

    /// Into its home's inbox. None: that vCPU has ended.
    fn send(&'static self) -> Option<&'static VCpu> {
        let v = vcpu(self.home.load(Relaxed) as usize - 1)?;
        v.alarms.push(self).is_ok().then_some(v)
    }
}

/// The alarm of a node that is no task's.
pub(super) fn of(node: NonNull<Node>) -> Option<&'static Alarm> {
    // SAFETY: armed nodes are valid; one of our kind is an alarm's first field, and alarms are never
    // freed.
    unsafe { (node.as_ref().kind() == KIND).then(|| &*node.as_ptr().cast::<Alarm>()) }
}

impl VCpu {
    /// Home: brings the node to where it is wanted.
    fn arm(&self, a: &'static Alarm) {
        loop {
            let at = a.orders.wanted();
            // SAFETY: we are its home; alarms stay where they are.
            unsafe {
                self.wheel.remove((&a.node).into());
                if at != NEVER {
                    self.wheel.insert((&a.node).into(), at);
                }
            }
            if a.orders.arm(at) {
                return;
            }
        }
    }

    fn disarm(&self, a: &'static Alarm) {
        // SAFETY: we are its home.
        unsafe { self.wheel.remove((&a.node).into()) };
        if !a.orders.arm(NEVER) {
            self.arm(a);
        }
    }

    /// Serves the alarms that others have put into the inbox.
    pub(super) fn serve_alarms(&self) {
        if self.alarms.is_empty() {
            return;
        }
        for a in self.alarms.take() {
            if a.orders.take() {
                self.disarm(a);
                store::give(a);
            } else {
                self.arm(a);
            }
        }
    }

    /// An alarm's node has come up.
    pub(super) fn ring_alarm(&self, a: &'static Alarm) {
        match a.orders.due(time::now()) {
            Due::Nothing => {}
            Due::Later(_) => self.arm(a),
            Due::Fire => {
                if let Some(fire) = a.fire.get() {
                    fire(a.arg.get());
                }
            }
        }
    }

    /// Its thread ends: no alarm of it is armed any more, and none will be.
    pub(super) fn close_alarms(&self) {
        self.wheel.clear(|node| {
            if let Some(a) = of(node) {
                let _asked = a.orders.arm(NEVER);
            }
        });
        for a in self.alarms.close() {
            if a.orders.take() {
                store::give(a);
            }
        }
    }
}

#[cfg(test)]
mod tests;
