//! One who waits for several objects at once has a node in the queue of each, and one [`Claim`] for
//! all of them: whoever is about to grant one of the nodes claims the waiter first, and only the
//! first who does so may.
//!
//! ```text
//! 0 open --claim(place), by a granter under its own object's guard--> place of the node (from 1)
//!        --give_up, by the waiter------------------------------------> GIVEN_UP
//! ```
//! A granter that comes too late takes the node out of its queue and goes on to the next. Nothing
//! is published by the claim itself: what the granter writes is by the node's own grant, and what
//! it reads of the node was written before the node was queued, under the guard that it holds. So
//! all is Relaxed.

use crate::prim::atomic::{AtomicU32, Ordering::*};

const OPEN: u32 = 0;
const GIVEN_UP: u32 = u32::MAX;

/// See the module.
#[derive(Debug)]
pub struct Claim(AtomicU32);

impl Default for Claim {
    fn default() -> Claim {
        Claim(AtomicU32::new(OPEN))
    }
}

impl Claim {
    /// A granter, for the node at that place (from 1). False: somebody else was first.
    #[must_use]
    #[inline]
    pub fn claim(&self, place: u32) -> bool {
        debug_assert!(place != OPEN && place != GIVEN_UP);
        self.0.compare_exchange(OPEN, place, Relaxed, Relaxed).is_ok()
    }

    /// The waiter waits no longer. False: it has been claimed.
    #[must_use]
    pub fn give_up(&self) -> bool {
        self.0.compare_exchange(OPEN, GIVEN_UP, Relaxed, Relaxed).is_ok()
    }

    /// Whether a claim may still succeed; a hint.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.0.load(Relaxed) == OPEN
    }

    /// The waiter: the place of the node that was claimed.
    #[inline(always)]
    pub fn winner(&self) -> Option<u32> {
        match self.0.load(Relaxed) {
            OPEN | GIVEN_UP => None,
            place => Some(place),
        }
    }
}
