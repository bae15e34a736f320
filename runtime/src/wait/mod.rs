//! L4: the one blocking primitive. Whatever blocks, blocks in [`until`]: a condition, a deadline,
//! and ears for cancel and interrupt.
//!
//! A wait is a loop: look at the condition, park, look again. Whoever makes the condition true then
//! wakes the waiter, and a wake is a hint: nothing is lost if there are too many. None gets lost
//! because the owner alone parks and readies a coroutine: a wake from its own vCPU comes before or
//! after the park, one from elsewhere waits in the inbox until the park is done.
//!
//! Plain threads wait with a parker, for the same conditions.

mod call;
pub mod caller;
pub mod claim;
mod deadline;
pub mod guard;
mod hold;
mod join;
mod park;
pub mod queue;
pub mod step;

pub use call::{Called, call};
pub use deadline::{Deadline, Stop, deadline};
pub use hold::{Held, HeldAll, hold, hold_all, holding, pause};
pub use join::{detach, ended, join};
pub use park::{begin_park, park, resume_park};

use crate::err::Errno;
use crate::sched::{self, TaskRef, VCpu, absorb, park as park_task, running, take_stop};
use crate::task::attention as at;
use crate::time;
use crate::{parker, parker::Parker};
use std::time::Duration;

#[inline(always)]
fn stop(t: TaskRef) -> Result<(), Stop> {
    absorb(t);
    if t.attention.get() & (at::CANCEL | at::INTERRUPT) == 0 {
        return Ok(());
    }
    deliver(t)
}

#[cold]
fn deliver(t: TaskRef) -> Result<(), Stop> {
    match take_stop(t) {
        None => Ok(()),
        Some(Errno::ECANCELED) if t.attention.get() & at::CANCEL != 0 => Err(Stop::Cancelled),
        Some(e) => Err(Stop::Interrupted(e)),
    }
}

/// A cancellation point that does not wait. Nothing to deliver on a plain thread.
#[inline]
pub fn check() -> Result<(), Stop> {
    match running() {
        Some((_, t)) => stop(t),
        None => Ok(()),
    }
}

/// Whether the caller is a coroutine.
pub fn try_current() -> bool {
    running().is_some()
}

/// Calls of one coroutine that may find nothing to wait for in a row.
const SPEND: u32 = 256;

/// The beginning of a call of the running coroutine that may wait: a cancellation point; and after a
/// number of calls that need not wait the coroutine gives way to others. Gives the vCPU that it is on
/// then.
#[inline(always)]
pub fn begin(v: &'static VCpu, t: TaskRef) -> Result<&'static VCpu, Errno> {
    stop(t).map_err(|s| s.errno(Deadline::Now))?;
    let left = v.spend.get();
    if left == 0 {
        return Ok(give_way(v));
    }
    v.spend.set(left - 1);
    Ok(v)
}

#[cold]
fn give_way(v: &'static VCpu) -> &'static VCpu {
    v.spend.set(SPEND);
    sched::yield_now();
    sched::current().unwrap_or(v)
}

/// The operation that was stopped completed after all: an interrupt stays pending for the next
/// call.
pub fn give_back(s: Stop) {
    if let (Stop::Interrupted(e), Some((_, t))) = (s, running()) {
        if t.attention.get() & at::INTERRUPT == 0 {
            t.errno.set(e.0);
        }
        t.attention.set(t.attention.get() | at::INTERRUPT);
    }
}

fn stop_mask(t: TaskRef) -> u32 {
    if t.attention.get() & at::SHIELD != 0 { 0 } else { at::CANCEL | at::INTERRUPT }
}

/// Parks the running coroutine until `ready` (looked at first, and after each wake), the deadline,
/// a cancel or an interrupt. With [`Deadline::Now`] it looks once and never parks. Not on plain
/// threads.
#[inline(always)]
pub fn until(deadline: Deadline, ready: impl FnMut() -> bool) -> Result<(), Stop> {
    wait_for(deadline, 0, ready)
}

/// [`until`], woken by attention bits of `mask` too.
#[inline(always)]
fn wait_for(deadline: Deadline, mask: u32, mut ready: impl FnMut() -> bool) -> Result<(), Stop> {
    let mut late = deadline == Deadline::Now;
    loop {
        if ready() {
            return Ok(());
        }
        // Looked up anew each time: it may have been moved.
        let Some((v, t)) = running() else { unreachable!("a wait of coroutines") };
        stop(t)?;
        if late {
            return Err(Stop::Timeout);
        }
        // What has just been absorbed may be what is waited for.
        if t.attention.get() & mask == 0 {
            park_task(v, t, mask | stop_mask(t), deadline.at());
            late = t.attention.get() & at::TIMEOUT != 0;
            t.attention.set(t.attention.get() & !at::TIMEOUT);
        }
    }
}

/// The same, deaf to cancel, interrupt and time: for waiting out what can't be called off.
pub fn until_done(mut ready: impl FnMut() -> bool) {
    while !ready() {
        match running() {
            Some((v, t)) => park_task(v, t, 0, None),
            None => unreachable!("a wait of coroutines"),
        }
    }
}

/// A plain thread's [`until`]; `ready` is looked at after each unpark of its parker.
pub(crate) fn thread_until(
    d: Deadline,
    p: &Parker,
    mut ready: impl FnMut() -> bool,
) -> Result<(), Stop> {
    while !ready() {
        match d.left() {
            Some(0) => return Err(Stop::Timeout),
            left => p.park(left.map(|ns| Duration::from_nanos(ns as u64))),
        }
    }
    Ok(())
}

/// co_sleep.
pub fn sleep(ns: i64) -> Result<(), Errno> {
    if ns == 0 {
        check().map_err(|s| s.errno(Deadline::Now))?;
        sched::yield_now();
        return Ok(());
    }
    sleep_to(Deadline::new(ns)?)
}

/// co_sleep_until.
pub fn sleep_until(at: i64) -> Result<(), Errno> {
    if at <= time::now() {
        return check().map_err(|s| s.errno(Deadline::Now));
    }
    sleep_to(Deadline::At(at))
}

fn sleep_to(d: Deadline) -> Result<(), Errno> {
    let slept = if try_current() {
        until(d, || false)
    } else {
        parker::with(|_, p| thread_until(d, p, || false))
    };
    match slept {
        Err(Stop::Timeout) | Ok(()) => Ok(()),
        Err(s) => Err(s.errno(d)),
    }
}
