//! What one coroutine may ask of another: unpark, interrupt, cancel, move; and what a coroutine
//! asks of itself about that.

use super::remote::{note, ready_front, request};
use super::switch::leave_to_move;
use super::vcpu::{current, running};
use super::{Group, TaskRef};
use crate::err::Errno;
use crate::task::mail::bits;
use crate::task::{attention as at, flags, table};
use std::sync::atomic::Ordering::*;

fn ask(co: u64, req: u32) -> Result<(), Errno> {
    let (t, g) = table::find_live(co)?;
    if request(t, g, req) { Ok(()) } else { Err(Errno::ESRCH) }
}

/// co_unpark.
#[inline]
pub fn unpark(co: u64) -> Result<(), Errno> {
    let (t, g) = table::find_live(co)?;
    // Its owner, asking itself: it is alive, and stays ours.
    if let Some(v) = current()
        && t.owner.load(Relaxed) == v.me
    {
        t.attention.set(t.attention.get() | at::TOKEN);
        if t.wait_mask.get() & at::TOKEN != 0 {
            ready_front(v, t);
        }
        return Ok(());
    }
    if request(t, g, bits::UNPARK) { Ok(()) } else { Err(Errno::ESRCH) }
}

/// co_interrupt.
pub fn interrupt(co: u64, err: i32) -> Result<(), Errno> {
    if !(1..=4095).contains(&err) {
        return Err(Errno::EINVAL);
    }
    ask(co, bits::interrupt(err))
}

/// co_cancel.
pub fn cancel(co: u64) -> Result<(), Errno> {
    ask(co, bits::CANCEL)
}

/// Takes what others have asked of the running coroutine, ahead of the inbox.
#[inline(always)]
pub fn absorb(t: TaskRef) {
    if t.mail.pending() {
        take_notes(t);
    }
}

#[cold]
fn take_notes(t: TaskRef) {
    note(t, t.mail.absorb(t.life.generation()));
}

/// The cancel or interrupt that a cancellation point of the running coroutine must deliver now: an
/// interrupt is used up by this.
pub fn take_stop(t: TaskRef) -> Option<Errno> {
    let a = t.attention.get();
    if a & (at::CANCEL | at::INTERRUPT) == 0 || a & at::SHIELD != 0 {
        None
    } else if a & at::CANCEL != 0 {
        Some(Errno::ECANCELED)
    } else {
        t.attention.set(a & !at::INTERRUPT);
        Some(Errno(t.errno.get()))
    }
}

/// co_cancel_shield: the setting before.
pub fn shield(on: bool) -> Result<bool, Errno> {
    let (_, t) = running().ok_or(Errno::EPERM)?;
    let a = t.attention.get();
    t.attention.set(if on { a | at::SHIELD } else { a & !at::SHIELD });
    Ok(a & at::SHIELD != 0)
}

/// co_cancel_clear: whether there was one.
pub fn cancel_clear() -> Result<bool, Errno> {
    let (_, t) = running().ok_or(Errno::EPERM)?;
    absorb(t);
    let a = t.attention.get();
    t.attention.set(a & !at::CANCEL);
    let there_was = a & at::CANCEL != 0;
    if there_was {
        t.set_flag(flags::ACKNOWLEDGED, true);
    }
    Ok(there_was)
}

/// co_cancel_pending.
pub fn cancel_pending() -> bool {
    running().is_some_and(|(_, t)| {
        absorb(t);
        t.attention.get() & (at::CANCEL | at::SHIELD) == at::CANCEL
    })
}

/// co_migrate, its group found.
pub fn migrate(co: u64, group: &Group, number: u32) -> Result<(), Errno> {
    let (t, g) = table::find_live(co)?;
    let to = group.choose(number).ok_or(Errno::ESRCH)?;
    let me = running().filter(|(_, cur)| std::ptr::eq(*cur, t));
    if !t.has(flags::MIGRATABLE) && (me.is_some() || !t.has(flags::FRESH)) {
        return Err(Errno::EPERM);
    }
    if me.is_some() && t.has(flags::HELD) {
        return Err(Errno::EBUSY);
    }
    t.move_to.store(to.me, Relaxed);
    match me {
        Some((v, _)) if std::ptr::eq(v, to) => t.set_flag(flags::PINNED, true),
        Some((v, _)) => leave_to_move(v, t),
        None if request(t, g, bits::MOVE) => {}
        None => return Err(Errno::ESRCH),
    }
    Ok(())
}
