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
//! # Rejected
//!
//! - A lock in `give`: it is called from a stack that is dying, where waiting would be waiting in the way
//!   of every other coroutine of the vCPU.
#![allow(unsafe_code)]

use super::CLASSES;
use super::descriptor::{Chain, Stack};
use super::guard::{Guard, Guards};
use super::lists::Lists;
use super::os;
use super::slab::{self, Slab};
use crate::err::Errno;
use crate::prim::Padded;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicUsize, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Stacks or slabs that are worked on under one hold of the lock.
pub(super) const BATCH: usize = 128;

/// From so many stacks on one system call for all of them is worth its preparation.
const TOGETHER: usize = 4;

/// How stacks are taken.
#[derive(Clone, Copy)]
pub(super) struct Means {
    /// Each redeems a promise; at most so many are wanted.
    pub promised: bool,
    /// The caller expects to use all of them at once: their first pages are committed together, where the
    /// system can do that.
    pub commit: bool,
}

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
    pub(super) all: AtomicPtr<Slab>,
    pub(super) inbox: [Padded<AtomicPtr<Stack>>; CLASSES],
    pub(super) locked: Mutex<Lists>,
    pub(super) guards: Guards,
    pub(super) decay_ns: AtomicI64,
    coloured: AtomicBool,
    next_colour: AtomicUsize,
    used: [AtomicUsize; CLASSES],
    /// Periods of decay begun so far, for caches; statistics otherwise, hence Relaxed.
    pub(super) periods: AtomicUsize,
    pub(super) total: AtomicUsize,
    pub(super) reserved: AtomicUsize,
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
            used: [const { AtomicUsize::new(0) }; CLASSES],
            periods: AtomicUsize::new(0),
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
        self.take_by(class, want, into, Means { promised: false, commit: false })
    }

    /// As [`Pool::take`], by those means.
    pub(super) fn take_by(
        &self,
        class: u8,
        want: usize,
        into: &mut Chain,
        Means { promised, commit }: Means,
    ) -> Result<usize, Errno> {
        loop {
            let mut found = self.take_free(class, want.max(1), promised);
            if found.is_empty() {
                self.grow(class)?;
                continue;
            }
            // SAFETY: they are out of the lists and ours.
            unsafe { self.prepare(&found, commit) };
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
            if promised {
                self.lock().promised[usize::from(class)] += found.len();
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
        let inbox = &self.inbox[usize::from(class)];
        let mut head = inbox.load(Relaxed);
        loop {
            // SAFETY: the chain is ours until the exchange succeeds.
            unsafe { last.as_ref() }.next.set(head);
            // Release pairs with the Acquire swap in `next_unsorted`: the links, and all that was done on
            // the stacks, come before their next use.
            match inbox.compare_exchange_weak(head, first, Release, Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // Only now: what counts as free can be had.
        self.used[usize::from(class)].fetch_sub(len, Relaxed);
    }

    /// The numbers.
    pub fn stats(&self) -> PoolStats {
        let (guards_light, guards_mprotect, guards_none) = self.guards.counts();
        let used_stacks = self.used.iter().map(|n| n.load(Relaxed)).sum();
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

    pub(super) fn lock(&self) -> MutexGuard<'_, Lists> {
        // A panic under the lock would be in code without any.
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Free stacks of a class that nobody has been promised.
    pub(super) fn unpromised(&self, lists: &Lists, class: u8) -> usize {
        let class = usize::from(class);
        let taken = self.used[class].load(Relaxed) + lists.promised[class];
        lists.mapped[class].saturating_sub(taken)
    }

    /// Up to `want` free stacks, counted as used; some may still be without a guard.
    fn take_free(&self, class: u8, want: usize, promised: bool) -> Chain {
        let mut found = Chain::new();
        let mut lists = self.lock();
        let want = if promised { want } else { want.min(self.unpromised(&lists, class)) };
        while found.len() < want {
            let Some(stack) =
                self.next_unsorted(&mut lists, class).or_else(|| lists.next_sorted(class))
            else {
                break;
            };
            found.push(stack);
        }
        self.used[usize::from(class)].fetch_add(found.len(), Relaxed);
        if promised {
            lists.promised[usize::from(class)] -= found.len();
        }
        found
    }

    /// The stack given back last, of those that are not sorted into their slabs yet.
    pub(super) fn next_unsorted(&self, lists: &mut Lists, class: u8) -> Option<NonNull<Stack>> {
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

    /// Does for many stacks together what is otherwise done for each: guards, and, if `commit`, first
    /// pages. What it leaves undone is done one by one: by [`Pool::guard`], and by touching them.
    ///
    /// # Safety
    /// The caller owns the stacks, and nobody runs on them.
    unsafe fn prepare(&self, stacks: &Chain, commit: bool) {
        if stacks.len() < TOGETHER {
            return;
        }
        let mut all = stacks.iter().peekable();
        while all.peek().is_some() {
            let mut bare = [None; os::RANGES];
            let (mut guards, mut tops) = (os::Ranges::new(), os::Ranges::new());
            for (bare, stack) in bare.iter_mut().zip(all.by_ref()) {
                if stack.guard_kind().get() == Guard::Pending {
                    *bare = Some(stack);
                    guards.push(stack.guard_place());
                }
                if commit && !stack.dirty().get() {
                    tops.push(stack.top_page());
                }
            }
            // SAFETY: the ranges are the stacks' own, and the stacks are the caller's.
            let made = unsafe { self.guards.make_light(guards.list()) };
            for stack in bare.iter().flatten().take(made) {
                stack.guard_kind().set(Guard::Light);
            }
            // What is not done here, a first touch does.
            let _ = os::commit_each(tops.list());
        }
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
    pub(super) fn grow(&self, class: u8) -> Result<(), Errno> {
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
        lists.mapped[usize::from(class)] += slab.count();
        self.reserved.fetch_add(slab.bytes(), Relaxed);
        slab.locked.live.set(true);
        lists.insert(slab);
        Ok(())
    }
}
