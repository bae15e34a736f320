//! Sends and receives in two halves, for the exported functions ([`crate::wait::step`]).
#![allow(unsafe_code)]

use super::{Recv, Send};
use crate::arch;
use crate::wait::step;

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
