//! Memory goes back to the system: [`Pool::trim`], [`Pool::clear`].
//!
//! Time is cut into *periods* of half a decay time. Each slab knows the fewest free stacks it had in this
//! period and in the one before; the smaller of the two is how many nobody has needed for two whole
//! periods. Its list is last in first out, so they are the last ones of it.
//!
//! - All of the slab: unmapped, page tables and descriptors with it.
//! - Some: their pages are given back, and they are clean until handed out again.
//!
//! The first trim of a period begins a *pass* over everything, in three stages:
//!
//! ```text
//!   Sort ----------------> Slabs(next record) ----------> Between
//!   what was given back    the period of each ends,       until the
//!   goes to its slab       its idle part is released      next period
//! ```
//!
//! A pass may have gigabytes to release, and trim runs on a vCPU, so each call does a *step* of about a
//! millisecond and says that it wants to be called again. Several threads may step at once: each takes the
//! next part, under the lock; system calls are made outside of it.
//!
//! A stack given back is sorted by the next pass and counted from then on, so its memory goes between one
//! decay time and one and a half after it was given, if steps are called when they are due.
//!
//! # Rejected
//!
//! - A time stamp for each stack: needs a clock at each give, and a walk over all to find the old ones.
//! - MADV_FREE: the memory still counts as resident, which is what people look at.
//! - A thread for it: one more thread in every program, to wait nearly always.
#![allow(unsafe_code)]

use super::CLASSES;
use super::descriptor::{Chain, Stack};
use super::guard::Guard;
use super::lists::{Lists, Stage, end_period};
use super::os;
use super::pool::{BATCH, Pool};
use super::slab::{self, Slab};
use std::ptr::null;
use std::sync::atomic::Ordering::*;

/// What one step may cost, in stacks of an unmapped slab: about half a microsecond each if touched.
const STEP: usize = 2048;
/// Giving the pages of one stack back costs as much as so many of those.
const DISCARD: usize = 4;
/// Most stacks sorted in one step.
const SORTED: usize = 8192;
/// Most records looked at in one step.
const LOOKED_AT: usize = 8192;

/// What a part of a pass took out of the lists, to be released without the lock.
struct Released {
    idle: Chain,
    /// Through `Locked::next`.
    gone: *const Slab,
    work: usize,
    /// Something stays that could go in a later pass.
    left: bool,
}

impl Pool {
    /// Gives idle memory back, in steps of about a millisecond. Returns when to call next: `now_ns` itself
    /// when there is more to do at once, else the next half decay time; None when nothing is left that
    /// could go, then not before something has been given back. Calling more often is harmless and cheap,
    /// and so are several threads.
    pub fn trim(&self, now_ns: i64) -> Option<i64> {
        let period = self.decay_ns.load(Relaxed) / 2;
        {
            let mut lists = self.lock();
            let began = *lists.period_began.get_or_insert(now_ns);
            if matches!(lists.stage, Stage::Between) {
                let next = began.saturating_add(period);
                if now_ns < next {
                    return Some(next);
                }
                lists.period_began = Some(now_ns);
                lists.stage = Stage::Sort(self.total.load(Relaxed));
                lists.left = false;
                self.periods.fetch_add(1, Relaxed);
            }
        }
        match self.step() {
            None => Some(now_ns),
            Some(left) => left.then(|| {
                let began = self.lock().period_began.unwrap_or(now_ns);
                began.saturating_add(period).max(now_ns)
            }),
        }
    }

    /// Gives everything back that is free, whatever its age: at the end of the runtime, or when address
    /// space has run out. Takes as long as it takes.
    pub fn clear(&self) {
        let total = self.total.load(Relaxed);
        while self.sort(total) > 0 {}
        // Pairs with the Release that published the newest record.
        let mut at = self.all.load(Acquire).cast_const();
        while !at.is_null() {
            let released = self.part(&mut self.lock(), &mut at, true);
            self.release(released);
        }
    }

    /// A step of the pass: None if there is more of it, else whether something is left for a later one.
    fn step(&self) -> Option<bool> {
        let (mut work, mut looked_at) = (0, 0);
        let stage = self.lock().stage;
        if let Stage::Sort(budget) = stage {
            let sorted = self.sort(budget.min(SORTED));
            let mut lists = self.lock();
            // Another thread may have ended the stage meanwhile.
            if matches!(lists.stage, Stage::Sort(_)) {
                lists.stage = if sorted < SORTED {
                    // Pairs with the Release that published the newest record.
                    Stage::Slabs(self.all.load(Acquire))
                } else {
                    Stage::Sort(budget - sorted)
                };
            }
            work = sorted * STEP / SORTED;
        }
        while work < STEP && looked_at < LOOKED_AT {
            let mut lists = self.lock();
            let mut at = match lists.stage {
                Stage::Slabs(at) => at,
                Stage::Sort(_) => return None,
                Stage::Between => return Some(lists.left),
            };
            let released = self.part(&mut lists, &mut at, false);
            lists.left |= released.left;
            lists.stage = if at.is_null() { Stage::Between } else { Stage::Slabs(at) };
            drop(lists);
            work += released.work;
            looked_at += BATCH;
            self.release(released);
            if at.is_null() {
                return Some(self.lock().left);
            }
        }
        None
    }

    /// Sorts up to `most` of the stacks given back into the lists of their slabs; how many that were.
    fn sort(&self, most: usize) -> usize {
        let mut sorted = 0;
        for class in 0..CLASSES as u8 {
            'class: while sorted < most {
                let mut lists = self.lock();
                for _ in 0..BATCH {
                    let Some(stack) = self.next_unsorted(&mut lists, class) else { break 'class };
                    lists.put_free(stack, true);
                    sorted += 1;
                }
            }
        }
        sorted
    }

    /// Takes what may go out of the lists, of up to a batch of records from `at` on, which moves on. `all`:
    /// everything free goes, and no period ends.
    fn part(&self, lists: &mut Lists, at: &mut *const Slab, all: bool) -> Released {
        let mut r = Released { idle: Chain::new(), gone: null(), work: 0, left: false };
        for _ in 0..BATCH {
            // SAFETY: records live for ever.
            let Some(slab) = (unsafe { at.as_ref::<'static>() }) else { break };
            if !all && r.work >= STEP {
                break;
            }
            *at = slab.older();
            let l = &slab.locked;
            if !l.live.get() {
                continue;
            }
            let unused = if all { l.free_len.get() } else { end_period(slab) };
            if unused == slab.count() && self.unpromised(lists, slab.class()) >= unused {
                lists.remove(slab);
                lists.mapped[usize::from(slab.class())] -= unused;
                l.live.set(false);
                l.next.set(r.gone);
                r.gone = slab;
                r.work += slab.count();
            } else {
                let before = r.idle.len();
                lists.pull_idle(slab, unused, &mut r.idle);
                let pulled = r.idle.len() - before;
                r.work += pulled * DISCARD;
                r.left |= pulled > 0 || l.free_dirty.get() > 0 || l.free_len.get() == slab.count();
            }
        }
        r
    }

    /// Makes the system calls for what was taken out, and returns what stays.
    fn release(&self, released: Released) {
        let Released { mut idle, gone, .. } = released;
        let mut clean = Chain::new();
        while let Some(stack) = idle.pop() {
            // SAFETY: it is out of the lists and ours, and free, so its content is nobody's.
            unsafe { discard(stack.as_ref()) };
            clean.push(stack);
        }
        while !clean.is_empty() {
            let mut lists = self.lock();
            for stack in std::iter::from_fn(|| clean.pop()).take(BATCH) {
                lists.put_free(stack, false);
            }
        }
        let mut at = gone;
        // SAFETY: records live for ever.
        while let Some(slab) = unsafe { at.as_ref::<'static>() } {
            at = slab.locked.next.get();
            self.unmap(slab);
        }
    }

    /// Unmaps a slab that has been taken out of the lists.
    fn unmap(&self, slab: &'static Slab) {
        let (count, bytes) = (slab.count(), slab.bytes());
        let mut kinds = [Guard::Pending; slab::COUNT_MAX];
        for (kind, stack) in kinds.iter_mut().zip(slab.stacks()) {
            // SAFETY: all its stacks are free and out of the lists with it.
            *kind = unsafe { stack.as_ref() }.guard_kind().get();
        }
        // SAFETY: it is not live, and all its stacks were in its own list.
        if unsafe { slab.unmap() }.is_ok() {
            self.lock().push_spare(slab);
            self.total.fetch_sub(count, Relaxed);
            self.reserved.fetch_sub(bytes, Relaxed);
            kinds.into_iter().for_each(|kind| self.guards.forget(kind));
            return;
        }
        // Unmapping the middle of a mapping takes one more, which the process may not have. The memory goes
        // all the same, and a later pass tries again.
        for stack in slab.stacks() {
            // SAFETY: as above, so the stacks are ours and their content nobody's.
            unsafe { discard(stack.as_ref()) };
        }
        let mut lists = self.lock();
        lists.mapped[usize::from(slab.class())] += count;
        slab.locked.free_dirty.set(0);
        slab.locked.least_before.set(0);
        slab.locked.live.set(true);
        lists.insert(slab);
        lists.left = true;
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
