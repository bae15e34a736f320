//! Header section `time`.

use crate::convert::{status, timer_attr, value};
use crate::group::co_group_t;
use photonrt_runtime::{rt, timer, wait};
use std::ffi::{c_int, c_void};

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

/// A timer. A number that stays safe to use for ever, like co_t.
pub type co_timer_t = u64;
/// What a timer calls, in a coroutine of its group. `expiries` is how many expiries this call stands
/// for: 1, or more if the callback before was still running, or no vCPU had the time. It may block
/// and call whatever a coroutine may.
pub type co_timer_fn_t =
    Option<unsafe extern "C" fn(timer: co_timer_t, expiries: u64, arg: *mut c_void)>;

/// How to start a timer. NULL, or zero-filled but for `size`: it expires once, at once.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_timer_attr_t {
    /// sizeof(co_timer_attr_t).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Nanoseconds until the first expiry; CO_FOREVER: not before co_timer_reset says when.
    pub delay_ns: i64,
    /// Nanoseconds from each expiry to the next, whenever the callback was run; 0: there is one.
    pub period_ns: i64,
    /// The group that the callback runs in; 0: the caller's, or the default group from a plain
    /// thread.
    pub group: co_group_t,
    /// Bytes of stack for the callback, as in co_attr_t; 0: the config's.
    pub stack_size: u64,
}

/// Starts a timer. When it expires, and each time that it does if it has a period, a coroutine in
/// its group runs `fn(timer, expiries, arg)`: never early, by the clock of co_now, and late by 16
/// microseconds at the most besides what its vCPU is doing. Callbacks of one timer never overlap:
/// what expires while one runs is counted and follows in one call.
///
/// `out` receives its handle; it is to be given to co_timer_stop at last. With `out` NULL the timer
/// goes by itself when nothing more is to come of it. An armed timer keeps nothing running: it ends,
/// and its handle is stale, when its group or the runtime does. With CO_RUN_CANCEL all timers are
/// cancelled when main has ended; otherwise they go on until the last coroutine has ended.
///
/// Until it expires a timer costs some 200 bytes and no stack. If no coroutine can be had for an
/// expiry, it is tried again each millisecond. Any thread; never blocks.
///
/// 0; -EINVAL (`fn` NULL, a negative time, `out` NULL with a delay of CO_FOREVER, a bad attr),
/// -E2BIG (an attr from a newer header), -ESRCH (no runtime, no such group), -ESHUTDOWN
/// (co_shutdown has begun; plain threads only), -ENOMEM.
///
/// # Safety
/// Pointers are NULL or valid; `fn` may be called with `arg` until the timer has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_timer_start(
    out: *mut co_timer_t,
    attr: *const co_timer_attr_t,
    fn_: co_timer_fn_t,
    arg: *mut c_void,
) -> c_int {
    let Some(f) = fn_ else { return -libc::EINVAL };
    // SAFETY: the caller vouches for the pointers.
    let attr = unsafe { timer_attr(attr) };
    match attr.and_then(|a| timer::start(&a, f, arg, !out.is_null())) {
        Ok(t) => {
            if !out.is_null() {
                // SAFETY: as above.
                unsafe { out.write(t) };
            }
            0
        }
        Err(e) => e.code(),
    }
}

/// Disarms a timer: no expiry that its callback has not been called for happens. The timer stays,
/// and co_timer_reset arms it again. Any thread, the callback too; never blocks.
///
/// 1: its callback is running, 0: it is not; -ESRCH (stale).
#[unsafe(no_mangle)]
pub extern "C" fn co_timer_cancel(timer: co_timer_t) -> c_int {
    value(timer::cancel(timer).map(i64::from)) as c_int
}

/// Arms a timer anew: whatever was to come of it is cancelled, and it expires in `delay_ns`
/// nanoseconds, and if it has a period, each period after that. For a timeout that is put off with
/// each message this is cheap. Any thread, the callback too; never blocks.
///
/// 1: it was armed, 0: it was not; -EINVAL (a negative delay); -ESRCH (stale).
#[unsafe(no_mangle)]
pub extern "C" fn co_timer_reset(timer: co_timer_t, delay_ns: i64) -> c_int {
    value(timer::reset(timer, delay_ns).map(i64::from)) as c_int
}

/// Cancels a timer, waits until its callback has returned if it is running, and frees it: when this
/// gives 0, `arg` is no longer used and the handle is stale. After a failure but -ESRCH the timer is
/// cancelled only; stop it again.
///
/// Blocks only while the callback runs, and is a cancellation point then. Plain threads too. 0;
/// -ETIMEDOUT (-EAGAIN with CO_NOW: the callback is running); -ESRCH (stale, or another has stopped
/// it meanwhile); -EDEADLK (its own callback, which may cancel it); -ECANCELED or an interrupt's
/// error; -EINVAL (timeout below -1).
#[unsafe(no_mangle)]
pub extern "C" fn co_timer_stop(timer: co_timer_t, timeout_ns: i64) -> c_int {
    status(timer::stop(timer, timeout_ns))
}
