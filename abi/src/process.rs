//! Header section `process`: children and signals.

use crate::convert::value;
use libc::rusage;
use photonrt_runtime::io;
use std::ffi::{c_int, c_uint};

/// Waits for a child of this process, as wait4(2) does, and reaps it. `pid`: the child, or -1, 0 or
/// a process group as there; `options`: 0 or WUNTRACED, WCONTINUED, WNOHANG (the same as CO_NOW).
/// `status` and `usage` receive what wait4(2) writes there; both may be NULL. Of several who wait
/// for one child one gets it, the others -ECHILD. The end of one child is told at once where the
/// system has pidfds (Linux 5.4); everything else within 10 ms.
///
/// Blocks; a cancellation point. Plain threads too. The child's number; -ECHILD (there is none to
/// wait for); -ETIMEDOUT (-EAGAIN with CO_NOW); -ECANCELED or an interrupt's error; -EINVAL;
/// -EFAULT (no child has been reaped).
///
/// # Safety
/// `status` and `usage` are NULL or have room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_process_wait(
    pid: c_int,
    status: *mut c_int,
    options: c_int,
    usage: *mut rusage,
    timeout_ns: i64,
) -> c_int {
    value(io::process_wait(pid, status, options, usage, timeout_ns)) as c_int
}

/// Waits for one of the `n` (1 to 64) signals in `signals` and gives its number. The first wait for
/// a signal subscribes to it, see co_signal_subscribe. A signal goes to all who wait for it when it
/// comes; if nobody does, it is kept for the next wait, once for each number.
///
/// Blocks; a cancellation point. Plain threads too. A signal's number; -ETIMEDOUT (-EAGAIN with
/// CO_NOW); -ECANCELED or an interrupt's error; -EINVAL (also SIGKILL, SIGSTOP, and the faults
/// SIGSEGV, SIGBUS, SIGFPE, SIGILL), -EFAULT; -EMFILE, -EAGAIN or -ENOMEM for the subscription.
///
/// # Safety
/// `signals` points to `n` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_signal_wait(
    signals: *const c_int,
    n: c_uint,
    timeout_ns: i64,
) -> c_int {
    value(io::signal_wait(signals, n, timeout_ns)) as c_int
}

/// From now on the library takes these signals, for co_signal_wait, instead of what the process
/// would do about them: whatever runtimes come and go, until co_signal_release. They are taken even
/// if every thread of the program blocks them. Signals that are subscribed to already are left as
/// they are.
///
/// Any thread; does not block. 0; -EINVAL, -EFAULT, -EMFILE, -EAGAIN, -ENOMEM as co_signal_wait,
/// and nothing has changed.
///
/// # Safety
/// `signals` points to `n` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_signal_subscribe(signals: *const c_int, n: c_uint) -> c_int {
    value(io::signal_subscribe(signals, n)) as c_int
}

/// Ends the subscription to a signal: what the process did about it before holds again, unless
/// somebody has changed that since. An arrival that was kept is forgotten.
///
/// Any thread; does not block. 0, also if there was no subscription; -EBUSY (somebody waits for
/// it); -EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn co_signal_release(signo: c_int) -> c_int {
    value(io::signal_release(signo)) as c_int
}
