//! A coroutine that runs one thing after another and is a new one for each: the workers of pools.
//!
//! ```text
//! thing --settle: scopes, locals, arena--> renew: another handle, nothing asked of it --> next thing
//! ```
//! Only the stack and the control block stay. A handle that somebody has kept is stale, as after a
//! coroutine's end, and what was asked of the one before (a cancel that is just on its way, too) never
//! reaches the next one: both by the generation, as in every other reuse of a block.
//!
//! Between two things there is nothing of the user's on its stack, so that it may move to another
//! vCPU as a fresh one may ([`loosen`]): who waits for something to do is woken where it was, and
//! taken over from there by a vCPU that has nothing to do.

use super::TaskRef;
use super::foreign::leave_all;
use super::switch::leave;
use super::vcpu::{current, running};
use crate::err::Errno;
use crate::task::flags;
use std::sync::atomic::Ordering::*;

/// The running coroutine's flags, for [`renew`] to restore.
pub fn original(t: TaskRef) -> u32 {
    t.flags.load(Relaxed)
}

/// The coroutine `t`, which calls, has done something: if it is in foreign code still it comes back,
/// scopes that it has left open are closed, locals destroyed, the arena freed, as at a coroutine's
/// end. Blocks as long as that does.
pub fn settle(t: TaskRef) {
    if current().is_none() {
        leave_all();
    }
    if t.has(flags::SAVE_FP | flags::OWNS | flags::HELD) {
        leave(t);
        t.set_flag(flags::OWNS, false);
    }
}

/// The running coroutine, which is detached and settled, is a new one of that name (ended by
/// zeros). False: it has had
/// all handles that it can have, and should end.
pub fn renew(t: TaskRef, original: u32, name: &[u8; 32]) -> bool {
    let again = t.life.renew();
    let birth = current().map_or(0, |v| v.group().birth.load(Relaxed));
    t.attention.set(birth);
    t.errno.set(0);
    t.flags.store(original, Relaxed);
    t.renew_name(name);
    again
}

/// The running coroutine, renewed, may be moved until the next [`renew`].
pub fn loosen(t: TaskRef) {
    t.set_flag(flags::MIGRATABLE, true);
}

/// The running coroutine, loosened, goes to that group unless it is in it. ESRCH: there is none.
pub fn go_to(t: TaskRef, group: u64) -> Result<(), Errno> {
    if t.group.load(Relaxed) == group {
        return Ok(());
    }
    super::signal::migrate(t.handle(), &*super::group_of(group)?, 0)
}

/// The running coroutine has woken others that may move, and goes on: if a vCPU of the group has
/// nothing to do, it may have them at once.
pub fn share() {
    if let Some((v, _)) = running()
        && v.runnable.get() > 1
        && v.group().hungry.load(Relaxed) != 0
    {
        v.offer();
    }
}
