//! Foreign code: what a coroutine calls between enter and leave, where it is a plain thread to the
//! runtime, and may block as one.
//!
//! ```text
//!              may it change threads?
//!  yes (migratable, not pinned, a thread to be had)      no
//!  vCPU's thread   other thread                          vCPU's thread         another thread
//!    enter: leaves its stack                               enter: the vCPU is
//!      | ------------> goes on here                          FOREIGN
//!    others run        (foreign code)                      (foreign code)        now and then: takes it,
//!                      leave: leaves its stack                                   serves inbox, alarms,
//!      <-------------- to its owner's inbox                                      timers, and offers what
//!    goes on in its turn                                   leave: RUNNING        may move
//! ```
//! On the left nothing is held up. On the right the coroutine keeps its thread, as those that are not
//! migratable are promised, and with it everything that is bound to that thread: its engine, and all
//! coroutines that have run there and are not migratable. `bracket` is the protocol of taking.
//!
//! A coroutine in foreign code has the state AWAY: nobody runs it, links it or moves it. What is
//! asked of it meanwhile is noted by its owner and found when it is back.
//!
//! The thread finds what it carries in a thread-local. Its address must not be kept across a switch
//! (a migratable coroutine comes back on another thread), so it is read by functions that are never
//! inlined and give values, not addresses.
//!
//! Rejected: giving the vCPU itself to another thread, as Go does with its processors: a ring of the
//! kernel's belongs to the thread that made it, and coroutines that are not migratable must not
//! change theirs.
#![allow(unsafe_code)]

use super::remote::request;
use super::switch::{leave_to_move, leave_with, switch_from};
use super::vcpu::{Message, VCpu, running};
use super::{TaskRef, wake_waiter};
use crate::arch;
use crate::err::Errno;
use crate::parker;
use crate::task::mail::bits;
use crate::task::{flags, state};
use crate::time;
use std::cell::Cell;
use std::sync::atomic::Ordering::*;

/// What a thread has in foreign code.
#[derive(Clone, Copy, Debug)]
struct Carried {
    task: TaskRef,
    /// Brackets that it is in.
    depth: u32,
    home: Home,
}

#[derive(Clone, Copy, Debug)]
enum Home {
    /// The thread is this vCPU's.
    Here(&'static VCpu),
    /// The thread has taken it over from a vCPU; where its own context is.
    Base(*const Cell<*mut u8>),
}

thread_local!(static CARRIED: Cell<Option<Carried>> = const { Cell::new(None) });

#[inline(never)]
fn carried() -> Option<Carried> {
    CARRIED.get()
}

#[inline(never)]
fn set_carried(c: Option<Carried>) {
    CARRIED.set(c);
}

/// The coroutine whose foreign code the calling thread is in; none on any other thread, and in
/// coroutines.
pub fn task() -> Option<TaskRef> {
    carried().map(|c| c.task)
}

/// Whether the caller is one of the runtime's own, in foreign code or not.
pub fn inside() -> bool {
    super::current().is_some() || carried().is_some()
}

/// The group of the calling coroutine, in foreign code or not, or of the calling scheduler context.
pub fn group() -> Option<u64> {
    let here = super::current().map(|v| v.group().handle);
    here.or_else(|| task().map(|t| t.group.load(Relaxed)))
}

/// Whether the running coroutine may go on on another thread.
pub fn may_leave(t: TaskRef) -> bool {
    t.flags.load(Relaxed) & (flags::MIGRATABLE | flags::HELD) == flags::MIGRATABLE
}

/// A further bracket, if the caller is in one already: their number. A plain thread has none: 0.
pub fn nested() -> Result<u32, Errno> {
    let Some(mut c) = carried() else { return Ok(0) };
    c.depth = c.depth.checked_add(1).ok_or(Errno::EOVERFLOW)?;
    set_carried(Some(c));
    Ok(c.depth)
}

/// The running coroutine `t` goes into foreign code and keeps its vCPU's thread.
#[inline]
pub fn keep(v: &'static VCpu, t: TaskRef) {
    if v.runnable.get() > 1 && v.group().hungry.load(Relaxed) != 0 {
        v.offer_all();
    }
    t.state.store(state::AWAY, Relaxed);
    set_carried(Some(Carried { task: t, depth: 1, home: Home::Here(v) }));
    v.unbind();
    v.bracket.enter();
    super::watch::foreign();
}

/// The running coroutine leaves its vCPU, to go on on a thread that calls [`carry`] for it. `begin`
/// is called with `arg` when it has left its stack, and sees to that; if it says that it can't, it
/// calls [`stay`].
pub fn send_off(v: &'static VCpu, t: TaskRef, begin: Message) {
    t.state.store(state::AWAY, Relaxed);
    v.unlink(t);
    leave_with(v, t, begin);
}

/// In the scheduler context, after a [`send_off`] that came to nothing: the coroutine goes on here.
pub fn stay(t: TaskRef) {
    if let Some(g) = t.life.live_generation() {
        let here = request(t, g, bits::START);
        debug_assert!(here);
    }
}

/// On a plain thread: goes on with a coroutine that has been sent off, until it is back from foreign
/// code.
///
/// # Safety
/// `t` has left its stack by [`send_off`], and this is the only call for it.
pub unsafe fn carry(t: TaskRef) {
    let base = Cell::new(std::ptr::null_mut());
    set_carried(Some(Carried { task: t, depth: 1, home: Home::Base(&raw const base) }));
    // SAFETY: its context has been saved, and it may change threads; ours is gone back to by `leave`,
    // on this thread.
    unsafe { arch::switch(base.as_ptr(), t.sp.get()) };
    stay(t);
}

/// Leaves a bracket: how many are left. EPERM: a coroutine that is in none. On a plain thread, which
/// has none: 0.
#[inline]
pub fn leave() -> Result<u32, Errno> {
    match carried() {
        None if running().is_some() => Err(Errno::EPERM),
        None => Ok(0),
        Some(c) if c.depth > 1 => {
            set_carried(Some(Carried { depth: c.depth - 1, ..c }));
            Ok(c.depth - 1)
        }
        Some(c) => {
            come_back(c);
            Ok(0)
        }
    }
}

/// Leaves whatever brackets the caller, a coroutine, is in.
pub fn end() {
    if let Some(c) = carried() {
        come_back(c);
    }
}

/// The end of a coroutine that is in foreign code still: its vCPU.
#[cold]
pub(super) fn leave_all() -> &'static VCpu {
    end();
    match super::current() {
        Some(v) => v,
        None => std::process::abort(),
    }
}

#[inline]
fn come_back(c: Carried) {
    set_carried(None);
    let t = c.task;
    match c.home {
        // SAFETY: the context that `carry` has left on this thread, in a frame that waits for us.
        Home::Base(base) => switch_from(t, unsafe { (*base).get() }),
        Home::Here(v) => {
            if !v.bracket.try_leave() {
                wait_until_back(v);
            }
            v.bind();
            t.state.store(state::RUNNABLE, Relaxed);
            if v.offers() {
                v.take_back();
            }
            if t.flags.load(Relaxed) & (flags::MOVING | flags::HELD) == flags::MOVING {
                leave_to_move(v, t);
            }
        }
    }
}

/// Somebody has what is ours, and gives it back soon.
#[cold]
fn wait_until_back(v: &VCpu) {
    parker::with(|id, p| {
        loop {
            if v.bracket.try_leave() {
                return;
            }
            if v.bracket.want(id) {
                while !v.bracket.is_back() {
                    p.park(None);
                }
                return;
            }
        }
    });
}

/// co_pin: how many times the running coroutine is pinned now. EPERM: a plain thread; EOVERFLOW.
pub fn pin() -> Result<u32, Errno> {
    let (_, t) = running().ok_or(Errno::EPERM)?;
    let n = t.pins.get().checked_add(1).ok_or(Errno::EOVERFLOW)?;
    t.pins.set(n);
    t.set_flag(flags::HELD, true);
    Ok(u32::from(n))
}

/// co_unpin: how many are left. With the last it moves, if that was asked for meanwhile. EPERM: a
/// plain thread; EINVAL: it is not pinned.
pub fn unpin() -> Result<u32, Errno> {
    let (v, t) = running().ok_or(Errno::EPERM)?;
    let n = t.pins.get().checked_sub(1).ok_or(Errno::EINVAL)?;
    t.pins.set(n);
    if n == 0 {
        t.set_flag(flags::HELD, false);
        if t.has(flags::MOVING) {
            leave_to_move(v, t);
        }
    }
    Ok(u32::from(n))
}

impl VCpu {
    /// Any plain thread: if this vCPU's thread is in foreign code, does what can be done without it:
    /// wakes, alarms, timers, and putting on offer what may move. Whether it did.
    pub fn serve_foreign(&'static self) -> bool {
        if !self.bracket.try_take() {
            return false;
        }
        // As its scheduler context, but for the engine, which is its thread's.
        self.in_task.set(false);
        self.bind();
        self.serve_inbox();
        self.serve_alarms();
        if !self.wheel.is_empty() {
            self.fire_timers(time::now());
        }
        let group = self.group();
        if self.runnable.get() > 1 && group.vcpus.len() > 1 && !group.pinned {
            self.offer_all();
        }
        // When its thread is back, the scheduler looks around soon.
        self.tick.set(1);
        self.unbind();
        self.in_task.set(true);
        if let Some(waiter) = self.bracket.give() {
            wake_waiter(waiter);
        }
        true
    }

    /// Owner: whether others would run now if it let them.
    pub fn others_wait(&self) -> bool {
        self.runnable.get() > 1 || !self.inbox().is_empty()
    }

    /// Whether its thread is in foreign code, as a hint.
    pub fn is_foreign(&self) -> bool {
        self.bracket.is_foreign()
    }
}
