//! Sends that don't copy: the network card reads the caller's buffer.
//!
//! ```text
//!   entry --> completion: so many bytes are queued, MORE --> the record is SENT
//!                                 (the peer acknowledges)
//!         --> notification: the buffer is free again     --> the record is DONE
//! ```
//! An error mostly comes alone. The call waits for the notification whatever else happens: a
//! timeout or a cancel that comes after the first completion changes nothing. A close does: what is
//! left in the socket's queue is thrown away and the connection reset, or else it might wait for as
//! long as the peer likes.
//!
//! **Where it pays.** The notification says whether the kernel copied after all, as it does on the
//! loopback. Then, and where the protocol can't do without a copy, the descriptor is remembered
//! (`bits::COPIES`) and its next sends are ordinary ones.
//!
//! Measured on the loopback, where both ways copy (Linux 6.18, 2 cores; CPU time of both sides in
//! microseconds for each send, least of five runs), the price of an entry, its pages and its
//! notification is paid back between 32 and 64 KiB, because the sender waits for the receiver
//! and the data is still in the cache; from 1 MiB on it is not:
//! ```text
//!   KiB       4     8    16    32    64   128   256  1024  4096
//!   copied  1.7   3.1   6.7  18.4  39.8  71.7   124   391  1699
//!   not     5.4   6.4  15.3  21.1  24.1  52.4  68.5   442  2395
//! ```
//! So no send below 64 KiB comes here (`op::ZERO_COPY_MIN`). What a card saves comes on top.

use super::ring::Completion;
use super::{Uring, carry_out, goes_on, poll_first, result, sqe, with};
use crate::err::Errno;
use crate::io::engine::Step;
use crate::io::engine::slots::{Kind, Rec, Slots, bits, state};
use crate::io::op::Op;
use crate::io::sys;
use crate::sched::VCpu;
use crate::wait::Deadline;

/// In a notification's result: the kernel has copied.
const COPIED: u32 = 1 << 31;

/// A round of a send that need not copy. None: not this way.
pub fn step<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline) -> Option<Step> {
    let fd = op.fd();
    let pays = |u: &mut Uring| {
        Some(u.has(sqe::SEND_ZC) && u.has(sqe::SENDMSG_ZC))
            .filter(|&known| known && !u.slots.get(fd).is_ok_and(|s| s.has(bits::COPIES)))
    };
    with(vcpu, pays)?;
    let rec = match Rec::new(vcpu, fd, Kind::ZeroCopy) {
        Ok(rec) => rec,
        Err(e) => return Some(e.into()),
    };
    let entry = op.zero_copy_sqe()?;
    match carry_out(entry, &rec, vcpu, deadline, false) {
        Ok(res) if goes_on(res) => Some(poll_first(op, deadline)),
        // Refused for what it is, or because too much memory would be pinned: nothing was sent.
        Ok(res) if res < 0 && is_refusal(Errno(-res)) => {
            let here = crate::io::engine::coroutine()?;
            with(here, |u| remember(&u.slots, fd));
            None
        }
        Ok(res) => Some(Step::Done(result(res))),
        Err(e) => Some(e.into()),
    }
}

fn is_refusal(e: Errno) -> bool {
    matches!(e, Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOMEM | Errno::ENOBUFS)
}

fn remember(slots: &Slots, fd: std::ffi::c_int) {
    if let Some(slot) = slots.find(fd) {
        slot.note(0, bits::COPIES);
    }
}

/// What a completion of such a send says: the operation's result when it is the last.
#[inline]
pub fn completed(slots: &Slots, rec: &Rec, c: &Completion) -> Option<i32> {
    if c.more {
        rec.res.set(c.res);
        rec.mark_sent();
        // A close came between: see the module.
        if rec.is(state::CLOSED) {
            sys::reset(rec.fd());
        }
        return None;
    }
    if !c.notification {
        return Some(c.res);
    }
    if c.res as u32 & COPIED != 0 {
        remember(slots, rec.fd());
    }
    Some(rec.res.get())
}
