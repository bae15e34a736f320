//! `ready` as a batch sees it: many records of one coroutine.
#![allow(unsafe_code)]

use super::with;
use crate::err::Errno;
use crate::io::engine::slots::{Kind, Rec, bits};
use crate::sched::VCpu;
use std::ffi::{c_int, c_short};

/// What kind of wait `events` are.
pub fn kind(events: c_short, receives: bool) -> Kind {
    match Kind::of_events(events) {
        Kind::Read if receives => Kind::Receive,
        kind => kind,
    }
}

/// Whether the last receive took all there was, and nothing has come since.
pub fn drained(vcpu: &VCpu, fd: c_int) -> bool {
    with(vcpu, |r| r.slots.get(fd).is_ok_and(|s| s.has(bits::DRAINED) && !s.has(bits::UNSURE)))
}

/// A receive took less than it could have.
pub fn took_all(vcpu: &VCpu, fd: c_int) {
    with(vcpu, |r| r.took_all(fd));
}

/// Puts a record that waits for `events` into its list, and its descriptor into the poller. EPERM:
/// it can't be waited for.
///
/// # Safety
/// The record stays where it is until it has been unlinked.
pub unsafe fn begin(vcpu: &VCpu, rec: &Rec, events: c_short) -> Result<(), Errno> {
    with(vcpu, |r| {
        // Others may complete before anybody parks.
        let direct = r.direct;
        // SAFETY: the caller's.
        let begun = unsafe { r.begin(rec, events) };
        r.direct = direct;
        begun
    })
}
