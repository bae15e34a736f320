//! Header section `blocking`.

use crate::convert::entry;
use crate::coroutine::co_entry_t;
use photonrt_runtime::blocking;
use photonrt_runtime::err::Errno;
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

/// Begins a bracket around foreign code that may block: a call into a library that does its own
/// waiting, or long computing. Until the matching co_blocking_leave the caller counts as a plain
/// thread: co_* calls block the thread and hear of no cancel or interrupt, co_vcpu_self, co_group_self
/// give 0; but co_self still gives the coroutine, and its locals, arena, scopes and bound values are
/// still its own. Brackets nest. A coroutine that ends within one is taken out of it.
///
/// What becomes of the others on the caller's vCPU:
/// - The caller is migratable and not pinned: it goes on on another OS thread (one of those of
///   co_blocking) and comes back with the leave. Nobody is held up. If all those threads are busy:
/// - Otherwise it keeps its thread, as is promised, and the others of that thread wait, with their
///   I/O. But those that may move (not run yet, or migratable) go to other vCPUs of the group, and
///   those that wait for a time or to be woken do too when that comes, a few milliseconds late at
///   worst. Entering and leaving takes some ten nanoseconds then: cheap enough for each call.
///
/// With the environment variable PHOTONRT_TRACE_PINNED=1 a bracket that keeps the thread while others
/// wait for it is reported on standard error, with the reason and where the caller is.
///
/// Not a cancellation point. Lets others run if the caller changes threads; never waits otherwise.
/// Gives how many brackets the caller is in now: >= 1, or 0 on a plain thread, which has none;
/// -EOVERFLOW (2^32 of them).
#[unsafe(no_mangle)]
pub extern "C" fn co_blocking_enter() -> c_int {
    count(blocking::enter())
}

/// Ends a bracket. With the outermost one the caller is a coroutine of its vCPU again, from its turn
/// on if it had changed threads. Cancels and interrupts that came meanwhile are found by its next
/// cancellation point; this is none.
///
/// Gives how many brackets the caller is in still: 0 on a plain thread; -EPERM (a coroutine that is in
/// none).
#[unsafe(no_mangle)]
pub extern "C" fn co_blocking_leave() -> c_int {
    count(blocking::leave())
}

/// Keeps the calling coroutine on its vCPU and OS thread until as many co_unpin calls, migratable or
/// not: no other vCPU takes it, a co_migrate of it waits for the last co_unpin (-EBUSY for its own),
/// and a co_blocking_enter keeps the thread. For code that leaves something in thread-locals, or
/// holds an OS mutex, across a blocking call. Never blocks.
///
/// Gives how many times it is pinned now; -EPERM (a plain thread, or in a bracket); -EOVERFLOW (65535
/// times).
#[unsafe(no_mangle)]
pub extern "C" fn co_pin() -> c_int {
    count(blocking::pin())
}

/// Undoes one co_pin. Lets others run if the last one lets the caller move; not a cancellation point.
///
/// Gives how many are left; -EINVAL (not pinned); -EPERM (a plain thread, or in a bracket).
#[unsafe(no_mangle)]
pub extern "C" fn co_unpin() -> c_int {
    count(blocking::unpin())
}

fn count(r: Result<u32, Errno>) -> c_int {
    r.map_or_else(|e| e.code(), |n| c_int::try_from(n).unwrap_or(c_int::MAX))
}
