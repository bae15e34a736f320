//! A control block's life: which coroutine it holds, whether that has ended, and who waits for the
//! end.
//!
//! Two words, both tagged with the generation, so that a stale handle can neither be taken for a
//! live one nor disturb it:
//! ```text
//! life    | generation | FREE 0, LIVE 1, ENDED 2, TAKEN 3 |
//! joiner  | generation | 0 nobody, DETACHED, else a waiter's id |
//! ```
//! A handle is the generation over the block's slot. Generations run from 1 to 2^31 - 1; then the
//! slot is retired (256 bytes each 2^31 coroutines), so that no handle ever comes back.
//!
//! 1. The spawner opens the life: joiner, then LIVE.
//! 2. A joiner registers: compare-and-swap on `joiner` from nobody, then looks at `life`. The end:
//!    swap `life` to ENDED, then look at `joiner`. Both SeqCst (store, then load, on both sides),
//!    so one of them sees the other: either the joiner finds ENDED and does not wait, or the end
//!    finds the joiner and wakes it.
//! 3. Whoever wants the result claims it: compare-and-swap from ENDED to TAKEN. One wins; it closes
//!    the life when it is done.
//! 4. A detacher registers as DETACHED by rule 2; of the detacher and the end, the one that wins
//!    the claim closes.
//! 5. A joiner on the owner's vCPU registers in the control block instead, in plain memory (sched's
//!    join), and the end goes straight to TAKEN.
//! 6. Spawned detached: nobody can register, so its end claims nothing and just closes.
//!
//! `life` to ENDED or TAKEN is the one atomic read-modify-write of a coroutine that is spawned, run
//! and joined on one vCPU (6 ns).

use crate::prim::atomic::{AtomicU64, Ordering::*};
use crate::prim::seq_cst_store_load;

const FREE: u32 = 0;
const LIVE: u32 = 1;
const ENDED: u32 = 2;
const TAKEN: u32 = 3;
const NOBODY: u32 = 0;
const DETACHED: u32 = u32::MAX;
/// Generations end here.
pub const LAST_GENERATION: u32 = i32::MAX as u32;

/// What a block holds, for one generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Not that coroutine any more (or not yet).
    Gone,
    /// It has not ended.
    Live,
    /// It has ended; its result waits.
    Ended,
    /// It has ended and somebody has claimed the result.
    Taken,
}

/// What a joiner finds when it registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Register {
    /// Wait; the end will wake you.
    Wait,
    /// It has ended: claim it.
    Ended,
    /// Stale, detached, or somebody else is joining.
    Refused,
}

/// What a coroutine's end has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum End {
    /// Nothing: a joiner may come. The block is no longer ours to touch.
    Kept,
    /// Wake this waiter. The block is no longer ours to touch.
    Wake(u32),
    /// Nobody will come: close the life and free the block.
    Close,
}

/// What a detacher has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Detach {
    /// Nothing.
    Done,
    /// It has ended: close the life and free the block.
    Close,
    /// Stale, detached already, or somebody is joining.
    Refused,
}

/// The two words.
#[derive(Debug)]
pub struct Life {
    life: AtomicU64,
    joiner: AtomicU64,
}

const fn pack(generation: u32, low: u32) -> u64 {
    (generation as u64) << 32 | low as u64
}

impl Default for Life {
    fn default() -> Life {
        Life { life: AtomicU64::new(pack(1, FREE)), joiner: AtomicU64::new(0) }
    }
}

impl Life {
    /// The generation that the block holds, or will hold next.
    #[inline]
    pub fn generation(&self) -> u32 {
        (self.life.load(Relaxed) >> 32) as u32
    }

    /// Spawner: the block holds a coroutine from now on. Gives its generation.
    #[inline]
    pub fn open(&self, detached: bool) -> u32 {
        let g = self.generation();
        self.joiner.store(pack(g, if detached { DETACHED } else { NOBODY }), Relaxed);
        // Release: pairs with the acquire in `state`: who sees LIVE sees the block filled.
        self.life.store(pack(g, LIVE), Release);
        g
    }

    /// What has become of the coroutine of that generation. After Ended or Taken, what it wrote is
    /// visible.
    #[inline]
    pub fn state(&self, g: u32) -> State {
        // Acquire: pairs with open, end and close.
        let w = self.life.load(Acquire);
        match w as u32 {
            _ if (w >> 32) as u32 != g => State::Gone,
            LIVE => State::Live,
            ENDED => State::Ended,
            TAKEN => State::Taken,
            _ => State::Gone,
        }
    }

    /// The generation, if the block holds a coroutine that has not been claimed.
    pub fn live_generation(&self) -> Option<u32> {
        // Acquire: as in state.
        let w = self.life.load(Acquire);
        matches!(w as u32, LIVE | ENDED).then_some((w >> 32) as u32)
    }

    /// A joiner that is not on the owner's vCPU: rule 2.
    pub fn register(&self, g: u32, waiter: u32) -> Register {
        if !self.set_joiner(g, waiter) {
            return Register::Refused;
        }
        seq_cst_store_load();
        // SeqCst: pairs with the swap in `end`.
        match self.life.load(SeqCst) {
            w if w == pack(g, LIVE) => Register::Wait,
            w if w == pack(g, ENDED) => Register::Ended,
            _ => Register::Refused,
        }
    }

    fn set_joiner(&self, g: u32, who: u32) -> bool {
        // SeqCst: pairs with the load in `end`.
        self.joiner
            .fetch_update(SeqCst, Relaxed, |w| {
                let (of, taken) = ((w >> 32) as u32, w as u32 != NOBODY);
                (of < g || of == g && !taken).then_some(pack(g, who))
            })
            .is_ok()
    }

    /// A joiner that gives up.
    pub fn withdraw(&self, g: u32, waiter: u32) {
        // Nothing was published by having been registered.
        let _ = self.joiner.compare_exchange(pack(g, waiter), pack(g, NOBODY), Relaxed, Relaxed);
    }

    /// Whether that waiter is the one registered.
    pub fn is_joiner(&self, g: u32, waiter: u32) -> bool {
        self.joiner.load(Relaxed) == pack(g, waiter)
    }

    /// Owner's vCPU: whether nobody has registered or detached; a hint unless nobody else can.
    #[inline]
    pub fn unjoined(&self, g: u32) -> bool {
        self.joiner.load(Relaxed) == pack(g, NOBODY)
    }

    /// The coroutine's end, by its owner.
    pub fn end(&self, g: u32) -> End {
        // SeqCst: pairs with register's load. Its release part publishes the result to `state` and
        // `claim`.
        self.life.swap(pack(g, ENDED), SeqCst);
        seq_cst_store_load();
        // SeqCst: pairs with set_joiner.
        match self.joiner.load(SeqCst) {
            w if (w >> 32) as u32 != g || w as u32 == NOBODY => End::Kept,
            w if w as u32 == DETACHED => {
                if self.claim(g) {
                    End::Close
                } else {
                    End::Kept
                }
            }
            w => End::Wake(w as u32),
        }
    }

    /// The end of a coroutine that has a joiner on its own vCPU: that one owns the block now. Gives
    /// a waiter that registered nevertheless and is to be woken, to find that it came second.
    pub fn end_taken(&self, g: u32) -> Option<u32> {
        // SeqCst, both: as in end.
        self.life.swap(pack(g, TAKEN), SeqCst);
        seq_cst_store_load();
        let w = self.joiner.load(SeqCst);
        ((w >> 32) as u32 == g && w as u32 != NOBODY && w as u32 != DETACHED).then_some(w as u32)
    }

    /// Claims the result of an ended coroutine: true for one caller only.
    #[must_use]
    pub fn claim(&self, g: u32) -> bool {
        // Acquire: pairs with end. Nothing is published by claiming.
        self.life.compare_exchange(pack(g, ENDED), pack(g, TAKEN), Acquire, Relaxed).is_ok()
    }

    /// Nobody will join.
    pub fn detach(&self, g: u32) -> Detach {
        if self.state(g) == State::Gone || !self.set_joiner(g, DETACHED) {
            return Detach::Refused;
        }
        seq_cst_store_load();
        // SeqCst: pairs with the swap in `end`. Of an end that saw us and one that did not, only
        // the latter leaves the claim to us.
        if self.life.load(SeqCst) == pack(g, ENDED) && self.claim(g) {
            Detach::Close
        } else {
            Detach::Done
        }
    }

    /// The one who claimed (or a detached coroutine's end): the block is free. False: its
    /// generations are used up, retire it.
    #[inline]
    #[must_use]
    pub fn close(&self) -> bool {
        let g = self.generation();
        // Release: what was read of the block stays before whatever its next holder writes (pairs
        // with state's acquire).
        self.life.store(pack(g + 1, FREE), Release);
        g < LAST_GENERATION
    }

    /// A detached coroutine, of itself: from here on the block holds another one, detached too. False:
    /// its generations are used up, and nothing has changed.
    #[must_use]
    pub fn renew(&self) -> bool {
        if self.generation() >= LAST_GENERATION {
            return false;
        }
        let again = self.close();
        debug_assert!(again);
        self.open(true);
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn renewed_it_is_another_one() {
        let l = Life::default();
        let g = l.open(true);
        assert!(l.renew());
        assert_eq!(l.state(g), State::Gone);
        assert_eq!((l.generation(), l.state(g + 1)), (g + 1, State::Live));
        assert_eq!(l.register(g + 1, 7), Register::Refused, "detached");
        l.life.store(pack(LAST_GENERATION, LIVE), Relaxed);
        assert!(!l.renew());
        assert_eq!(l.state(LAST_GENERATION), State::Live);
    }

    #[test]
    fn joined_after_the_end() {
        let l = Life::default();
        let g = l.open(false);
        assert_eq!(l.state(g), State::Live);
        assert_eq!(l.end(g), End::Kept);
        assert_eq!(l.register(g, 7), Register::Ended);
        assert!(l.claim(g) && !l.claim(g));
        assert!(l.close());
        assert_eq!(l.state(g), State::Gone);
        assert_eq!(l.register(g, 7), Register::Refused);
        let g2 = l.open(false);
        assert_eq!((g2, l.register(g, 7)), (g + 1, Register::Refused), "a stale handle");
        assert_eq!(l.register(g2, 7), Register::Wait);
        assert_eq!(l.register(g2, 8), Register::Refused, "a second joiner");
        l.withdraw(g2, 7);
        assert_eq!(l.register(g2, 8), Register::Wait);
        assert_eq!(l.end(g2), End::Wake(8));
    }

    #[test]
    fn detached_before_and_after_the_end() {
        let l = Life::default();
        let g = l.open(false);
        assert_eq!(l.detach(g), Detach::Done);
        assert_eq!(l.detach(g), Detach::Refused);
        assert_eq!(l.end(g), End::Close);
        assert!(l.close());
        let g = l.open(false);
        assert_eq!(l.end(g), End::Kept);
        assert_eq!(l.detach(g), Detach::Close);
        assert!(l.close());
        let g = l.open(true);
        assert_eq!(l.register(g, 1), Register::Refused);
        assert_eq!(l.detach(g), Detach::Refused);
    }

    #[test]
    fn generations_end() {
        let l = Life { life: AtomicU64::new(pack(LAST_GENERATION, FREE)), ..Life::default() };
        let g = l.open(true);
        assert_eq!(g, LAST_GENERATION);
        assert!(!l.close(), "the slot is retired");
    }
}
