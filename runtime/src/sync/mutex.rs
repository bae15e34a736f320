//! A mutex. It is taken by whoever comes when it is free (barging: a coroutine that runs makes use
//! of it at once, rather than the mutex lying idle until a sleeper has woken), and handed over to
//! one that has waited for [`PATIENCE`].
//!
//! ```text
//! unlock:  nobody waits          free
//!          first is impatient    it is the owner now, and is woken to find that out
//!          else                  free, and the first is woken to try, unless one is trying already
//! a try that finds it taken goes back to the queue's front
//! ```
//! The patience of a millisecond is Go's (its mutex since 1.9). While the holder is on another CPU
//! a waiter first looks for a moment whether it is done; not if the holder is a coroutine of the
//! same vCPU, which has no chance to be.
#![allow(unsafe_code)]

use super::{begin, here};
use crate::err::Errno;
use crate::prim::Cell;
use crate::prim::atomic::{AtomicU32, AtomicU64, Ordering::*};
use crate::sched::VCpu;
use crate::time;
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue, Who, as_waiter};
use crate::wait::{Deadline, Stop, deadline, give_back, hold, holding};

/// Nanoseconds after which a waiter is handed the mutex.
const PATIENCE: i64 = 1_000_000;
/// Looks at a mutex that is held on another CPU, before its waiter gives up its own.
const LOOKS: u32 = if cfg!(loom) { 1 } else { 30 };

/// What a waiter is granted: to be the owner, or to try.
const OWNER: u32 = 1;
const TRY: u32 = 2;
/// `Node::arg`: it has lost its patience.
const IMPATIENT: usize = 1;

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct Mutex {
    word: Word,
    /// The holder's vCPU; 0: a plain thread. A hint for who looks from outside.
    place: AtomicU32,
    /// Who holds it ([`identity`]); 0: nobody.
    owner: AtomicU64,
    waiters: Queue,
    /// A waiter has been woken to try, and has not yet.
    trying: Cell<bool>,
}

// SAFETY: the cells and the queue are touched by who holds `word`.
unsafe impl Sync for Mutex {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Mutex {}

/// A caller as an owner. Not 0; unlike any other that lives.
#[inline(always)]
pub(super) fn identity(who: Who) -> u64 {
    match who {
        Who::Task(t) => t.handle(),
        Who::Thread(p) => 1 << 63 | std::ptr::from_ref(p).addr() as u64,
    }
}

impl Mutex {
    /// Locks it. EDEADLK: the caller holds it.
    #[inline]
    pub fn lock(&self, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            let me = identity(who);
            if self.take(v, me)? {
                return Ok(());
            }
            if timeout_ns == 0 {
                return Err(Errno::EAGAIN);
            }
            self.contend(who, v, me, Some(timeout_ns))
        })
    }

    /// Locks it again, for a caller that may not do without: deaf to time, cancel and interrupt.
    pub(super) fn relock(&self) {
        as_waiter(|who, v| {
            let me = identity(who);
            if self.take(v, me) != Ok(true) {
                let _locked = self.contend(who, v, me, None);
            }
        });
    }

    /// Whether that is who holds it; for the caller itself, who alone can change that.
    #[inline(always)]
    pub(super) fn owned_by(&self, me: u64) -> bool {
        self.owner.load(Relaxed) == me
    }

    /// Takes it if it is free.
    #[inline(always)]
    fn take(&self, v: Option<&'static VCpu>, me: u64) -> Result<bool, Errno> {
        holding(&self.word, v, || match self.take_held(v, me) {
            false if self.owned_by(me) => Err(Errno::EDEADLK),
            free => Ok(free),
        })
    }

    /// The same, under the guard.
    #[inline(always)]
    fn take_held(&self, v: Option<&VCpu>, me: u64) -> bool {
        let free = self.owner.load(Relaxed) == 0;
        if free {
            self.own(v.map_or(0, |v| v.me), me);
        }
        free
    }

    #[inline(always)]
    fn own(&self, place: u32, who: u64) {
        self.owner.store(who, Relaxed);
        self.place.store(place, Relaxed);
    }

    /// Looks for a moment whether it becomes free.
    fn look(&self, v: Option<&VCpu>) -> bool {
        let here = v.map_or(0, |v| v.me);
        for n in 0..LOOKS {
            if self.owner.load(Relaxed) == 0 {
                return true;
            }
            if here != 0 && self.place.load(Relaxed) == here {
                return false;
            }
            (0..1 << (n / 6)).for_each(|_| std::hint::spin_loop());
        }
        false
    }

    /// Waits for it; without a timeout, deaf.
    #[cold]
    fn contend(
        &self,
        who: Who,
        v: Option<&'static VCpu>,
        me: u64,
        timeout_ns: Option<i64>,
    ) -> Result<(), Errno> {
        if self.look(v) && self.take(v, me)? {
            return Ok(());
        }
        let d = timeout_ns.map(deadline);
        let began = time::now();
        let node = Node::new(who, 0);
        loop {
            let v = here();
            let held = hold(&self.word, v);
            if node.granted() == TRY {
                self.trying.set(false);
                node.renew();
                if self.take_held(v, me) {
                    return Ok(());
                }
                if time::now() - began > PATIENCE {
                    node.arg.set(IMPATIENT);
                }
                // SAFETY: it is out of the queue when this returns.
                unsafe { self.waiters.push_front(&node) };
            } else if self.take_held(v, me) {
                return Ok(());
            } else {
                // SAFETY: as above.
                unsafe { self.waiters.push(&node) };
            }
            drop(held);
            let granted = match d {
                Some(d) => node.wait(d).map_err(|s| (s, d)),
                None => Ok(node.outwait()),
            };
            match granted {
                Ok(OWNER) => return Ok(()),
                Ok(_) => {
                    let _free = self.look(here());
                }
                Err((s, d)) => return self.stopped(&node, s, d),
            }
        }
    }

    #[cold]
    fn stopped(&self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        let v = here();
        let held = hold(&self.word, v);
        if node.queued() {
            self.waiters.remove(node);
            return Err(s.errno(d));
        }
        drop(held);
        if node.outwait() == OWNER {
            give_back(s);
            return Ok(());
        }
        // It was to try, and leaves that to the next.
        let held = hold(&self.word, v);
        self.trying.set(false);
        let grants = if self.owner.load(Relaxed) == 0 { self.free() } else { Grants::default() };
        drop(held);
        grants.wake(v);
        Err(s.errno(d))
    }

    /// Under the guard: makes it free, or hands it over.
    #[inline(always)]
    fn free(&self) -> Grants {
        let mut grants = Grants::default();
        self.owner.store(0, Relaxed);
        if let Some(first) = self.waiters.first() {
            if first.arg.get() == IMPATIENT {
                let place = if let Who::Task(t) = first.who() { t.owner.load(Relaxed) } else { 0 };
                self.own(place, identity(first.who()));
                grants.take(&self.waiters, first, OWNER);
            } else if !self.trying.get() {
                self.trying.set(true);
                grants.take(&self.waiters, first, TRY);
            }
        }
        grants
    }

    /// Unlocks it. EPERM: the caller does not hold it.
    #[inline]
    pub fn unlock(&self) -> Result<(), Errno> {
        as_waiter(|who, v| {
            let grants = holding(&self.word, v, || {
                if self.owned_by(identity(who)) { Ok(self.free()) } else { Err(Errno::EPERM) }
            })?;
            grants.wake(v);
            Ok(())
        })
    }
}
