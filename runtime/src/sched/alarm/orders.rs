//! What is asked of an alarm, by any thread, and how its home vCPU learns of it.
//!
//! ```text
//! want    when it is to fire; NEVER: not set                  anybody writes
//! armed   when its home will look at it; NEVER: not at all    its home writes
//! word    | BURIED | QUEUED |                                 anybody
//! ```
//! 1. Setting: write `want`, then look at `armed`. The home: write `armed`, then look at `want`. All
//!    SeqCst (store, then load, on both sides), so one of them sees the other: either the setter
//!    finds that the home will not look in time, and queues the alarm, or the home finds the new
//!    time. A time that is put off, or withdrawn, tells nobody: the home looks at the old time and
//!    finds out. So a timeout that is moved on with each message costs two memory accesses.
//! 2. Firing is claimed by compare-and-swap of `want` to NEVER; withdrawing is a swap to NEVER. One
//!    of them gets it.
//! 3. Who sets QUEUED puts the alarm into the home's inbox; the home clears it, then looks at
//!    everything. BURIED is set in the same step: so of the two, a setter's place in the inbox and
//!    the owner's last word, the home serves both or the latter, and frees the alarm exactly once.

use crate::prim::atomic::{AtomicI64, AtomicU32, Ordering::*};
use crate::prim::seq_cst_store_load;

/// No time.
pub const NEVER: i64 = i64::MAX;
const QUEUED: u32 = 1;
const BURIED: u32 = 2;

/// See the module.
#[derive(Debug)]
pub struct Orders {
    want: AtomicI64,
    armed: AtomicI64,
    word: AtomicU32,
}

/// What an alarm whose node has come up is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Due {
    /// Nothing: it has been withdrawn.
    Nothing,
    /// To be armed for that time: it was put off.
    Later(i64),
    /// To fire. Nobody withdraws it any more.
    Fire,
}

impl Default for Orders {
    fn default() -> Orders {
        Orders {
            want: AtomicI64::new(NEVER),
            armed: AtomicI64::new(NEVER),
            word: AtomicU32::new(0),
        }
    }
}

impl Orders {
    /// For a new owner.
    pub fn reset(&self) {
        self.word.store(0, Relaxed);
    }

    /// Any thread: it is to fire at `at`. True: the home must be told, see [`Orders::queue`].
    #[must_use]
    pub fn set(&self, at: i64) -> bool {
        // SeqCst: pairs with the home's `armed`, rule 1. A swap costs what such a store does, and is
        // in the order of `due`'s compare-and-swap for loom too.
        self.want.swap(at, SeqCst);
        seq_cst_store_load();
        self.armed.load(SeqCst) > at
    }

    /// Any thread: it is not to fire. True: it was set, and has not fired.
    pub fn withdraw(&self) -> bool {
        // AcqRel: pairs with `due`: whoever gets it sees what was written before it was set.
        self.want.swap(NEVER, AcqRel) != NEVER
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.want.load(Relaxed) != NEVER
    }

    /// True: the caller is to put it into its home's inbox; otherwise it is in it.
    #[must_use]
    pub fn queue(&self) -> bool {
        // AcqRel: pairs with take: the home sees what was wanted before.
        self.word.fetch_or(QUEUED, AcqRel) & QUEUED == 0
    }

    /// It could not be put into the inbox.
    pub fn unqueue(&self) {
        self.word.fetch_and(!QUEUED, Relaxed);
    }

    /// Its owner has done with it, and says nothing more. True: put it into its home's inbox, which
    /// frees it; otherwise it is in it.
    #[must_use]
    pub fn bury(&self) -> bool {
        self.want.store(NEVER, Relaxed);
        // AcqRel: as in queue.
        self.word.fetch_or(BURIED | QUEUED, AcqRel) & QUEUED == 0
    }

    /// Home, its owner asking: buries it at once. False: it is in the inbox, and is freed when that
    /// is served.
    #[must_use]
    pub fn bury_here(&self) -> bool {
        self.want.store(NEVER, Relaxed);
        self.word.fetch_or(BURIED, Relaxed) & QUEUED == 0
    }

    /// Home, having taken it from its inbox. True: it is to be freed.
    #[must_use]
    pub fn take(&self) -> bool {
        // AcqRel: pairs with queue and bury.
        self.word.swap(0, AcqRel) & BURIED != 0
    }

    /// Home: when it is to fire.
    pub fn wanted(&self) -> i64 {
        // Acquire: pairs with the stores of who set it.
        self.want.load(Acquire)
    }

    /// Home: it will look at `at` (NEVER: its node is in no wheel). False: it has been asked for
    /// sooner meanwhile.
    #[must_use]
    pub fn arm(&self, at: i64) -> bool {
        // SeqCst: pairs with set, rule 1.
        self.armed.store(at, SeqCst);
        seq_cst_store_load();
        self.want.load(SeqCst) >= at
    }

    /// Home: its node has come up, and is in no wheel.
    pub fn due(&self, now: i64) -> Due {
        // From here on nobody counts on our looking at it. SeqCst: pairs with set, rule 1.
        self.armed.store(NEVER, SeqCst);
        seq_cst_store_load();
        let mut want = self.want.load(SeqCst);
        loop {
            if want == NEVER {
                return Due::Nothing;
            }
            if want > now {
                return Due::Later(want);
            }
            // AcqRel: pairs with set and withdraw, rule 2.
            match self.want.compare_exchange(want, NEVER, AcqRel, Acquire) {
                Ok(_) => return Due::Fire,
                Err(other) => want = other,
            }
        }
    }
}
