//! What a batch needs of every engine. The rest of it is in `uring::several` and `ready::several`.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::slots::{Rec, at_home};
use crate::io::engine::{self, Engine, EngineKind, with};
use crate::sched::VCpu;

/// Counts calls that have completed at once: see `engine::count`. It may give up the vCPU.
pub fn count(vcpu: &VCpu, some: usize) {
    engine::count_some(vcpu, u32::try_from(some).unwrap_or(u32::MAX), |_| {});
}

/// The coroutine has given up the vCPU by itself: that begins a new count.
pub fn begin_count(vcpu: &VCpu) {
    with(vcpu, Engine::begin_count);
}

/// Whether the vCPU has a ring.
pub fn has_ring(vcpu: &VCpu) -> bool {
    engine::kind(vcpu) == EngineKind::Uring
}

/// Puts the record of a job into its descriptor's list, if it has one.
///
/// # Safety
/// The record stays where it is until it has been unlinked.
pub unsafe fn link(vcpu: &VCpu, rec: &Rec) -> Result<(), Errno> {
    if rec.fd() < 0 {
        return Ok(());
    }
    // SAFETY: the caller's.
    with(vcpu, |e| unsafe { e.slots().link(rec) })
}

/// Takes a record out of its list, wherever the coroutine is now.
pub fn unlink(rec: &Rec) {
    at_home(rec, |v, rec| with(v, |e| e.slots().unlink(rec)));
}
