//! Who goes through a scope while it may be closed, and how the close waits for them.
//!
//! A pin is taken where the owner can still prevent it (the head of `scope` says where), and let go
//! from anywhere, also after the owner has begun to wait: pin gone, then waiter read; waiter
//! written, then pins read; all SeqCst, so one of them sees the other. Once the last is gone the
//! scope may be closed and used again, so a waiter that is read then may be the next one's: a wake
//! is a hint.

use crate::prim::atomic::{AtomicU32, Ordering::*};
use crate::prim::seq_cst_store_load;

/// See the module.
#[derive(Debug)]
pub struct Pins {
    count: AtomicU32,
    /// The owner's id as a waiter, while it waits for anything; 0: it does not.
    waiter: AtomicU32,
}

impl Default for Pins {
    fn default() -> Pins {
        Pins { count: AtomicU32::new(0), waiter: AtomicU32::new(0) }
    }
}

impl Pins {
    /// One more.
    pub fn pin(&self) {
        self.count.fetch_add(1, Relaxed);
    }

    /// One less. Gives whom to wake; 0: nobody.
    #[must_use]
    pub fn unpin(&self) -> u32 {
        // SeqCst: pairs with begin_wait and none. Its release part ends what was done with the scope
        // before its next use.
        if self.count.fetch_sub(1, SeqCst) != 1 {
            return 0;
        }
        seq_cst_store_load();
        // SeqCst: the second of the two.
        self.waiter.load(SeqCst)
    }

    /// Owner: will wait, and looks at what it waits for after this.
    pub fn begin_wait(&self, waiter: u32) {
        // SeqCst: pairs with unpin.
        self.waiter.store(waiter, SeqCst);
        seq_cst_store_load();
    }

    /// Owner: does not wait any more.
    pub fn end_wait(&self) {
        self.waiter.store(0, Relaxed);
    }

    /// Under the guard, which the owner takes after begin_wait to look: whom to wake; 0: nobody.
    pub fn waiter(&self) -> u32 {
        self.waiter.load(Relaxed)
    }

    /// Owner: whether there is none, and what was done with the scope is visible.
    pub fn none(&self) -> bool {
        // SeqCst: pairs with unpin.
        self.count.load(SeqCst) == 0
    }
}
