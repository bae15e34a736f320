//! Cancelling a scope and everything inside of it.
//!
//! The tree is walked through the Cores, without recursion (scopes may be nested deeper than a
//! stack is long) and without memory of its own: Cores that are still to be visited are linked by
//! `next_walk`. Nobody else uses that link: a Core is put there by the walk that has cancelled the
//! scope around it, which is one.
//!
//! A child that begins meanwhile finds its scope cancelled, under the guard, and cancels itself; a
//! scope that opens inside finds the same and is refused.

use super::core::{Core, State, find, policy};
use crate::err::Errno;
use crate::sched;

/// Children told between two takings of a guard.
const BATCH: usize = 32;

/// co_scope_cancel.
pub fn cancel(handle: u64) -> Result<(), Errno> {
    stop(handle, Errno::ECANCELED)
}

/// Its deadline has passed.
pub fn expired(handle: u64) {
    // It may be closed by now.
    let _ = stop(handle, Errno::ETIME);
}

fn stop(handle: u64, why: Errno) -> Result<(), Errno> {
    let core = find(handle)?;
    let open = core.with(|s| {
        s.check(handle)?;
        // Close cancels what there is to cancel.
        if !s.closing {
            core.pin();
        }
        Ok(!s.closing)
    })?;
    if open {
        walk(core, why);
        core.unpin();
    }
    Ok(())
}

impl State {
    /// Cancels it. False: it is.
    fn begin_cancel(&mut self, why: Errno) -> bool {
        if self.cancelled {
            return false;
        }
        self.cancelled = true;
        let won = self.attr.policy == policy::FIRST && self.winner >= 0;
        // Where nobody runs, there is nothing that it ends.
        if self.error == 0 && !won && self.pending > 0 {
            self.error = why.0;
        }
        true
    }
}

/// Cancels a scope that stays through this, and all that are inside. Nothing if it is cancelled
/// already: then somebody else is at it or has been.
pub fn walk(root: &'static Core, why: Errno) {
    if !root.with(|s| s.begin_cancel(why)) {
        return;
    }
    let (mut at, mut rest) = (root, None);
    loop {
        tell_children(at);
        while let Some(inner) = take_inner(at) {
            inner.next_walk.set(rest);
            rest = Some(inner);
        }
        if !std::ptr::eq(at, root) {
            at.unpin();
        }
        // The next that is not cancelled by somebody else.
        at = loop {
            let Some(next) = rest else { return };
            rest = next.next_walk.take();
            if next.with(|s| s.begin_cancel(why)) {
                break next;
            }
            next.unpin();
        };
    }
}

fn tell_children(core: &Core) {
    let mut batch = [0; BATCH];
    loop {
        let n = core.with(|_| {
            let mut n = 0;
            while n < BATCH
                && let Some(child) = core.first_child()
            {
                child.told();
                batch[n] = child.co();
                n += 1;
            }
            n
        });
        for co in &batch[..n] {
            // It may have ended meanwhile.
            let _ = sched::cancel(*co);
        }
        if n < BATCH {
            return;
        }
    }
}

/// The next inner scope, pinned.
fn take_inner(core: &Core) -> Option<&'static Core> {
    core.with(|_| {
        let inner = core.first_inner()?;
        inner.told(core);
        inner.pin();
        Some(inner)
    })
}
