//! The watcher's sleep. `rt`'s monitor looks at all vCPUs every few milliseconds; when there has been
//! nothing to look at for a while it sleeps for good, and is roused here.
//!
//! ```text
//! monitor: BED = what rouses it | fence | anything to look at? no: sleep until BED is AWAKE
//! a vCPU:  wakes, or enters foreign code | fence | BED says so: AWAKE, one system call
//! ```
//! Of the two at least one sees the other, as in `idle`. While the monitor is up this costs a vCPU a
//! fence and a load, where it has just slept or is about to leave the runtime anyway.
#![allow(unsafe_code)]

use super::TaskRef;
use super::vcpu::VCpu;
use crate::task::Task;
use std::sync::atomic::{AtomicU32, Ordering::*, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const AWAKE: u32 = 0;
/// What rouses the monitor: a vCPU that wakes, or enters foreign code.
pub const ANY: u32 = 2;
/// Only one that enters foreign code.
pub const FOREIGN: u32 = 1;

static BED: AtomicU32 = AtomicU32::new(AWAKE);
static LOCK: Mutex<()> = Mutex::new(());
static ROUSED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A vCPU has slept and is awake.
#[inline]
pub(super) fn awake() {
    look(ANY);
}

/// A vCPU has entered foreign code.
#[inline]
pub(super) fn foreign() {
    look(FOREIGN);
}

#[inline]
fn look(at_least: u32) {
    // SeqCst: pairs with the fence in rest.
    fence(SeqCst);
    if BED.load(Relaxed) >= at_least {
        rouse();
    }
}

/// Any thread: ends the monitor's sleep for good.
#[cold]
pub fn rouse() {
    let _lock = lock();
    BED.store(AWAKE, Relaxed);
    ROUSED.notify_all();
}

/// The monitor: sleeps until something of `what` happens, unless `quiet` says that it has.
pub fn rest(what: u32, quiet: impl Fn() -> bool) {
    let mut guard = lock();
    BED.store(what, Relaxed);
    // SeqCst: pairs with the fence in look.
    fence(SeqCst);
    if !quiet() {
        BED.store(AWAKE, Relaxed);
    }
    while BED.load(Relaxed) != AWAKE {
        guard = ROUSED.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The monitor: sleeps for so long, or until `rouse`, unless `quiet` says otherwise.
pub fn nap(period: Duration, quiet: impl Fn() -> bool) {
    let guard = lock();
    if quiet() {
        let _over = ROUSED.wait_timeout(guard, period).unwrap_or_else(PoisonError::into_inner);
    }
}

/// What a vCPU is at, at one moment or during one: two that are the same, some time apart, say that
/// it has not switched between them, if a coroutine was running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glance {
    /// Whether a coroutine runs.
    pub in_task: bool,
    cur: *const Task,
    tick: u32,
    polls: u64,
}

// SAFETY: the pointer is compared, and leads to a control block, which is never freed.
unsafe impl Send for Glance {}

impl Glance {
    /// The running coroutine's block.
    pub fn task(&self) -> Option<TaskRef> {
        // SAFETY: null or a control block.
        unsafe { self.cur.as_ref() }
    }
}

impl VCpu {
    /// Any thread: see [`Glance`].
    pub fn glance(&self) -> Glance {
        Glance {
            in_task: self.in_task.get(),
            cur: self.cur.load(Relaxed),
            tick: self.tick.get(),
            polls: self.counts.polls.get(),
        }
    }
}
