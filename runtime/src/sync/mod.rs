//! L5: sync objects, between coroutines, plain threads, and both.
//!
//! Each is a few words in the user's memory, valid when it is zero: a guard ([`crate::wait::guard`]),
//! a state that only its holder touches, and the queue of who waits ([`crate::wait::queue`]). None
//! needs an end: memory may be used for something else as soon as no call uses the object, and a
//! call that lets others go on (unlock, post, set) has touched it for the last time before they
//! do.
//!
//! Those that wait do so in the order in which they came. A call that finds nothing to wait for
//! gives way after a number of times in a row ([`crate::wait::begin`]), before it takes anything.

mod mutex;
mod sem;

pub use mutex::Mutex;
pub use sem::{Semaphore, Take};

use crate::err::Errno;
use crate::parker;
use crate::sched::{self, VCpu};
use crate::wait;
use crate::wait::queue::Who;

/// The beginning of every call that may wait: a cancellation point, a bad timeout refused; then `f`
/// with the caller as a waiter and its vCPU.
#[inline(always)]
fn begin<R>(
    timeout_ns: i64,
    f: impl FnOnce(Who, Option<&'static VCpu>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    if timeout_ns < -1 {
        return Err(Errno::EINVAL);
    }
    match sched::running() {
        Some((v, t)) => {
            let v = wait::begin(v, t)?;
            f(Who::Task(t), Some(v))
        }
        None => parker::with(|_, p| f(Who::Thread(p), None)),
    }
}

/// The caller's vCPU, if it is a coroutine.
#[inline(always)]
fn here() -> Option<&'static VCpu> {
    sched::running().map(|r| r.0)
}
