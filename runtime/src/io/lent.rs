//! The word of something that is lent: see `buffer`.
//!
//! ```text
//!   generation (31) << 1 | held
//! ```
//! The owner lends it when nobody holds it; whoever presents the generation that it was lent under
//! gives it back, once, from any thread. A later generation, or the same one again, finds nothing
//! to give back.

use crate::prim::atomic::{AtomicU32, Ordering::*};

/// See the module.
#[derive(Debug, Default)]
pub struct Lent {
    word: AtomicU32,
}

impl Lent {
    /// Owner, while nobody holds it: lends it. The generation.
    #[inline]
    pub fn lend(&self) -> u32 {
        // Nobody else writes to the word of what is not held.
        let word = (self.word.load(Relaxed) | 1).wrapping_add(2);
        self.word.store(word, Relaxed);
        word >> 1
    }

    /// Gives it back; false: it is not lent under this generation.
    #[inline]
    pub fn give_back(&self, generation: u32) -> bool {
        if generation >> 31 != 0 {
            return false;
        }
        let held = generation << 1 | 1;
        // What the holder did with the memory reaches the next one through the owner's own order,
        // or through the inbox that it is put into next.
        self.word.compare_exchange(held, held & !1, Relaxed, Relaxed).is_ok()
    }
}
