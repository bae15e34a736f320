//! L4: what blocks, on threads made for that.
//!
//! ```text
//!   pool     the threads; `queue`: their jobs; `word`: how far a job is
//!   job      a job on its waiter's stack: withdrawn until it has begun, then waited for
//!   errand   a job on the heap: can be left at any time
//!   foreign  a thread that goes on with a coroutine, while that is in foreign code
//! ```
//! Three pools, so that none waits for another: a name server that does not answer holds a thread for
//! half a minute, and files must not wait for that, nor either for what a program does in
//! `co_blocking`.
#![allow(unsafe_code)]

mod errand;
mod foreign;
mod job;
mod pool;
mod queue;
mod word;

pub use crate::sched::foreign::{leave, pin, unpin};
pub use foreign::{enter, trace_pinned};
pub use job::{Job, Work};
pub use pool::{Pool, block_signals};

use crate::err::Errno;
use crate::sched::running;
use crate::task::Entry;
use crate::wait::{self, Deadline};
use std::ffi::c_void;

/// Threads at most in [`FILES`] and [`CALLS`] each, unless the config says otherwise.
const DEFAULT_MAX: u32 = 64;

/// System calls on files, and whatever else readiness can't be waited for: enough stack for one.
pub static FILES: Pool = Pool::new("photonrt-io", 64 << 10, DEFAULT_MAX as usize, false);
/// Lookups of names. Name service modules are anybody's code; pages are there only when they are
/// touched.
pub static NAMES: Pool = Pool::new("photonrt-name", 1 << 20, DEFAULT_MAX as usize / 2, false);
/// The program's own blocking calls: as much stack as a main thread has.
static CALLS: Pool = Pool::new("photonrt-call", 8 << 20, DEFAULT_MAX as usize, true);

/// Threads at most for files, and for the program's calls; half as many look up names. 0: 64.
pub fn set_max(max: u32) {
    let max = if max == 0 { DEFAULT_MAX } else { max } as usize;
    FILES.set_max(max);
    CALLS.set_max(max);
    NAMES.set_max((max / 2).max(1));
}

/// Ends all threads, which start again when there is something to do. One that is inside the C
/// library with a lookup that nobody waits for is left to end by itself.
pub fn shutdown() {
    CALLS.shutdown();
    FILES.shutdown();
    NAMES.shutdown();
}

/// A call to C on a thread of [`CALLS`], or, by a plain thread, right here.
///
/// # Safety
/// `entry` may be called with `arg`.
pub unsafe fn call(entry: Entry, arg: *mut c_void, timeout_ns: i64) -> Result<*mut c_void, Errno> {
    let deadline = Deadline::new(timeout_ns)?;
    let Some((_, task)) = running() else {
        // SAFETY: the caller's.
        return Ok(unsafe { entry(arg) });
    };
    wait::check().map_err(|stop| stop.errno(deadline))?;
    // SAFETY: the caller's.
    let job = Job::new(&CALLS, task, || unsafe { entry(arg) });
    if deadline == Deadline::Now {
        // SAFETY: waited for right here.
        unsafe { job.submit_now()? };
    } else {
        // SAFETY: below, it is done or withdrawn before it goes.
        unsafe { job.submit()? };
        let stopped = wait::until(deadline, || job.done()).err();
        if let Some(stop) = stopped {
            if job.withdraw() {
                return Err(stop.errno(deadline));
            }
            wait::give_back(stop);
        }
    }
    wait::until_done(|| job.done());
    job.result().ok_or(Errno::EIO)
}
