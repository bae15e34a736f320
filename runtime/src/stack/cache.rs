//! One vCPU's own free stacks. Only its thread touches them, so there is no atomic and no lock; what was
//! pushed last is popped first, still warm.
//!
//! ```text
//!   push --> current --full--> previous --replaced--> pool (lock-free give)
//!   pop  <-- current <-empty-- previous
//!              ^------ refill: take from the pool, 1, 2, 4 ... at a time
//! ```
//!
//! Two lists, each at most half of the limit: when `current` is full, `previous` goes to the pool whole and
//! `current` takes its place, in a few stores and without walking. The stack just pushed always starts or
//! stays in `current`: a dying coroutine pushes the stack it runs on and may go on using it until it jumps
//! away. (Two lists against thrashing at the limit: Bonwick and Adams' magazines.)
#![allow(unsafe_code)]

use super::descriptor::{Chain, Stack};
use super::{CLASSES, class_bytes, pool::Pool};
use crate::err::Errno;
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

/// Most stacks that are taken from the pool at once.
const REFILL_MAX: usize = 32;

/// Free stacks of one vCPU. Not for sharing between threads. Empty it with [`Cache::flush`] before it is
/// dropped: what is in it then is lost to the pool.
pub struct Cache {
    limit_bytes: usize,
    /// The pool's period at the last shrink.
    shrunk_in: Cell<usize>,
    classes: [UnsafeCell<Shelf>; CLASSES],
}

struct Shelf {
    current: Chain,
    previous: Chain,
    /// Fewest that were here since the last shrink.
    least: usize,
    /// How many to take next time it is empty.
    refill: usize,
}

impl Shelf {
    const EMPTY: Shelf =
        Shelf { current: Chain::new(), previous: Chain::new(), least: 0, refill: 1 };

    fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }
}

impl Cache {
    /// An empty cache that keeps up to `limit_bytes` of address space in stacks of each class, but at
    /// least two stacks and at most 1,024.
    pub const fn new(limit_bytes: usize) -> Cache {
        Cache {
            limit_bytes,
            shrunk_in: Cell::new(0),
            classes: [const { UnsafeCell::new(Shelf::EMPTY) }; CLASSES],
        }
    }

    /// A stack of `class`: the one pushed last, else from the pool, which may make system calls. ENOMEM as
    /// [`Pool::take`].
    #[inline]
    pub fn pop(&self, pool: &Pool, class: u8) -> Result<NonNull<Stack>, Errno> {
        // SAFETY: only the owner's thread is here, and nothing below calls back.
        let shelf = unsafe { &mut *self.classes[usize::from(class)].get() };
        match shelf.current.pop() {
            Some(stack) => {
                shelf.least = shelf.least.min(shelf.len());
                Ok(stack)
            }
            None => self.pop_slow(pool, class),
        }
    }

    /// Takes a stack back. It may be the one that this runs on: it stays mapped, out of the pool and
    /// untouched until the next call on this cache. No lock, no system call.
    #[inline]
    pub fn push(&self, pool: &Pool, stack: NonNull<Stack>) {
        // SAFETY: the caller hands it over.
        let class = unsafe { stack.as_ref() }.class();
        // SAFETY: as in `pop`.
        let shelf = unsafe { &mut *self.classes[usize::from(class)].get() };
        if shelf.current.len() >= self.half_limit(class) {
            let full = std::mem::take(&mut shelf.current);
            let old = std::mem::replace(&mut shelf.previous, full);
            pool.give_class(class, old);
        }
        shelf.current.push(stack);
    }

    /// Gives everything back to the pool. Not from a coroutine whose own stack has been pushed.
    pub fn flush(&self, pool: &Pool) {
        for (class, shelf) in self.classes.iter().enumerate() {
            // SAFETY: as in `pop`.
            let shelf = unsafe { &mut *shelf.get() };
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
        for (class, shelf) in self.classes.iter().enumerate() {
            // SAFETY: as in `pop`.
            let shelf = unsafe { &mut *shelf.get() };
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
        // SAFETY: as in `pop`.
        self.classes.iter().map(|shelf| unsafe { &*shelf.get() }.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn half_limit(&self, class: u8) -> usize {
        // A shift: class_bytes is 16 KiB << class.
        ((self.limit_bytes / 2 / class_bytes(0)) >> class).clamp(1, 512)
    }

    #[cold]
    fn pop_slow(&self, pool: &Pool, class: u8) -> Result<NonNull<Stack>, Errno> {
        // SAFETY: as in `pop`.
        let shelf = unsafe { &mut *self.classes[usize::from(class)].get() };
        std::mem::swap(&mut shelf.current, &mut shelf.previous);
        if shelf.current.is_empty() {
            let want = shelf.refill.min(self.half_limit(class));
            pool.take(class, want, &mut shelf.current)?;
            shelf.refill = (shelf.refill * 2).min(REFILL_MAX);
        }
        let stack = shelf.current.pop().ok_or(Errno::ENOMEM)?;
        shelf.least = shelf.least.min(shelf.len());
        Ok(stack)
    }
}
