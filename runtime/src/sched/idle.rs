//! Going to sleep without losing a wake, and waking without needless system calls.
//!
//! ```text
//! sleeper                                waker
//!   state = ASLEEP                         make work visible (inbox push, offer)
//!   fence SeqCst                           fence SeqCst
//!   look for work; found: state = AWAKE    state ASLEEP? exchange for AWAKE; done: one system call
//!   else block until the call
//! ```
//! Store then load on both sides, a SeqCst fence between: either the sleeper sees the work or the
//! waker sees ASLEEP. Of many wakers the exchange lets one make the call. A busy vCPU is AWAKE and
//! costs its wakers a load; so is one that spins before it sleeps.

use crate::prim::atomic::{AtomicU32, Ordering::*, fence};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// See the module.
#[derive(Debug)]
pub struct Idle(AtomicU32);

impl Default for Idle {
    fn default() -> Idle {
        Idle(AtomicU32::new(AWAKE))
    }
}

impl Idle {
    /// Sleeper: says that it is about to block. It must look for work once more after this.
    pub fn prepare(&self) {
        self.0.store(ASLEEP, Relaxed);
        // Pairs with the fence in wake.
        fence(SeqCst);
    }

    /// Sleeper: it found work, or it has been woken, or its time is up.
    pub fn awake(&self) {
        self.0.store(AWAKE, Relaxed);
    }

    /// Waker, after it has made its work visible: whether it must make the call that ends the
    /// block.
    #[must_use]
    pub fn wake(&self) -> bool {
        // Pairs with the fence in prepare.
        fence(SeqCst);
        self.asleep() && self.0.compare_exchange(ASLEEP, AWAKE, Relaxed, Relaxed).is_ok()
    }

    /// Whether it sleeps, as a hint.
    pub fn asleep(&self) -> bool {
        self.0.load(Relaxed) == ASLEEP
    }
}
