//! Guards: by which means, how many, and what when there are no more.
//!
//! 1. *Light*: page-table markers (MADV_GUARD_INSTALL, Linux 6.13). No mapping of their own, so a million
//!    fit. Whether the system has them is tried once for real.
//! 2. *Protected*: mprotect. Each splits the slab's mapping and costs two; the process may have about
//!    65,530 and the program needs some. So at most half of them are spent here.
//! 3. *None*: only where the program said that it would rather run without, and counted.
//!
//! Otherwise a stack without a guard is not handed out: ENOMEM.
#![allow(unsafe_code)]

use super::os;
use crate::err::Errno;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed};

/// What guards one stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Guard {
    /// Not made yet.
    Pending,
    Light,
    Protected,
    None,
}

/// Mappings that one protected guard costs: itself, and the rest of the mapping that it cuts off.
const MAPPINGS_EACH: usize = 2;

/// Light guards: not tried yet, there, not there.
const UNTRIED: u8 = 0;
const LIGHT: u8 = 1;
const NO_LIGHT: u8 = 2;

/// The means and the counts of one pool. Counters are statistics and a budget: Relaxed, nothing is
/// published through them.
pub struct Guards {
    light: AtomicU8,
    allow_none: AtomicBool,
    /// Most protected guards at a time; 0: not read yet.
    budget: AtomicUsize,
    made_light: AtomicUsize,
    made_protected: AtomicUsize,
    made_none: AtomicUsize,
}

impl Guards {
    pub const fn new() -> Guards {
        Guards {
            light: AtomicU8::new(UNTRIED),
            allow_none: AtomicBool::new(false),
            budget: AtomicUsize::new(0),
            made_light: AtomicUsize::new(0),
            made_protected: AtomicUsize::new(0),
            made_none: AtomicUsize::new(0),
        }
    }

    /// `protect_budget` replaces what is derived from the system's limit.
    pub fn configure(&self, only_protect: bool, protect_budget: Option<usize>, allow_none: bool) {
        self.light.store(if only_protect { NO_LIGHT } else { UNTRIED }, Relaxed);
        self.budget.store(protect_budget.map_or(0, |b| b.max(1)), Relaxed);
        self.allow_none.store(allow_none, Relaxed);
    }

    /// (light, protected, none) now in place.
    pub fn counts(&self) -> (usize, usize, usize) {
        (
            self.made_light.load(Relaxed),
            self.made_protected.load(Relaxed),
            self.made_none.load(Relaxed),
        )
    }

    /// Makes a guard of `len` bytes at `at`. ENOMEM if it takes one and none can be had.
    ///
    /// # Safety
    /// The range belongs to a slab and nobody uses it.
    pub unsafe fn make(&self, at: *mut u8, len: usize) -> Result<Guard, Errno> {
        if self.light_works() {
            // Locked memory (mlockall) refuses light guards with EINVAL; and what the kernel has no
            // memory for by this means it may have by the other.
            // SAFETY: the caller's contract.
            if unsafe { os::guard_light(at, len) }.is_ok() {
                self.made_light.fetch_add(1, Relaxed);
                return Ok(Guard::Light);
            }
        }
        // Claimed before it is made, so that vCPUs together stay within the budget.
        let budget = self.budget();
        if self
            .made_protected
            .fetch_update(Relaxed, Relaxed, |n| (n < budget).then_some(n + 1))
            .is_err()
        {
            return self.go_without();
        }
        // SAFETY: the caller's contract.
        if unsafe { os::guard_protect(at, len) }.is_err() {
            self.made_protected.fetch_sub(1, Relaxed);
            return self.go_without();
        }
        Ok(Guard::Protected)
    }

    /// Makes light guards of several ranges with one system call, as far as that goes; gives for how many,
    /// the first ones. The others are for [`Guards::make`].
    ///
    /// # Safety
    /// As [`Guards::make`], for each.
    pub unsafe fn make_light(&self, ranges: &[os::Range]) -> usize {
        if !self.light_works() {
            return 0;
        }
        // SAFETY: the caller's contract.
        let made = unsafe { os::guard_light_each(ranges) };
        self.made_light.fetch_add(made, Relaxed);
        made
    }

    /// The guard went away with its slab.
    pub fn forget(&self, guard: Guard) {
        match guard {
            Guard::Pending => {}
            Guard::Light => _ = self.made_light.fetch_sub(1, Relaxed),
            Guard::Protected => _ = self.made_protected.fetch_sub(1, Relaxed),
            Guard::None => _ = self.made_none.fetch_sub(1, Relaxed),
        }
    }

    fn go_without(&self) -> Result<Guard, Errno> {
        if !self.allow_none.load(Relaxed) {
            return Err(Errno::ENOMEM);
        }
        self.made_none.fetch_add(1, Relaxed);
        Ok(Guard::None)
    }

    pub(super) fn light_works(&self) -> bool {
        match self.light.load(Relaxed) {
            UNTRIED => {
                let works = os::light_guards_work();
                self.light.store(if works { LIGHT } else { NO_LIGHT }, Relaxed);
                works
            }
            known => known == LIGHT,
        }
    }

    fn budget(&self) -> usize {
        match self.budget.load(Relaxed) {
            0 => {
                let budget = os::mappings_max() / 2 / MAPPINGS_EACH;
                self.budget.store(budget, Relaxed);
                budget
            }
            known => known,
        }
    }
}

#[cfg(test)]
impl Guards {
    /// From now on no guard can be made, or they can again.
    pub fn refuse(&self, on: bool) {
        self.light.store(if on { NO_LIGHT } else { UNTRIED }, Relaxed);
        self.budget.store(usize::from(on), Relaxed);
        if on {
            self.made_protected.fetch_add(1, Relaxed);
        } else {
            self.made_protected.fetch_sub(1, Relaxed);
        }
    }
}
