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
pub use hold::{Held, HeldAll, hold, hold_all, holding, if_biased, pause};
pub use join::{detach, ended, join};
pub use park::{begin_park, park, resume_park};

use crate::err::Errno;
use crate::sched::{self, TaskRef, VCpu, absorb, park as park_task, running, take_stop};
use crate::task::{attention as at, flags};
use crate::time;
use crate::{parker, parker::Parker};
use std::time::Duration;

#[inline(always)]
fn stop(t: TaskRef) -> Result<(), Stop> {
    absorb(t);
    stop_noted(t)
}

/// [`stop`], by what has been absorbed already. Who looks at several things before it parks absorbs once,
/// before the first look: a second time might take in what had been looked for just before.
#[inline(always)]
fn stop_noted(t: TaskRef) -> Result<(), Stop> {
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
        return give_way(v, t);
    }
    v.spend.set(left - 1);
    Ok(v)
}

/// [`begin`] where nothing has been asked of the running coroutine and it need not give way: the coroutine
/// and its vCPU. None: another, or begin, may find out why. (One that saves its floating-point control
/// state is none of these.)
#[inline(always)]
fn begin_at_ease() -> Option<(&'static VCpu, TaskRef)> {
    let (v, t) = running()?;
    let asked = t.mail.pending()
        || t.has(flags::SAVE_FP)
        || t.attention.get() & (at::CANCEL | at::INTERRUPT) != 0;
    let left = v.spend.get();
    if asked || left == 0 {
        return None;
    }
    v.spend.set(left - 1);
    Some((v, t))
}

/// What was asked of the caller while others ran is to be delivered now: a wait that follows would only
/// listen for what comes after.
#[cold]
fn give_way(v: &'static VCpu, t: TaskRef) -> Result<&'static VCpu, Errno> {
    v.spend.set(SPEND);
    sched::yield_now();
    stop(t).map_err(|s| s.errno(Deadline::Now))?;
    Ok(sched::current().unwrap_or(v))
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

/// [`until`] of the running coroutine `t` on `v`, which has just found that it has to wait and that
/// nothing stops it: parks first.
#[inline(always)]
fn until_after(
    (v, t): (&VCpu, TaskRef),
    deadline: Deadline,
    ready: impl FnMut() -> bool,
) -> Result<(), Stop> {
    let late = deadline == Deadline::Now || park_for(v, t, 0, deadline);
    wait_on(deadline, 0, late, ready)
}

/// Parks once. True: because the deadline has passed.
#[inline(always)]
fn park_for(v: &VCpu, t: TaskRef, mask: u32, deadline: Deadline) -> bool {
    park_task(v, t, mask | stop_mask(t), deadline.at());
    let late = t.attention.get() & at::TIMEOUT != 0;
    t.attention.set(t.attention.get() & !at::TIMEOUT);
    late
}

/// [`until`], woken by attention bits of `mask` too.
#[inline(always)]
fn wait_for(deadline: Deadline, mask: u32, ready: impl FnMut() -> bool) -> Result<(), Stop> {
    wait_on(deadline, mask, deadline == Deadline::Now, ready)
}

#[inline(always)]
fn wait_on(
    deadline: Deadline,
    mask: u32,
    mut late: bool,
    mut ready: impl FnMut() -> bool,
) -> Result<(), Stop> {
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
            late = park_for(v, t, mask, deadline);
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
    // While the clock is read.
    if let Some((_, t)) = running() {
        sched::fetch_ahead(t);
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
