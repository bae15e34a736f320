//! co_park: in one piece, and in two halves ([`crate::blocking_body!`]) for the exported function.
#![allow(unsafe_code)]

use super::{Deadline, Stop, deadline, stop, stop_mask, stop_noted, wait_for};
use crate::arch::{BLOCKING_FRAME, Step};
use crate::err::Errno;
use crate::sched::{TaskRef, absorb, park_by_step, running};
use crate::task::{attention as at, flags};

const _: () = assert!(size_of::<Frame>() <= BLOCKING_FRAME);

/// Uses up an unpark, if there has been one and it has been absorbed.
#[inline(always)]
fn take_token(t: TaskRef) -> bool {
    let a = t.attention.get();
    t.attention.set(a & !at::TOKEN);
    a & at::TOKEN != 0
}

/// Waits for an unpark. EPERM on a plain thread.
pub fn park(timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    let (_, t) = running().ok_or(Errno::EPERM)?;
    stop(t).map_err(|s| s.errno(d))?;
    let token = || {
        absorb(t);
        take_token(t)
    };
    wait_for(d, at::TOKEN, token).map_err(|s| s.errno(d))
}

/// What lives between the halves.
struct Frame {
    deadline: Deadline,
    task: TaskRef,
}

/// The first half. (Short and long ways: see [`super::step`].)
///
/// # Safety
/// `frame` is that of a [`crate::blocking_body!`] whose second half is [`resume_park`].
pub unsafe extern "C" fn begin_park(timeout_ns: i64, frame: *mut u8) -> Step {
    if let (-1, Some((v, t))) = (timeout_ns, running())
        && t.attention.get() == 0
        && !t.mail.pending()
        && !t.has(flags::SAVE_FP)
    {
        // SAFETY: the caller's; the frame has room for it.
        unsafe { frame.cast::<Frame>().write(Frame { deadline: Deadline::Never, task: t }) };
        return park_by_step(v, t, at::TOKEN | at::CANCEL | at::INTERRUPT, None);
    }
    // SAFETY: the caller's.
    unsafe { begin_park_long(timeout_ns, frame) }
}

/// The first half, the long way.
///
/// # Safety
/// As [`begin_park`].
#[inline(never)]
unsafe fn begin_park_long(timeout_ns: i64, frame: *mut u8) -> Step {
    let Some((v, t)) = running().filter(|(_, t)| !t.has(flags::SAVE_FP)) else {
        return Step::done(park(timeout_ns).map_or_else(Errno::code, |()| 0));
    };
    if timeout_ns < -1 {
        return Step::done(Errno::EINVAL.code());
    }
    if let Err(s) = stop(t) {
        return Step::done(s.errno(Deadline::Now).code());
    }
    if take_token(t) {
        return Step::done(0);
    }
    let d = match timeout_ns {
        0 => return Step::done(Errno::EAGAIN.code()),
        -1 => Deadline::Never,
        n => deadline(n),
    };
    // SAFETY: the caller's; the frame has room for it.
    unsafe { frame.cast::<Frame>().write(Frame { deadline: d, task: t }) };
    park_by_step(v, t, at::TOKEN | stop_mask(t), d.at())
}

/// The second half.
///
/// # Safety
/// `frame` is what [`begin_park`] got, which has not given a result.
pub unsafe extern "C" fn resume_park(frame: *mut u8) -> Step {
    // SAFETY: begin_park wrote it.
    let t = unsafe { (*frame.cast::<Frame>()).task };
    if t.attention.get() == at::TOKEN && !t.mail.pending() {
        t.attention.set(0);
        return Step::done(0);
    }
    // SAFETY: the caller's.
    unsafe { resume_park_long(frame) }
}

/// The second half, the long way.
///
/// # Safety
/// As [`resume_park`].
#[cold]
#[inline(never)]
unsafe fn resume_park_long(frame: *mut u8) -> Step {
    let Some((v, t)) = running() else { unreachable!("a wait of coroutines") };
    let a = t.attention.get();
    t.attention.set(a & !at::TIMEOUT);
    absorb(t);
    if take_token(t) {
        return Step::done(0);
    }
    // SAFETY: begin_park wrote it.
    let d = unsafe { (*frame.cast::<Frame>()).deadline };
    match stop_noted(t) {
        Err(s) => Step::done(s.errno(d).code()),
        Ok(()) if a & at::TIMEOUT != 0 => Step::done(Stop::Timeout.errno(d).code()),
        Ok(()) => park_by_step(v, t, at::TOKEN | stop_mask(t), d.at()),
    }
}
