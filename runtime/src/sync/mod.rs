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

mod barrier;
mod cond;
mod event;
pub mod futex;
mod mutex;
mod once;
mod recursive;
mod rwlock;
#[cfg(not(loom))]
mod sem;
mod wait_group;

pub use barrier::Barrier;
pub use cond::Cond;
pub use event::Event;
pub use mutex::Mutex;
pub use once::Once;
pub use recursive::RecursiveMutex;
pub use rwlock::RwLock;
#[cfg(not(loom))]
pub use sem::{Semaphore, Take};
pub use wait_group::WaitGroup;

use crate::err::Errno;
use crate::sched::VCpu;
use crate::wait::caller::{self, here};
use crate::wait::deadline;
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue, Who};
use mutex::identity;

/// The beginning of every call that may wait: see [`caller::begin`].
#[inline(always)]
fn begin<R>(
    timeout_ns: i64,
    f: impl FnOnce(Who, Option<&'static VCpu>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let (who, v) = caller::begin(timeout_ns)?;
    f(who, v)
}

/// Waits for the grant of a node that is in the queue; gives what it was granted. Who is stopped
/// before that gives up: see [`caller::give_up`].
#[inline(always)]
fn wait_in(
    word: &Word,
    queue: &Queue,
    node: &Node,
    timeout_ns: i64,
    leave: impl FnOnce() -> Grants,
) -> Result<u32, Errno> {
    let d = deadline(timeout_ns);
    node.wait(d).or_else(|s| caller::give_up(word, queue, node, s, leave).map_err(|s| s.errno(d)))
}
