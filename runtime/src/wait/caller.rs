//! What every call of an object that may wait has in common: its caller, its beginning, and its giving up.

use super::guard::Word;
use super::queue::{Grants, Node, Queue, Who};
use super::{Stop, give_back, hold};
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

/// A wait has been stopped: takes its node out of the queue, and then, under the guard still, does
/// `leave`, which says who may go on by that. If the node is being granted just now, that counts: gives
/// what.
#[cold]
pub fn give_up(
    word: &Word,
    queue: &Queue,
    node: &Node,
    s: Stop,
    leave: impl FnOnce() -> Grants,
) -> Result<u32, Stop> {
    let v = here();
    let held = hold(word, v);
    if !node.queued() {
        drop(held);
        let granted = node.outwait();
        give_back(s);
        return Ok(granted);
    }
    queue.remove(node);
    let grants = leave();
    drop(held);
    grants.wake(v);
    Err(s)
}
