//! Waiting for a coroutine's end. See `task::life` for the protocol.
#![allow(unsafe_code)]

use super::{Deadline, Stop, check, stop, thread_until, until, until_after, until_done};
use crate::err::Errno;
use crate::parker;
use crate::sched::{TaskRef, VCpu, current, foreign, free, running};
use crate::task::life::{Detach, Register, State};
use crate::task::{flags, table};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::*;

/// co_join: the result, once.
#[inline]
pub fn join(co: u64, timeout_ns: i64) -> Result<*mut c_void, Errno> {
    join_then(co, timeout_ns, |_| ())
}

/// co_join_copy: the result, once, and the `to.len()` bytes from `offset` on of what the coroutine was
/// spawned with. EINVAL: it was spawned with nothing.
///
/// # Safety
/// It has as many bytes.
pub unsafe fn join_copy(
    co: u64,
    timeout_ns: i64,
    offset: usize,
    to: &mut [MaybeUninit<u8>],
) -> Result<*mut c_void, Errno> {
    let (t, _) = table::find(co)?;
    if t.env.load(Relaxed).is_null() {
        return Err(if is_self(t) { Errno::EDEADLK } else { Errno::EINVAL });
    }
    join_then(co, timeout_ns, |t| {
        let env = t.env.load(Relaxed);
        // SAFETY: the caller's; it has ended and is ours, so nobody writes there or frees it.
        unsafe { env.add(offset).copy_to_nonoverlapping(to.as_mut_ptr().cast(), to.len()) };
    })
}

/// [`join`], with a last look at the coroutine before its block is free.
#[inline(always)]
fn join_then(co: u64, timeout_ns: i64, last: impl FnOnce(TaskRef)) -> Result<*mut c_void, Errno> {
    let d = Deadline::new(timeout_ns)?;
    let (t, g) = table::find(co)?;
    if let Some((v, me)) = running() {
        stop(me).map_err(|s| s.errno(d))?;
        if std::ptr::eq(me, t) {
            return Err(Errno::EDEADLK);
        }
        let here = t.owner.load(Relaxed) == v.me && !me.has(flags::MIGRATABLE);
        if here && t.life.state(g) == State::Live {
            return join_here(t, g, (v, me), d, last);
        }
    } else if foreign::task().is_some_and(|me| std::ptr::eq(me, t)) {
        return Err(Errno::EDEADLK);
    }
    wait_elsewhere(t, g, For::Deadline(d), false).map_err(|f| f.errno(d))?;
    claim_then(t, g, last)
}

/// How long to wait.
#[derive(Clone, Copy)]
pub(super) enum For {
    /// With an ear for stops.
    Deadline(Deadline),
    /// For the end, deaf to everything else.
    TheEnd,
}

/// Why a wait for the end failed.
#[derive(Clone, Copy)]
pub(super) enum Failure {
    /// Stale, detached, or somebody else is joining it.
    Refused,
    /// The wait was called off.
    Stopped(Stop),
}

impl Failure {
    fn errno(self, d: Deadline) -> Errno {
        match self {
            Failure::Refused => Errno::ESRCH,
            Failure::Stopped(s) => s.errno(d),
        }
    }
}

/// Takes the result of a coroutine that has ended.
pub(super) fn claim(t: TaskRef, g: u32) -> Result<*mut c_void, Errno> {
    claim_then(t, g, |_| ())
}

#[inline(always)]
fn claim_then(t: TaskRef, g: u32, last: impl FnOnce(TaskRef)) -> Result<*mut c_void, Errno> {
    if t.life.claim(g) { Ok(take(t, last)) } else { Err(Errno::ESRCH) }
}

/// The claimed coroutine's result; its block is free.
#[inline(always)]
fn take(t: TaskRef, last: impl FnOnce(TaskRef)) -> *mut c_void {
    let result = t.result.get();
    last(t);
    free(current(), t);
    result
}

/// Both on this vCPU, and the joiner stays there: plain memory.
#[inline(always)]
fn join_here(
    t: TaskRef,
    g: u32,
    (v, me): (&VCpu, TaskRef),
    d: Deadline,
    last: impl FnOnce(TaskRef),
) -> Result<*mut c_void, Errno> {
    if !t.life.unjoined(g) || t.joiner.load(Relaxed) != 0 {
        return Err(Errno::ESRCH);
    }
    let id = me.waiter();
    t.joiner.store(id, Relaxed);
    // Refused: it has moved to another vCPU, and there was somebody else registered already.
    let refused = || t.joiner.load(Relaxed) != id && !t.life.is_joiner(g, id);
    let waited = until_after((v, me), d, || t.life.state(g) != State::Live || refused());
    match waited {
        // Ended for us, and ours already.
        Ok(()) if t.life.state(g) == State::Taken && t.joiner.load(Relaxed) == id => {
            Ok(take(t, last))
        }
        // It moved to another vCPU meanwhile, which made us a joiner from elsewhere.
        Ok(()) => claim_then(t, g, last),
        Err(s) => {
            if t.joiner.compare_exchange(id, 0, Relaxed, Relaxed).is_err() {
                t.life.withdraw(g, id);
            }
            Err(s.errno(d))
        }
    }
}

/// Waits for the end from another vCPU or a plain thread. A joiner stays registered, so that nobody
/// comes between it and its claim; `keep` leaves the place to the next one.
pub(super) fn wait_elsewhere(t: TaskRef, g: u32, how: For, keep: bool) -> Result<(), Failure> {
    let live = || t.life.state(g) == State::Live;
    let wait = |id: u32, wait: &mut dyn FnMut() -> Result<(), Stop>| {
        if !live() {
            return Ok(());
        }
        if t.joiner.load(Relaxed) != 0 {
            return Err(Failure::Refused);
        }
        match t.life.register(g, id) {
            Register::Refused => return Err(Failure::Refused),
            Register::Ended => {}
            Register::Wait => {
                if let Err(s) = wait() {
                    t.life.withdraw(g, id);
                    return Err(Failure::Stopped(s));
                }
            }
        }
        if keep {
            t.life.withdraw(g, id);
        }
        Ok(())
    };
    match (running(), how) {
        (Some((_, me)), For::Deadline(d)) => wait(me.waiter(), &mut || until(d, || !live())),
        (Some((_, me)), For::TheEnd) => wait(me.waiter(), &mut || {
            until_done(|| !live());
            Ok(())
        }),
        (None, how) => {
            let d = if let For::Deadline(d) = how { d } else { Deadline::Never };
            parker::with(|id, p| wait(id, &mut || thread_until(d, p, || !live())))
        }
    }
}

fn is_self(t: TaskRef) -> bool {
    running().map(|r| r.1).or_else(foreign::task).is_some_and(|me| std::ptr::eq(me, t))
}

/// co_wait: the end, without taking the result.
pub fn ended(co: u64, timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    let (t, g) = table::find(co)?;
    check().map_err(|s| s.errno(d))?;
    if is_self(t) {
        return Err(Errno::EDEADLK);
    }
    wait_elsewhere(t, g, For::Deadline(d), true).map_err(|f| f.errno(d))?;
    if t.life.state(g) == State::Ended { Ok(()) } else { Err(Errno::ESRCH) }
}

/// co_detach.
pub fn detach(co: u64) -> Result<(), Errno> {
    let (t, g) = table::find(co)?;
    if t.joiner.load(Relaxed) != 0 {
        return Err(Errno::ESRCH);
    }
    match t.life.detach(g) {
        Detach::Done => Ok(()),
        Detach::Refused => Err(Errno::ESRCH),
        Detach::Close => {
            free(current(), t);
            Ok(())
        }
    }
}
