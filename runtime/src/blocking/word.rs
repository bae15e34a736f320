//! How far a job is: the word that its waiter and the thread that runs it share.
//!
//! ```text
//!   QUEUED ----------> RUNNING -----------------------> DONE        the waiter has it
//!     |  (under the      |  the thread: swap, its last
//!     |   queue's mutex) |  touch of a job on a stack
//!     v                  |
//!   withdrawn            +--> ABANDONED --the same swap--> the thread frees it
//!                             the waiter, if the job may be left: compare-and-swap from RUNNING
//! ```
//! Of a thread that ends a job and a waiter that leaves it one comes first, and the other has it: so
//! it is freed once, and never under somebody who looks at it.

use crate::prim::atomic::{AtomicU32, Ordering::*};

const QUEUED: u32 = 0;
const RUNNING: u32 = 1;
const DONE: u32 = 2;
const ABANDONED: u32 = 3;

/// See the module.
#[derive(Debug)]
pub struct Word(AtomicU32);

/// What a thread finds when it has run a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Ended {
    /// It is the waiter's again, and may be gone already.
    Handed,
    /// The waiter has left it: free it.
    Abandoned,
}

impl Default for Word {
    fn default() -> Word {
        Word(AtomicU32::new(QUEUED))
    }
}

impl Word {
    /// Under the queue's mutex: whether no thread has it.
    pub fn queued(&self) -> bool {
        self.0.load(Relaxed) == QUEUED
    }

    /// A thread, under the queue's mutex: takes it.
    pub fn begin(&self) {
        self.0.store(RUNNING, Relaxed);
    }

    /// The thread: it has run it.
    pub fn end(&self) -> Ended {
        // Release: the result, to `done` and `abandon`. Acquire: pairs with abandon's release: what
        // the waiter did to the job comes before it is freed.
        if self.0.swap(DONE, AcqRel) == ABANDONED { Ended::Abandoned } else { Ended::Handed }
    }

    /// The waiter: whether it has been run, and its result can be read.
    pub fn done(&self) -> bool {
        // Acquire: pairs with end's release.
        self.0.load(Acquire) == DONE
    }

    /// The waiter leaves a job that is no longer queued. True: the thread will free it, and the
    /// waiter does not touch it again. False: it is done.
    #[must_use]
    pub fn abandon(&self) -> bool {
        // Release, Acquire: pair with end's.
        self.0.compare_exchange(RUNNING, ABANDONED, Release, Acquire).is_ok()
    }
}
