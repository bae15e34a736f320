//! The stacks that no vCPU holds: shared by all vCPUs and plain threads.
//!
//! ```text
//!   give ---> inbox[class]     lock-free; any thread, no lock, no system call
//!                |
//!                v  taken whole, under the lock
//!   take <--- unsorted[class]  last in first out: the warmest
//!                |
//!                v  at trim
//!   take <--- slabs[class]     those with free stacks; wholly free ones at the end, so that they stay so
//! ```
//!
//! The lock is held for list work on at most [`BATCH`] stacks or slabs at a time, never across a system
//! call: what is to be mapped, guarded, discarded or unmapped is first taken out of the lists.
//!
//! # Decay
//!
//! [`Pool::trim`] works once in half a decay time, a *period*. Each slab knows the fewest free stacks it
//! had in this period and in the one before; the smaller of the two is how many nobody has needed for two
//! whole periods. Its list is last in first out, so they are the last ones of it.
//!
//! - All of the slab: unmapped, page tables and descriptors with it.
//! - Some: their pages are given back, and they are clean until handed out again.
//!
//! A stack given back goes to its slab's list with the next trim, so its memory is gone between one decay
//! time and one and a half after that, and always within two of its end.
//!
//! # Rejected
//!
//! - A time stamp for each stack: needs a clock at each give, and a walk over all to find the old ones.
//! - MADV_FREE: the memory still counts as resident, which is what people look at.
//! - A lock in `give`: it is called from a stack that is dying, where waiting would be waiting in the way
//!   of every other coroutine of the vCPU.
#![allow(unsafe_code)]

use super::descriptor::{Chain, Stack};
use super::guard::{Guard, Guards};
use super::lists::{Lists, end_period};
use super::slab::{self, Slab};
use super::{CLASSES, os};
use crate::err::Errno;
use crate::prim::Padded;
use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicUsize, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Stacks or slabs that are worked on under one hold of the lock.
const BATCH: usize = 128;

/// How guards are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuardMode {
    /// Light ones where the system has them, else mprotect within half of the mappings it allows.
    Auto,
    /// As on a system without light guards.
    ForceMprotect,
    /// The same with at most this many: for tests of what follows.
    MprotectUpTo(usize),
}

/// See [`Pool::configure`].
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// After how long without use memory goes back to the system, ns; at least 2.
    pub decay_ns: i64,
    /// Whether to hand out stacks without a guard when no guard can be had; else that is ENOMEM.
    pub allow_unguarded: bool,
    /// How guards are made.
    pub guard_mode: GuardMode,
    /// Whether tops are coloured. PHOTONRT_NO_COLOUR=1 in the environment overrules it.
    pub colour: bool,
}

impl Default for PoolOptions {
    fn default() -> PoolOptions {
        PoolOptions {
            decay_ns: DECAY_NS,
            allow_unguarded: false,
            guard_mode: GuardMode::Auto,
            colour: true,
        }
    }
}

/// Decay unless told otherwise.
const DECAY_NS: i64 = 5_000_000_000;

/// What a pool holds, each number true at some moment of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Stacks handed out: to coroutines, and to vCPUs' caches.
    pub used_stacks: usize,
    /// Stacks mapped and free.
    pub cached_stacks: usize,
    /// Address space, bytes.
    pub reserved_bytes: usize,
    /// Mapped slabs' guards by kind; a stack that was never handed out has none yet.
    pub guards_light: usize,
    /// By mprotect.
    pub guards_mprotect: usize,
    /// Stacks that go without.
    pub guards_none: usize,
}

/// The pool; see the module. It may lie in a static.
pub struct Pool {
    all: AtomicPtr<Slab>,
    inbox: [Padded<AtomicPtr<Stack>>; CLASSES],
    locked: Mutex<Lists>,
    guards: Guards,
    decay_ns: AtomicI64,
    coloured: AtomicBool,
    next_colour: AtomicUsize,
    used: AtomicUsize,
    total: AtomicUsize,
    reserved: AtomicUsize,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new()
    }
}

impl Pool {
    /// An empty pool with the default options.
    pub const fn new() -> Pool {
        Pool {
            all: AtomicPtr::new(null_mut()),
            inbox: [const { Padded(AtomicPtr::new(null_mut())) }; CLASSES],
            locked: Mutex::new(Lists::new()),
            guards: Guards::new(),
            decay_ns: AtomicI64::new(DECAY_NS),
            coloured: AtomicBool::new(true),
            next_colour: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
        }
    }

    /// Sets the options for what is mapped and guarded from now on.
    pub fn configure(&self, options: PoolOptions) {
        let plain = std::env::var_os("PHOTONRT_NO_COLOUR").is_some_and(|v| v == "1");
        self.coloured.store(options.colour && !plain, Relaxed);
        self.decay_ns.store(options.decay_ns.max(2), Relaxed);
        let budget = match options.guard_mode {
            GuardMode::MprotectUpTo(n) => Some(n),
            _ => None,
        };
        let only_protect = options.guard_mode != GuardMode::Auto;
        self.guards.configure(only_protect, budget, options.allow_unguarded);
    }

    /// Puts up to `want` stacks of `class` in front of `into`, and says how many: at least one. ENOMEM
    /// (no address space, no memory, no guard) changes nothing. May make system calls.
    pub fn take(&self, class: u8, want: usize, into: &mut Chain) -> Result<usize, Errno> {
        loop {
            let mut found = self.take_free(class, want.max(1));
            if found.is_empty() {
                self.grow(class)?;
                continue;
            }
            let mut ready = Chain::new();
            let mut failed = Ok(());
            while let Some(stack) = found.pop() {
                // SAFETY: it is out of the lists and ours.
                match unsafe { self.guard(stack.as_ref()) } {
                    Ok(()) => ready.push(stack),
                    Err(e) => {
                        failed = Err(e);
                        found.push(stack);
                        break;
                    }
                }
            }
            self.give_class(class, found);
            if ready.is_empty() {
                return failed.and(Err(Errno::ENOMEM));
            }
            // `found` had the warmest at its end, so `ready` has it in front.
            let n = ready.len();
            into.join(ready);
            return Ok(n);
        }
    }

    /// Gives stacks of any classes back. Takes no lock and makes no system call.
    pub fn give(&self, mut chain: Chain) {
        let mut sorted = [const { Chain::new() }; CLASSES];
        while let Some(stack) = chain.pop() {
            // SAFETY: the chain owned it.
            sorted[usize::from(unsafe { stack.as_ref() }.class())].push_last(stack);
        }
        for (class, chain) in sorted.into_iter().enumerate() {
            self.give_class(class as u8, chain);
        }
    }

    /// As [`Pool::give`]; all are of `class`.
    pub(super) fn give_class(&self, class: u8, chain: Chain) {
        let len = chain.len();
        let (first, last) = chain.into_ends();
        let Some(last) = NonNull::new(last) else { return };
        self.used.fetch_sub(len, Relaxed);
        let inbox = &self.inbox[usize::from(class)];
        let mut head = inbox.load(Relaxed);
        loop {
            // SAFETY: the chain is ours until the exchange succeeds.
            unsafe { last.as_ref() }.next.set(head);
            // Release pairs with the Acquire swap in `next_unsorted`: the links, and all that was done on
            // the stacks, come before their next use.
            match inbox.compare_exchange_weak(head, first, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Gives idle memory back. Call it about every half decay time, from one thread or several; more often
    /// is harmless and cheap. Returns when to call next, or None when nothing is left that could go: then
    /// not before the next `give` (a flush or shrink of a cache gives too).
    pub fn trim(&self, now_ns: i64) -> Option<i64> {
        let period = self.decay_ns.load(Relaxed) / 2;
        {
            let mut lists = self.lock();
            let began = *lists.period_began.get_or_insert(now_ns);
            let next = began.saturating_add(period);
            if now_ns < next {
                return Some(next);
            }
            lists.period_began = Some(now_ns);
        }
        self.release(false).then(|| now_ns.saturating_add(period))
    }

    /// Gives everything back that is free, whatever its age: at the end of the runtime, or when address
    /// space has run out.
    pub fn clear(&self) {
        self.release(true);
    }

    /// The numbers.
    pub fn stats(&self) -> PoolStats {
        let (guards_light, guards_mprotect, guards_none) = self.guards.counts();
        let used_stacks = self.used.load(Relaxed);
        PoolStats {
            used_stacks,
            cached_stacks: self.total.load(Relaxed).saturating_sub(used_stacks),
            reserved_bytes: self.reserved.load(Relaxed),
            guards_light,
            guards_mprotect,
            guards_none,
        }
    }

    /// The stack in whose guard `addr` lies. May be called in a signal handler, whatever was interrupted.
    /// The descriptor exists as long as the stack is in use, which one that overflows is.
    pub fn find_guard(&self, addr: usize) -> Option<NonNull<Stack>> {
        slab::find_guard(&self.all, addr)
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        // A panic under the lock would be in code without any.
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to `want` free stacks, counted as used; some may still be without a guard.
    fn take_free(&self, class: u8, want: usize) -> Chain {
        let mut found = Chain::new();
        let mut lists = self.lock();
        while found.len() < want {
            let Some(stack) =
                self.next_unsorted(&mut lists, class).or_else(|| lists.next_sorted(class))
            else {
                break;
            };
            found.push(stack);
        }
        self.used.fetch_add(found.len(), Relaxed);
        found
    }

    /// The stack given back last, of those that are not sorted into their slabs yet.
    fn next_unsorted(&self, lists: &mut Lists, class: u8) -> Option<NonNull<Stack>> {
        let class = usize::from(class);
        if lists.unsorted[class].is_null() && !self.inbox[class].load(Relaxed).is_null() {
            // Pairs with the Release in `give_class`.
            lists.unsorted[class] = self.inbox[class].swap(null_mut(), Acquire);
        }
        let stack = NonNull::new(lists.unsorted[class])?;
        // SAFETY: the lists own it.
        lists.unsorted[class] = unsafe { stack.as_ref() }.next.get();
        Some(stack)
    }

    /// Makes sure that a stack about to be handed out has its guard.
    ///
    /// # Safety
    /// The caller owns the stack, and nobody runs on it.
    unsafe fn guard(&self, stack: &Stack) -> Result<(), Errno> {
        if stack.guard_kind().get() == Guard::Pending {
            let (at, len) = stack.guard_place();
            // SAFETY: the range is the stack's own and the stack is ours.
            stack.guard_kind().set(unsafe { self.guards.make(at, len) }?);
        }
        stack.dirty().set(true);
        Ok(())
    }

    /// Maps one more slab: of the usual size, or smaller if that is all there is room for.
    fn grow(&self, class: u8) -> Result<(), Errno> {
        let spare = self.lock().pop_spare();
        let slab = spare.map_or_else(|| Slab::record(&self.all), Ok)?;
        let usual = slab::usual_count(class);
        let colour =
            |count| self.coloured.load(Relaxed).then(|| self.next_colour.fetch_add(count, Relaxed));
        let attempt = || {
            let sizes = [usual, usual.div_ceil(4), 1];
            sizes.into_iter().find_map(|count| slab.map(class, count, colour(count)).ok())
        };
        let done = attempt().or_else(|| {
            self.clear();
            attempt()
        });
        let mut lists = self.lock();
        if done.is_none() {
            lists.push_spare(slab);
            return Err(Errno::ENOMEM);
        }
        self.total.fetch_add(slab.count(), Relaxed);
        self.reserved.fetch_add(slab.bytes(), Relaxed);
        slab.locked.live.set(true);
        lists.insert(slab);
        Ok(())
    }

    /// One pass over all slabs; whether anything is left that could go later. `all`: everything free goes
    /// now, and no period ends.
    fn release(&self, all: bool) -> bool {
        for class in 0..CLASSES as u8 {
            self.sort(class);
        }
        let mut left = false;
        let mut slabs = slab::records(&self.all).peekable();
        while slabs.peek().is_some() {
            let mut idle = Chain::new();
            let mut gone: *const Slab = null();
            {
                let mut lists = self.lock();
                for slab in slabs.by_ref().take(BATCH).filter(|s| s.locked.live.get()) {
                    let unused = if all { slab.locked.free_len.get() } else { end_period(slab) };
                    if unused == slab.count() {
                        lists.remove(slab);
                        slab.locked.live.set(false);
                        slab.locked.next.set(gone);
                        gone = slab;
                    } else {
                        lists.pull_idle(slab, unused, &mut idle);
                        left |= slab.locked.free_dirty.get() > 0
                            || slab.locked.free_len.get() == slab.count();
                    }
                }
            }
            left |= !idle.is_empty();
            self.discard(idle);
            left |= self.unmap_all(gone);
        }
        left
    }

    /// Sorts what has been given back into the lists of its slabs.
    fn sort(&self, class: u8) {
        let mut budget = self.total.load(Relaxed);
        while budget > 0 {
            let mut lists = self.lock();
            for _ in 0..BATCH {
                let Some(stack) = self.next_unsorted(&mut lists, class) else { return };
                lists.put_free(stack, true);
                budget = budget.saturating_sub(1);
            }
        }
    }

    /// Gives the pages of these stacks back and returns them to their slabs.
    fn discard(&self, mut idle: Chain) {
        let mut clean = Chain::new();
        while let Some(stack) = idle.pop() {
            // SAFETY: it is out of the lists and ours, and free, so its content is nobody's.
            unsafe { discard(stack.as_ref()) };
            clean.push(stack);
        }
        while !clean.is_empty() {
            let mut lists = self.lock();
            for _ in 0..BATCH {
                let Some(stack) = clean.pop() else { return };
                lists.put_free(stack, false);
            }
        }
    }

    /// Unmaps the slabs of a list; whether one had to stay.
    fn unmap_all(&self, gone: *const Slab) -> bool {
        let mut stayed = false;
        let mut at = gone;
        // SAFETY: records live for ever.
        while let Some(slab) = unsafe { at.as_ref() } {
            at = slab.locked.next.get();
            let (count, bytes) = (slab.count(), slab.bytes());
            let mut kinds = [Guard::Pending; 64];
            for (kind, stack) in kinds.iter_mut().zip(slab.stacks()) {
                // SAFETY: all its stacks are free and out of the lists with it.
                *kind = unsafe { stack.as_ref() }.guard_kind().get();
            }
            // SAFETY: it is not live, and all its stacks were in its own list.
            let done = unsafe { slab.unmap() };
            if done.is_err() {
                for stack in slab.stacks() {
                    // SAFETY: as above, so the stacks are ours and their content nobody's.
                    unsafe { discard(stack.as_ref()) };
                }
                slab.locked.free_dirty.set(0);
            }
            let mut lists = self.lock();
            if done.is_ok() {
                lists.push_spare(slab);
                self.total.fetch_sub(count, Relaxed);
                self.reserved.fetch_sub(bytes, Relaxed);
                kinds.into_iter().for_each(|kind| self.guards.forget(kind));
            } else {
                // Unmapping the middle of a mapping takes one more, which the process may not have.
                stayed = true;
                slab.locked.live.set(true);
                slab.locked.least_before.set(0);
                lists.insert(slab);
            }
        }
        stayed
    }
}

/// Gives a stack's pages back.
///
/// # Safety
/// The stack is free and the caller's.
unsafe fn discard(stack: &Stack) {
    let (at, len) = stack.pages();
    // SAFETY: the caller's contract.
    unsafe { os::discard(at, len) };
    stack.dirty().set(false);
}
