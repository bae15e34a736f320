//! Work sent to another group, and back: a coroutine there, and its caller waiting for it.
//!
//! The callee may use what lies on the caller's stack, so the caller never leaves before it has ended:
//! what stops the caller cancels the callee, and the caller waits on, deaf.

use super::join::{Failure, For, claim, wait_elsewhere};
use super::{Deadline, check, give_back};
use crate::err::Errno;
use crate::sched;
use crate::task::{Attr, Entry, table};
use std::ffi::c_void;

/// How a call has ended.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    /// The call's own status: 0, or what stopped it.
    pub status: Result<(), Errno>,
    /// What the function returned.
    pub result: *mut c_void,
}

/// co_group_call. An error of its own: the function has not been called.
pub fn call(group: u64, entry: Entry, arg: *mut c_void, timeout_ns: i64) -> Result<Called, Errno> {
    let d = Deadline::new(timeout_ns)?;
    if d == Deadline::Now {
        return Err(Errno::EAGAIN);
    }
    check().map_err(|s| s.errno(d))?;
    let attr = Attr { group, name: b"call", ..Attr::default() };
    let co = sched::spawn(&attr, (entry, arg), None)?;
    let (t, g) = table::find(co)?;
    let status = match wait_elsewhere(t, g, For::Deadline(d), false) {
        Ok(()) => Ok(()),
        // Somebody has found it among all coroutines and joins it.
        Err(Failure::Refused) => return Err(Errno::ESRCH),
        Err(Failure::Stopped(s)) => {
            let ended = sched::cancel(co).is_err();
            let waited = wait_elsewhere(t, g, For::TheEnd, false);
            debug_assert!(waited.is_ok());
            if ended {
                give_back(s);
                Ok(())
            } else {
                Err(s.errno(d))
            }
        }
    };
    Ok(Called { status, result: claim(t, g)? })
}
