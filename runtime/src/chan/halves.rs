//! Sends and receives in two halves, for the exported functions ([`crate::wait::step`]).
#![allow(unsafe_code)]

use super::core::at;
use super::transfer::{Found, Transfer};
use super::{Recv, Send};
use crate::arch;
use crate::sched::VCpu;
use crate::wait::if_biased;
use crate::wait::step::{self, Came, Place, Short};

impl<T: Transfer> Short for T {
    #[inline(always)]
    fn short(self, v: &'static VCpu, now: bool, place: Place<'_>) -> Came {
        let Ok(core) = at(self.channel()) else { return Came::Nowhere };
        match if_biased(&core.word, v, || self.look(core, now, place, || false)) {
            Some(Found::Waiter(node, size)) => {
                self.hand(node, size, Some(v));
                Came::Done
            }
            Some(Found::Done) => Came::Done,
            Some(Found::Queued) => Came::Queued,
            Some(Found::Other(_) | Found::Apart(..)) | None => Came::Nowhere,
        }
    }
}

/// The first half of [`super::send`].
///
/// # Safety
/// As [`super::send`]'s, and as [`step::begin`]'s, for [`Send`].
#[inline(always)]
pub unsafe fn begin_send(ch: u64, elem: *const u8, timeout_ns: i64, frame: *mut u8) -> arch::Step {
    // SAFETY: the caller's.
    unsafe { step::begin(Send { ch, elem }, timeout_ns, frame) }
}

/// The first half of [`super::recv`].
///
/// # Safety
/// As [`super::recv`]'s, and as [`step::begin`]'s, for [`Recv`].
#[inline(always)]
pub unsafe fn begin_recv(ch: u64, elem: *mut u8, timeout_ns: i64, frame: *mut u8) -> arch::Step {
    // SAFETY: the caller's.
    unsafe { step::begin(Recv { ch, elem }, timeout_ns, frame) }
}
