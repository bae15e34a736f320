//! Header section `blocking`.

use crate::convert::entry;
use crate::coroutine::co_entry_t;
use photonrt_runtime::blocking;
use std::ffi::{c_int, c_void};

/// Runs `fn(arg)` on an OS thread made for what blocks, while the caller's vCPU runs other
/// coroutines, and gives its result (`result` may be NULL). To the runtime that thread is a plain
/// one: co_* calls in `fn` block it, co_self gives 0, thread-locals are that thread's. It has 8 MiB of
/// stack and gets no signals but those of its own faults.
///
/// Threads start when all are busy, up to co_config_t.blocking_max of them, and end after ten idle
/// seconds. Beyond that calls wait in order; the timeout, a cancel or an interrupt ends that, and `fn`
/// is not run. With CO_NOW it is run only if a thread can have it at once. Once `fn` has begun it is
/// waited for, however long it takes, so `arg` may lie on the caller's stack; a cancel or an interrupt
/// that comes meanwhile stays for the next call.
///
/// Blocks; a cancellation point until `fn` has begun. On a plain thread, where nothing else is held up,
/// `fn` is run right there, with or without a runtime. 0; -ETIMEDOUT (-EAGAIN with CO_NOW); -EINVAL
/// (`fn` NULL, a timeout below -1); -EAGAIN (no thread to be had); -ECANCELED or an interrupt's error.
///
/// # Safety
/// `fn` may be called with `arg`; `result` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_blocking(
    fn_: co_entry_t,
    arg: *mut c_void,
    result: *mut *mut c_void,
    timeout_ns: i64,
) -> c_int {
    let Some(f) = entry(fn_) else { return -libc::EINVAL };
    // SAFETY: the caller vouches for `fn`, `arg` and `result`.
    unsafe {
        match blocking::call(f, arg, timeout_ns) {
            Ok(r) => {
                if !result.is_null() {
                    result.write(r);
                }
                0
            }
            Err(e) => e.code(),
        }
    }
}
