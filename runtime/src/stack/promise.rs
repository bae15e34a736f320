//! Promises: a stack for later, certain now.
//!
//! Who spawns 100,000 coroutines that run one after the other needs one stack, not 100,000; but
//! what has been spawned must be able to begin, and where there is no room the spawner is to be told.
//! So a spawn takes a promise, which costs nothing but address space, and the coroutine's first run
//! redeems it:
//!
//! ```text
//!                  one by one                           by dozens
//!   coroutine  <---- promise ----   Cache, per vCPU  <---- promise -----  pool:  mapped  - used
//!   (a number less in the cache)      a number                            each class     - promised >= 0
//!       |                               ^                                   ^ |
//!       | first run: attach             |                                   | |
//!       +--- a stack from the cache ----+  the promise is left over ------->+ | by dozens
//!       +--- the cache is empty: redeem, a stack from the pool for it <-------+
//! ```
//!
//! The pool's side is two numbers a class under its lock, *mapped* and *promised*, beside what is used:
//! promises are given while free stacks are left that nobody has been promised, else a slab more is mapped.
//! Whoever takes without a promise leaves that many, and slabs stay mapped that would be missing.
//! A coroutine that is stolen or moved takes its promise along, in that it has no stack: whichever vCPU
//! it begins on redeems it.
//!
//! What redeeming still may fail at, the spawner can't be told: the guard of a stack that was never used,
//! when the kernel has no memory for a page table; a stack that is out of the lists because its pages are
//! being given back. Both pass, so it is tried again (`sched::start`). Protected guards may be used up
//! for good, so where guards are made by mprotect nobody gives promises ([`Pool::promises`]).
//!
//! # Rejected
//!
//! - A stack at each spawn, as it was: a batch of 100,000 touches as many descriptors, stack tops and TLB
//!   entries, all of them cold, for coroutines that need one after another (166 ns each instead of 65).
//! - To promise nothing: a spawn that succeeds, and a coroutine that never begins.
//! - Promises out of what may be mapped later: the kernel promises no address space.

use super::cache::{BURST, Cache, Shelf};
use super::descriptor::{Chain, Stack};
use super::pool::{Means, Pool};
use crate::err::Errno;
use std::ptr::NonNull;

/// Most promises that a cache takes at once.
const CHUNK: usize = 64;

impl Pool {
    /// Whether it gives promises, and keeps them: guards are light.
    pub fn promises(&self) -> bool {
        self.guards.light_works()
    }

    /// Promises up to `want` stacks of `class`, and says how many: at least one. ENOMEM changes nothing.
    fn promise(&self, class: u8, want: usize) -> Result<usize, Errno> {
        loop {
            {
                let mut lists = self.lock();
                let n = self.unpromised(&lists, class).min(want);
                if n > 0 {
                    lists.promised[usize::from(class)] += n;
                    return Ok(n);
                }
            }
            self.grow(class)?;
        }
    }

    /// Promises that nobody needs.
    fn release_promises(&self, class: u8, n: usize) {
        if n > 0 {
            self.lock().promised[usize::from(class)] -= n;
        }
    }
}

impl Cache {
    /// A promise of a stack of `class`, for [`Cache::attach`] of whatever vCPU. ENOMEM.
    #[inline]
    pub fn promise(&self, pool: &Pool, class: u8) -> Result<(), Errno> {
        let shelf = self.shelf(class);
        match shelf.promises {
            0 => self.promise_slow(pool, class),
            n => {
                shelf.promises = n - 1;
                Ok(())
            }
        }
    }

    #[cold]
    fn promise_slow(&self, pool: &Pool, class: u8) -> Result<(), Errno> {
        let got = pool.promise(class, self.half_limit(class).min(CHUNK))?;
        self.shelf(class).promises = got - 1;
        Ok(())
    }

    /// The stack that was promised. ENOMEM: not now; the promise holds.
    #[inline]
    pub fn attach(&self, pool: &Pool, class: u8) -> Result<NonNull<Stack>, Errno> {
        let shelf = self.shelf(class);
        let Some(stack) = shelf.pop() else { return self.attach_slow(pool, class) };
        shelf.promises += 1;
        if shelf.promises > self.half_limit(class) {
            self.keep_promises(pool, class, self.half_limit(class) / 2);
        }
        Ok(stack)
    }

    #[cold]
    fn attach_slow(&self, pool: &Pool, class: u8) -> Result<NonNull<Stack>, Errno> {
        let shelf = self.shelf(class);
        std::mem::swap(&mut shelf.current, &mut shelf.previous);
        if let Some(stack) = shelf.pop() {
            shelf.promises += 1;
            return Ok(stack);
        }
        let want = shelf.next_refill(self.half_limit(class)).min(shelf.promises + 1);
        let mut chain = Chain::new();
        let means = Means { promised: true, commit: want >= BURST };
        let got = pool.take_by(class, want, &mut chain, means)?;
        let shelf = self.shelf(class);
        shelf.promises -= got - 1;
        shelf.current = chain;
        shelf.pop().ok_or(Errno::ENOMEM)
    }

    /// Gives promises back, all but `keep`.
    #[cold]
    pub(super) fn keep_promises(&self, pool: &Pool, class: u8, keep: usize) {
        let shelf: &mut Shelf = self.shelf(class);
        let over = shelf.promises.saturating_sub(keep);
        shelf.promises -= over;
        pool.release_promises(class, over);
    }
}

#[cfg(test)]
impl Pool {
    /// From now on no guard can be made, or they can again.
    pub(crate) fn refuse_guards(&self, on: bool) {
        self.guards.refuse(on);
    }
}
