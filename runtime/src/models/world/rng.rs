//! Chance, as the models have it: none, since loom must come to the same point again.

/// As `rng::Rng`.
#[derive(Debug)]
pub struct Rng;

impl Rng {
    /// As there.
    pub const fn new(_: u64) -> Rng {
        Rng
    }

    /// As there: the first.
    pub fn below(&self, _: usize) -> usize {
        0
    }
}

/// As `rng::system_seed`.
pub fn system_seed() -> u64 {
    0
}
