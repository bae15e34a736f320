//! What every call of an object that may wait has in common: its beginning and its caller.

use super::queue::Who;
use crate::err::Errno;
use crate::parker;
use crate::sched::{self, VCpu};

/// The beginning: a cancellation point, a bad timeout refused (EINVAL). Gives the caller as a
/// waiter, and its vCPU if it is a coroutine. (A coroutine may give way in it.)
#[inline(always)]
pub fn begin(timeout_ns: i64) -> Result<(Who, Option<&'static VCpu>), Errno> {
    if timeout_ns < -1 {
        return Err(Errno::EINVAL);
    }
    match sched::running() {
        Some((v, t)) => {
            let v = super::begin(v, t)?;
            Ok((Who::Task(t), Some(v)))
        }
        None => Ok((Who::Thread(parker::with(|_, p| p)), None)),
    }
}

/// The caller's vCPU, if it is a coroutine.
#[inline(always)]
pub fn here() -> Option<&'static VCpu> {
    sched::running().map(|r| r.0)
}
