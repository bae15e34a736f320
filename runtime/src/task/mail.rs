//! Mail: what other threads want of a coroutine.
//!
//! A coroutine's own state belongs to the vCPU that owns it and is plain memory. Everybody else
//! sets a bit here, and whoever sets the first puts the control block into the owner's inbox. One
//! word:
//!
//! ```text
//!  63            32 31   28 27        16 15          1  0
//! +----------------+-------+------------+-------------+---+
//! | generation     |   0   | errno      | requests    | Q |
//! +----------------+-------+------------+-------------+---+
//! ```
//! Q (QUEUED): the block is in some inbox, or in the hands of the vCPU that took it from one. The
//! link used there belongs to who set Q, until Q is cleared. The generation says for which
//! coroutine the requests are: a control block is used again and again, and may still be queued for
//! a coroutine that is gone. So the end of a coroutine need not touch this word (no atomic
//! operation in a coroutine's life but one), and a request never hits a successor: the receiver
//! compares generations and drops what is stale.
//!
//! 1. `post`: a sender sets requests (dropping those of an earlier generation) and Q. If Q was
//!    clear it must now put the block into the owner's inbox.
//! 2. `dequeue`: the owner takes everything and clears Q.
//! 3. `absorb`: the running coroutine takes the notes for it (unpark, cancel, interrupt) without
//!    waiting for its turn in the inbox; Q stays with the inbox, and so do orders to the owner.
//! 4. A block that has no owner (it is on offer to thieves) can't be served: who finds it in its
//!    inbox clears Q, leaving the requests, then looks at the owner again and, if there is one by
//!    now, queues it there (`route`). The new owner, for its part, first makes itself known and
//!    then looks for requests (`adopt`). Both sides use SeqCst: at least one of them sees the
//!    other.
//!
//! Rejected: one state word for everything, changed by compare-and-swap by everybody (tokio's task
//! state): four to six atomic operations for a spawn and join, 6 ns each, for the case that almost
//! never happens.

use crate::prim::atomic::{AtomicU32, AtomicU64, Ordering::*};
use crate::prim::seq_cst_store_load;

/// Requests, as bits of the word's lower half.
pub mod bits {
    /// Look again at what you wait for.
    pub const WAKE: u32 = 1 << 1;
    /// co_unpark.
    pub const UNPARK: u32 = 1 << 2;
    /// co_cancel.
    pub const CANCEL: u32 = 1 << 3;
    /// co_interrupt, with its errno in the errno field.
    pub const INTERRUPT: u32 = 1 << 4;
    /// A fresh coroutine: put it into your run queue.
    pub const START: u32 = 1 << 5;
    /// co_migrate: the control block says where to.
    pub const MOVE: u32 = 1 << 6;
    const ERRNO_SHIFT: u32 = 16;
    pub(super) const ERRNO: u32 = 0xfff << ERRNO_SHIFT;
    pub(super) const QUEUED: u32 = 1;

    /// What the running coroutine may take by itself: notes, not orders to its owner.
    pub const NOTES: u32 = UNPARK | CANCEL | INTERRUPT | ERRNO;

    /// An interrupt's request with its errno (1..=4095).
    pub const fn interrupt(errno: i32) -> u32 {
        INTERRUPT | (errno as u32) << ERRNO_SHIFT & ERRNO
    }

    /// The errno in a set of requests.
    pub const fn errno(requests: u32) -> i32 {
        ((requests & ERRNO) >> ERRNO_SHIFT) as i32
    }
}

/// What a sender has to do after [`Mail::post`].
#[derive(PartialEq, Eq, Debug)]
#[must_use]
pub enum Post {
    /// The coroutine is gone.
    Stale,
    /// It is queued already and will be served.
    Merged,
    /// Put the block into its owner's inbox.
    Enqueue,
}

/// The word.
#[derive(Debug)]
pub struct Mail(AtomicU64);

const fn pack(generation: u32, low: u32) -> u64 {
    (generation as u64) << 32 | low as u64
}
const fn generation(word: u64) -> u32 {
    (word >> 32) as u32
}

impl Default for Mail {
    fn default() -> Mail {
        Mail(AtomicU64::new(0))
    }
}

impl Mail {
    fn update(&self, f: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        // SeqCst: see rule 4 of the head comment. The release part publishes what the sender wrote
        // before, to the acquire part of the owner's dequeue or absorb.
        self.0.fetch_update(SeqCst, Relaxed, f)
    }

    /// Sets requests for the coroutine of that generation.
    pub fn post(&self, g: u32, requests: u32) -> Post {
        let r = self.update(|w| {
            let kept = match generation(w) {
                newer if newer > g => return None,
                older if older < g => w as u32 & bits::QUEUED,
                _ if requests & bits::ERRNO != 0 => w as u32 & !bits::ERRNO,
                _ => w as u32,
            };
            Some(pack(g, kept | requests | bits::QUEUED))
        });
        match r {
            Err(_) => Post::Stale,
            Ok(w) if w as u32 & bits::QUEUED != 0 => Post::Merged,
            Ok(_) => Post::Enqueue,
        }
    }

    /// Owner, having taken the block from its inbox: the generation and requests found; Q is clear
    /// again.
    pub fn dequeue(&self) -> (u32, u32) {
        let w = self.update(|w| Some(pack(generation(w), 0))).unwrap_or(0);
        (generation(w), w as u32 & !bits::QUEUED)
    }

    /// The running coroutine: takes the notes for its generation; they may be none. A wake, a
    /// start, a move stay for the owner: a coroutine that took a wake here and then parked would
    /// sleep on.
    pub fn absorb(&self, g: u32) -> u32 {
        if self.pending() { self.extract(g, bits::NOTES) } else { 0 }
    }

    fn extract(&self, g: u32, mask: u32) -> u32 {
        let w = self.update(|w| (generation(w) == g).then_some(w & !u64::from(mask)));
        w.map_or(0, |w| w as u32 & mask)
    }

    /// Whether there may be notes: one load, for the hot paths.
    #[inline(always)]
    pub fn pending(&self) -> bool {
        self.0.load(Relaxed) as u32 & bits::NOTES != 0
    }

    /// Puts the block, whose Q the caller has set or holds, where its owner looks: `push` puts it
    /// into that owner's inbox, and says false if that takes nothing any more; then this gives
    /// false, Q is clear again, and the coroutine has ended.
    pub fn route(&self, owner: &AtomicU32, mut push: impl FnMut(u32) -> bool) -> bool {
        loop {
            // SeqCst, both loads: rule 4, pair with adopt's store.
            match owner.load(SeqCst) {
                0 => {
                    self.unqueue();
                    seq_cst_store_load();
                    // SeqCst: the second of the two.
                    if owner.load(SeqCst) == 0 || !self.requeue() {
                        return true;
                    }
                }
                id => {
                    let pushed = push(id);
                    if !pushed {
                        self.unqueue();
                    }
                    return pushed;
                }
            }
        }
    }

    /// Makes `me` the owner of a block that has none; gives what was asked of its coroutine
    /// meanwhile.
    #[must_use]
    pub fn adopt(&self, owner: &AtomicU32, me: u32, g: u32) -> u32 {
        // SeqCst, store and load: rule 4, pair with route's.
        owner.store(me, SeqCst);
        seq_cst_store_load();
        let w = self.0.load(SeqCst);
        if w as u32 & !bits::QUEUED == 0 || generation(w) != g {
            0
        } else {
            self.extract(g, !bits::QUEUED)
        }
    }

    /// Clears Q and leaves the requests.
    fn unqueue(&self) {
        let _ = self.update(|w| Some(w & !u64::from(bits::QUEUED)));
    }

    /// Sets Q again if there are requests and nobody else has set it.
    fn requeue(&self) -> bool {
        let queued = u64::from(bits::QUEUED);
        self.update(|w| (w & queued == 0 && w as u32 & !bits::QUEUED != 0).then_some(w | queued))
            .is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{bits::*, *};

    #[test]
    fn a_request_reaches_its_generation_only() {
        let m = Mail::default();
        assert_eq!(m.post(5, CANCEL), Post::Enqueue);
        assert_eq!(m.post(5, UNPARK), Post::Merged);
        assert_eq!(m.post(4, WAKE), Post::Stale);
        assert!(m.pending());
        assert_eq!(m.absorb(6), 0);
        assert_eq!(m.absorb(5), CANCEL | UNPARK);
        assert_eq!(m.post(6, WAKE), Post::Merged, "still queued from before");
        assert_eq!(m.dequeue(), (6, WAKE));
        assert_eq!(m.post(7, WAKE), Post::Enqueue);
    }

    #[test]
    fn the_last_interrupt_counts() {
        let m = Mail::default();
        let _ = m.post(1, interrupt(5));
        let _ = m.post(1, interrupt(4095));
        let _ = m.post(1, UNPARK);
        let got = m.absorb(1);
        assert_eq!(errno(got), 4095);
        assert_eq!(got & (INTERRUPT | UNPARK), INTERRUPT | UNPARK);
    }

    #[test]
    fn orders_to_the_owner_are_not_absorbed() {
        let m = Mail::default();
        let _ = m.post(2, WAKE | MOVE);
        let _ = m.post(2, UNPARK);
        assert_eq!(m.absorb(2), UNPARK);
        assert_eq!(m.dequeue(), (2, WAKE | MOVE));
    }

    #[test]
    fn an_ownerless_block_keeps_its_requests() {
        let m = Mail::default();
        let _ = m.post(3, CANCEL);
        m.unqueue();
        assert!(m.requeue(), "an owner appeared and has not looked yet");
        assert!(!m.requeue());
        m.unqueue();
        assert_eq!(m.adopt(&AtomicU32::new(0), 1, 3), CANCEL);
        assert!(!m.requeue(), "nothing left to serve");
    }
}
