//! The ring as a batch sees it: many records of one coroutine, entries that are linked, one
//! submission.
#![allow(unsafe_code)]

use super::sqe::{self, Sqe};
use super::{goes_on, result, was_called_off, with};
use crate::err::Errno;
use crate::io::engine::several::unlink;
use crate::io::engine::slots::{Rec, at_home, bits, state};
use crate::io::sys::{self, R};
use crate::sched::VCpu;
use std::ffi::c_int;

/// Whether the ring has an operation; None: one that every ring has.
pub fn has(vcpu: &VCpu, code: Option<u8>) -> bool {
    code.is_none_or(|code| with(vcpu, |u| u.has(code)))
}

/// The notes on a descriptor.
pub fn notes(vcpu: &VCpu, fd: c_int) -> Result<u16, Errno> {
    with(vcpu, |u| u.slots.get(fd).map(|s| s.notes()))
}

/// Whether an operation at an offset may be given to the ring, which would not see that there are
/// no positions.
pub fn has_positions(vcpu: &VCpu, fd: c_int) -> bool {
    let noted = |u: &mut super::Uring| u.slots.get(fd).is_ok_and(|s| s.has(bits::POSITIONS));
    if with(vcpu, noted) {
        return true;
    }
    let has = sys::has_positions(fd);
    if has {
        with(vcpu, |u| {
            if let Some(s) = u.slots.find(fd) {
                s.note(0, bits::POSITIONS);
            }
        });
    }
    has
}

/// What was noted about what is left in the socket may not be true any more.
pub fn forget(vcpu: &VCpu, fd: c_int) {
    with(vcpu, |u| u.forget(fd));
}

/// Queues an operation.
///
/// # Safety
/// As `Uring::begin`.
pub unsafe fn begin(vcpu: &VCpu, entry: Sqe, rec: &Rec) -> Result<(), Errno> {
    with(vcpu, |u| {
        // It may complete before anybody parks.
        let direct = u.direct;
        // SAFETY: the caller's.
        let r = unsafe { u.begin(entry, rec) };
        u.direct = direct;
        r
    })
}

/// Queues a chain of `n` operations, each to begin when the one before it has wholly succeeded.
/// EBUSY: the ring can't take such a chain at the moment, or at all; none has begun.
///
/// # Safety
/// As `Uring::begin`, for each.
pub unsafe fn begin_linked<'a>(
    vcpu: &VCpu,
    n: usize,
    rec: impl Fn(usize) -> &'a Rec,
    entry: impl Fn(usize) -> Sqe,
) -> Result<(), Errno> {
    with(vcpu, |u| {
        // A chain ends where a submission ends, so all of it must fit into one. And a kernel that
        // stops at an entry which it can't take would submit the rest later, as a chain of its own.
        if !u.ring.submits_all() || !u.make_room(n) {
            return Err(Errno::EBUSY);
        }
        for i in 0..n {
            // SAFETY: the caller's.
            if let Err(e) = unsafe { u.slots.link(rec(i)) } {
                (0..i).for_each(|i| u.slots.unlink(rec(i)));
                return Err(e);
            }
        }
        for i in 0..n {
            let entry = entry(i).user_data(std::ptr::from_ref(rec(i)) as u64);
            let entry = if i + 1 < n { sqe::linked(entry) } else { entry };
            // SAFETY: the caller's.
            let pushed = unsafe { u.ring.push(&entry) };
            debug_assert!(pushed, "there was room");
        }
        u.in_kernel += n;
        Ok(())
    })
}

/// Submits what is queued now instead of at the end of the round, and completes what is ready.
pub fn submit(vcpu: &VCpu) {
    with(vcpu, |u| u.poll());
}

/// Has the kernel call an operation off. It must still be waited for.
pub fn cancel(rec: &Rec) {
    at_home(rec, |v, rec| with(v, |u| u.cancel(rec)));
}

/// What a completed operation came to.
pub enum Outcome {
    /// Its own result.
    Own(R),
    /// A cancel has ended it, the kernel's or ours.
    CalledOff(R),
    /// The ring alone can't do it.
    GoesOn,
}

/// The outcome of a record that is DONE, which then is in no list.
pub fn outcome(rec: &Rec) -> Outcome {
    match rec.res.get() {
        res if goes_on(res) => {
            unlink(rec);
            Outcome::GoesOn
        }
        res if was_called_off(res) => Outcome::CalledOff(result(res)),
        res => Outcome::Own(result(res)),
    }
}

/// Whether its descriptor was closed meanwhile.
pub fn closed(rec: &Rec) -> bool {
    rec.is(state::CLOSED)
}
