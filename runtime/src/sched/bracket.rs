//! Whose a vCPU's private state is while its thread is in foreign code.
//!
//! ```text
//!            enter                  try_take
//!   RUNNING -------> FOREIGN  ------------------> TAKEN
//!      ^              |   ^                       |   |
//!      +--- leave ----+   +-------- give ---------+   | leave: the owner is back,
//!      |                                              v        and waits
//!      +------------------- give: wakes it --------- WANTED
//! ```
//! A vCPU's ring, wheel and offers are plain memory of its thread. Between enter and leave that
//! thread touches none of it, so another may, one at a time: whoever takes the word from FOREIGN has
//! what the thread had, until it gives it back. Both ways over are a release and an acquire.
//!
//! Entering is a store and leaving a compare-and-swap, for that happens often; taking is rare.

use crate::prim::atomic::{AtomicU32, Ordering::*};

const RUNNING: u32 = 0;
const FOREIGN: u32 = 1;
const TAKEN: u32 = 2;
const WANTED: u32 = 3;

/// See the module.
#[derive(Debug)]
pub struct Bracket {
    word: AtomicU32,
    /// How the owner is woken, while the word is WANTED.
    waiter: AtomicU32,
}

impl Default for Bracket {
    fn default() -> Bracket {
        Bracket { word: AtomicU32::new(RUNNING), waiter: AtomicU32::new(0) }
    }
}

impl Bracket {
    /// Owner: goes into foreign code.
    #[inline]
    pub fn enter(&self) {
        // Release: pairs with try_take's acquire.
        self.word.store(FOREIGN, Release);
    }

    /// Owner: is back, if nobody has taken what is its own.
    #[inline]
    #[must_use]
    pub fn try_leave(&self) -> bool {
        // Acquire: pairs with give's release, if somebody has had it.
        self.word.compare_exchange(FOREIGN, RUNNING, Acquire, Relaxed).is_ok()
    }

    /// Owner, whom try_leave has refused: has itself woken when it is back. False: try again.
    #[must_use]
    pub fn want(&self, waiter: u32) -> bool {
        self.waiter.store(waiter, Relaxed);
        // Release: pairs with the acquire in give: the waiter.
        self.word.compare_exchange(TAKEN, WANTED, Release, Relaxed).is_ok()
    }

    /// Owner that waits: whether it is back.
    pub fn is_back(&self) -> bool {
        // Acquire: pairs with give's release.
        self.word.load(Acquire) == RUNNING
    }

    /// Any thread: takes over what the owner has left. To be given back soon.
    #[must_use]
    pub fn try_take(&self) -> bool {
        // Acquire: pairs with the release in enter, or in give of the one before.
        self.word.compare_exchange(FOREIGN, TAKEN, Acquire, Relaxed).is_ok()
    }

    /// Who has taken it: gives it back. The waiter to be woken, if the owner is waiting.
    #[must_use]
    pub fn give(&self) -> Option<u32> {
        // Release: pairs with try_leave and try_take.
        if self.word.compare_exchange(TAKEN, FOREIGN, Release, Relaxed).is_ok() {
            return None;
        }
        // Acquire: pairs with want's release. Release: pairs with is_back.
        self.word.swap(RUNNING, AcqRel);
        Some(self.waiter.load(Relaxed))
    }

    /// Whether the owner is in foreign code, as a hint.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        self.word.load(Relaxed) != RUNNING
    }
}
