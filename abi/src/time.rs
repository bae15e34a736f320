//! Header section `time`.

use crate::convert::status;
use photonrt_runtime::{rt, wait};
use std::ffi::c_int;

/// Now, in nanoseconds of the runtime's monotonic clock (CLOCK_MONOTONIC). Any thread; never
/// blocks.
#[unsafe(no_mangle)]
pub extern "C" fn co_now() -> i64 {
    rt::now()
}

/// Sleeps until co_now() is at least `at_ns`; returns at once if it is. Otherwise as co_sleep: a
/// loop that adds a period to its deadline does not drift.
///
/// Blocks; a cancellation point. Plain threads too. 0; -ECANCELED or an interrupt's error.
#[unsafe(no_mangle)]
pub extern "C" fn co_sleep_until(at_ns: i64) -> c_int {
    status(wait::sleep_until(at_ns))
}
