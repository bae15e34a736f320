//! What the pool's lock guards: the lists of stacks given back and of slabs. All of it is list work in
//! memory: no system call, no allocation, nothing longer than one slab's list.
#![allow(unsafe_code)]

use super::CLASSES;
use super::descriptor::{Chain, Stack};
use super::slab::Slab;
use std::ptr::{NonNull, null, null_mut};

/// See the module.
pub struct Lists {
    /// Stacks of each class: mapped; promised and not redeemed. See `promise.rs`.
    pub mapped: [usize; CLASSES],
    pub promised: [usize; CLASSES],
    /// Given back and not sorted into their slabs yet, last in first out.
    pub unsorted: [*mut Stack; CLASSES],
    /// Slabs with free stacks; wholly free ones at the end.
    slabs: [Ends; CLASSES],
    /// Records without a mapping.
    spare: *const Slab,
    /// When the current period began.
    pub period_began: Option<i64>,
    /// How far its pass has come.
    pub stage: Stage,
    /// Whether the pass has met something that could go later.
    pub left: bool,
}

/// Stage of a pass: see `decay.rs`.
#[derive(Clone, Copy)]
pub enum Stage {
    /// No pass.
    Between,
    /// Sorting; at most so many more.
    Sort(usize),
    /// Releasing, this record next.
    Slabs(*const Slab),
}

#[derive(Clone, Copy)]
struct Ends {
    first: *const Slab,
    last: *const Slab,
}

// SAFETY: the pointers are to records, which live for ever, and to descriptors that the lists own.
unsafe impl Send for Lists {}

/// Ends a period for a slab: how many of its free stacks nobody has needed in this one and the one before.
pub fn end_period(slab: &Slab) -> usize {
    let l = &slab.locked;
    let unused = l.least.get().min(l.least_before.get());
    l.least_before.set(l.least.get());
    l.least.set(l.free_len.get());
    unused
}

impl Lists {
    pub const fn new() -> Lists {
        Lists {
            mapped: [0; CLASSES],
            promised: [0; CLASSES],
            unsorted: [null_mut(); CLASSES],
            slabs: [Ends { first: null(), last: null() }; CLASSES],
            spare: null(),
            period_began: None,
            stage: Stage::Between,
            left: false,
        }
    }

    /// A free stack of a slab that has some.
    pub fn next_sorted(&mut self, class: u8) -> Option<NonNull<Stack>> {
        // SAFETY: records live for ever.
        let slab: &'static Slab = unsafe { self.slabs[usize::from(class)].first.as_ref() }?;
        let l = &slab.locked;
        let stack = NonNull::new(l.free.get())?;
        // SAFETY: the lists own it.
        let taken = unsafe { stack.as_ref() };
        l.free.set(taken.next.get());
        l.free_len.set(l.free_len.get() - 1);
        l.free_dirty.set(l.free_dirty.get() - usize::from(taken.dirty().get()));
        l.least.set(l.least.get().min(l.free_len.get()));
        if l.free.get().is_null() {
            self.remove(slab);
        }
        Some(stack)
    }

    /// Returns a stack to its slab: in front as just used, or at the end as it was before it was pulled
    /// out.
    pub fn put_free(&mut self, stack: NonNull<Stack>, used: bool) {
        // SAFETY: the caller hands it over.
        let given = unsafe { stack.as_ref() };
        let slab = given.slab();
        let l = &slab.locked;
        let was_empty = l.free.get().is_null();
        if used || was_empty {
            given.next.set(l.free.get());
            l.free.set(stack.as_ptr());
        } else {
            let mut last = l.free.get();
            // SAFETY: the list is the slab's own and ends with null.
            unsafe {
                while !(*last).next.get().is_null() {
                    last = (*last).next.get();
                }
                (*last).next.set(stack.as_ptr());
            }
            given.next.set(null_mut());
        }
        l.free_len.set(l.free_len.get() + 1);
        l.free_dirty.set(l.free_dirty.get() + usize::from(given.dirty().get()));
        if !used {
            l.least.set(l.least.get() + 1);
            l.least_before.set(l.least_before.get() + 1);
        }
        let whole = l.free_len.get() == slab.count();
        if whole && !was_empty {
            // To the end of the list.
            self.remove(slab);
        }
        if whole || was_empty {
            self.insert(slab);
        }
    }

    /// Takes those of the last `unused` free stacks of a slab that have pages to give back.
    pub fn pull_idle(&mut self, slab: &'static Slab, unused: usize, idle: &mut Chain) {
        let l = &slab.locked;
        if unused == 0 || l.free_dirty.get() == 0 {
            return;
        }
        let mut link = &l.free;
        for _ in 0..l.free_len.get() - unused {
            // SAFETY: the list has `free_len` stacks.
            link = unsafe { &(*link.get()).next };
        }
        while let Some(stack) = NonNull::new(link.get()) {
            // SAFETY: the lists own it.
            let free: &Stack = unsafe { &*stack.as_ptr() };
            if !free.dirty().get() {
                link = &free.next;
                continue;
            }
            link.set(free.next.get());
            idle.push(stack);
            l.free_len.set(l.free_len.get() - 1);
            l.free_dirty.set(l.free_dirty.get() - 1);
            // It comes back through `put_free`, which counts it here again.
            l.least.set(l.least.get().saturating_sub(1));
            l.least_before.set(l.least_before.get().saturating_sub(1));
        }
        if l.free.get().is_null() {
            self.remove(slab);
        }
    }

    /// Enters a slab with free stacks: in front, or at the end if all are.
    pub fn insert(&mut self, slab: &'static Slab) {
        let ends = &mut self.slabs[usize::from(slab.class())];
        let l = &slab.locked;
        let at_end = l.free_len.get() == slab.count();
        let (prev, next) = if at_end { (ends.last, null()) } else { (null(), ends.first) };
        l.prev.set(prev);
        l.next.set(next);
        // SAFETY: records live for ever.
        unsafe {
            match prev.as_ref() {
                Some(p) => p.locked.next.set(slab),
                None => ends.first = slab,
            }
            match next.as_ref() {
                Some(n) => n.locked.prev.set(slab),
                None => ends.last = slab,
            }
        }
    }

    /// Takes a slab out of the list of its class.
    pub fn remove(&mut self, slab: &'static Slab) {
        let ends = &mut self.slabs[usize::from(slab.class())];
        let (prev, next) = (slab.locked.prev.replace(null()), slab.locked.next.replace(null()));
        // SAFETY: records live for ever.
        unsafe {
            match prev.as_ref() {
                Some(p) => p.locked.next.set(next),
                None => ends.first = next,
            }
            match next.as_ref() {
                Some(n) => n.locked.prev.set(prev),
                None => ends.last = prev,
            }
        }
    }

    /// A record without a mapping.
    pub fn pop_spare(&mut self) -> Option<&'static Slab> {
        // SAFETY: records live for ever.
        let slab: &'static Slab = unsafe { self.spare.as_ref() }?;
        self.spare = slab.locked.next.replace(null());
        Some(slab)
    }

    /// Keeps a record for the next mapping.
    pub fn push_spare(&mut self, slab: &'static Slab) {
        slab.locked.next.set(self.spare);
        self.spare = slab;
    }
}
