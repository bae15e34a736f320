//! One vCPU's own free stacks. Only its thread touches them, so there is no atomic and no lock; what was
//! pushed last is popped first, still warm.
//!
//! ```text
//!   push --> current --full--> previous --replaced--> pool (lock-free give)
//!   pop  <-- current <-empty-- previous
//!              ^------ refill: take from the pool, 1, 2, 4 ... 64 at a time
//! ```
//!
//! A refill that has grown to [`BURST`] says that coroutines are there to stay: the stacks of such a one get
//! their guards, and the pages of their first frames, in a system call each for all of them. At most one
//! refill of pages is committed in vain, and a program with few coroutines commits none.
//! (Linux 6.18 in a VM, 256 KiB class, ns a stack: guard 508 alone, 370 of 64; first page 1,420 by a fault,
//! 1,220 by a call, 1,010 of 64. So 1,390 instead of 1,950 for both.)
//!
//! Two lists, each at most half of the limit: when `current` is full, `previous` goes to the pool whole and
//! `current` takes its place, in a few stores and without walking. The stack just pushed always starts or
//! stays in `current`: a dying coroutine pushes the stack it runs on and may go on using it until it jumps
//! away. (Two lists against thrashing at the limit: Bonwick and Adams' magazines.)
#![allow(unsafe_code)]

use super::descriptor::{Chain, Stack};
use super::pool::{Means, Pool};
use super::{CLASSES, class_bytes};
use crate::err::Errno;
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

/// Most stacks that are taken from the pool at once.
const REFILL_MAX: usize = 64;
/// From so many on their first pages are committed together.
pub(super) const BURST: usize = 16;

/// Free stacks of one vCPU. Not for sharing between threads. Empty it with [`Cache::flush`] before it is
/// dropped: what is in it then is lost to the pool.
pub struct Cache {
    /// What one of the two lists of each class holds at most.
    half_limits: [usize; CLASSES],
    /// The pool's period at the last shrink.
    shrunk_in: Cell<usize>,
    classes: [UnsafeCell<Shelf>; CLASSES],
}

pub(super) struct Shelf {
    pub current: Chain,
    pub previous: Chain,
    /// Fewest that were here since the last shrink.
    least: usize,
    /// How many to take next time it is empty.
    refill: usize,
    /// What the pool has promised and no coroutine has: see `promise.rs`.
    pub promises: usize,
}

impl Shelf {
    const EMPTY: Shelf =
        Shelf { current: Chain::new(), previous: Chain::new(), least: 0, refill: 1, promises: 0 };

    #[inline]
    pub fn pop(&mut self) -> Option<NonNull<Stack>> {
        let stack = self.current.pop()?;
        self.least = self.least.min(self.len());
        Some(stack)
    }

    /// How many to take now that it is empty.
    pub fn next_refill(&mut self, most: usize) -> usize {
        let want = self.refill.min(most);
        self.refill = (want * 2).min(REFILL_MAX);
        want
    }

    fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }
}

impl Cache {
    /// An empty cache that keeps up to `limit_bytes` of address space in stacks of each class, but at
    /// least two stacks and at most 1,024.
    pub const fn new(limit_bytes: usize) -> Cache {
        let mut half_limits = [1; CLASSES];
        let mut class = 0;
        while class < CLASSES {
            let half = limit_bytes / 2 / class_bytes(class as u8);
            half_limits[class] = match half {
                0 => 1,
                1..512 => half,
                _ => 512,
            };
            class += 1;
        }
        Cache {
            half_limits,
            shrunk_in: Cell::new(0),
            classes: [const { UnsafeCell::new(Shelf::EMPTY) }; CLASSES],
        }
    }

    /// A stack of `class`: the one pushed last, else from the pool, which may make system calls. ENOMEM as
    /// [`Pool::take`].
    #[inline]
    pub fn pop(&self, pool: &Pool, class: u8) -> Result<NonNull<Stack>, Errno> {
        match self.shelf(class).pop() {
            Some(stack) => Ok(stack),
            None => self.pop_slow(pool, class),
        }
    }

    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(super) fn shelf(&self, class: u8) -> &mut Shelf {
        // SAFETY: only the owner's thread is here, nothing that is called meanwhile calls back, and
        // who asks again has done with the one before.
        unsafe { &mut *self.classes[usize::from(class)].get() }
    }

    /// Takes a stack back. It may be the one that this runs on: it stays mapped, out of the pool and
    /// untouched until the next call on this cache. No lock, no system call.
    #[inline]
    pub fn push(&self, pool: &Pool, stack: NonNull<Stack>) {
        // SAFETY: the caller hands it over.
        let class = unsafe { stack.as_ref() }.class();
        let shelf = self.shelf(class);
        if shelf.current.len() >= self.half_limit(class) {
            let full = std::mem::take(&mut shelf.current);
            let old = std::mem::replace(&mut shelf.previous, full);
            pool.give_class(class, old);
        }
        shelf.current.push(stack);
    }

    /// Gives everything back to the pool. Not from a coroutine whose own stack has been pushed.
    pub fn flush(&self, pool: &Pool) {
        for class in 0..CLASSES {
            self.keep_promises(pool, class as u8, 0);
            let shelf = self.shelf(class as u8);
            let Shelf { current, previous, .. } = std::mem::replace(shelf, Shelf::EMPTY);
            pool.give_class(class as u8, current);
            pool.give_class(class as u8, previous);
        }
    }

    /// Gives back what has not been needed for a period of the pool's decay. Acts once a period, however
    /// often it is called; periods begin with [`Pool::trim`]. Not from a coroutine whose own stack has been
    /// pushed.
    pub fn shrink(&self, pool: &Pool) {
        let period = pool.periods.load(Relaxed);
        if self.shrunk_in.replace(period) == period {
            return;
        }
        for class in 0..CLASSES {
            self.keep_promises(pool, class as u8, 0);
            let shelf = self.shelf(class as u8);
            let keep = shelf.len() - shelf.least.min(shelf.len());
            let from_previous = shelf.previous.split_off(keep.saturating_sub(shelf.current.len()));
            let from_current = shelf.current.split_off(keep);
            pool.give_class(class as u8, from_previous);
            pool.give_class(class as u8, from_current);
            shelf.least = shelf.len();
            shelf.refill = 1;
        }
    }

    /// Number of stacks in it.
    pub fn len(&self) -> usize {
        (0..CLASSES).map(|class| self.shelf(class as u8).len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn half_limit(&self, class: u8) -> usize {
        self.half_limits[usize::from(class)]
    }

    #[cold]
    fn pop_slow(&self, pool: &Pool, class: u8) -> Result<NonNull<Stack>, Errno> {
        let shelf = self.shelf(class);
        std::mem::swap(&mut shelf.current, &mut shelf.previous);
        if shelf.current.is_empty() {
            let want = shelf.next_refill(self.half_limit(class));
            let means = Means { promised: false, commit: want >= BURST };
            pool.take_by(class, want, &mut shelf.current, means)?;
        }
        shelf.pop().ok_or(Errno::ENOMEM)
    }
}
