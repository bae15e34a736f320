//! L0: the scheduler's own randomness, behind a seam: one seed (the config's, or the system's)
//! gives every vCPU its stream, so that a simulation can repeat every choice.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// A stream of 64-bit numbers: splitmix64 (Steele, Lea, Flood 2014). Not for secrets.
#[derive(Debug)]
pub struct Rng(Cell<u64>);

impl Rng {
    /// A stream from a seed; equal seeds give equal streams.
    pub const fn new(seed: u64) -> Rng {
        Rng(Cell::new(seed))
    }

    /// Starts the stream again from a seed.
    pub fn reseed(&self, seed: u64) {
        self.0.set(seed);
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let s = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(s);
        let z = (s ^ (s >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n` (`n` > 0), evenly enough for choosing a victim.
    pub fn below(&self, n: usize) -> usize {
        ((self.next() >> 32) as usize) % n
    }
}

/// A seed from the system.
pub fn system_seed() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_from_a_seed() {
        let (a, b) = (Rng::new(7), Rng::new(7));
        assert!((0..100).all(|_| a.next() == b.next()));
        assert!((0..100).all(|_| a.below(3) < 3));
        assert_ne!(Rng::new(8).next(), Rng::new(7).next());
    }
}
