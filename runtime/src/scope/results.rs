//! Results by number, in chunks that double: a slot stays where it is, and a chunk is made outside
//! of the guard that protects the rest.

use crate::err::Errno;
use std::ffi::c_void;
use std::ptr::null_mut;

/// Slots in the first chunk.
const FIRST: usize = 16;
/// Chunks for i32::MAX slots.
const CHUNKS: usize = 28;

/// What a child has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing yet.
    Running,
    /// It was never spawned.
    Never,
    /// It has ended, with an error or 0.
    Ended(i32),
}

/// What a child left.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// What it returned.
    pub result: *mut c_void,
    /// How.
    pub outcome: Outcome,
}

/// Slots for some numbers in succession.
pub type Chunk = Vec<Slot>;

/// See the module.
#[derive(Default, Debug)]
pub struct Results {
    chunks: [Chunk; CHUNKS],
}

/// Chunk and place in it.
fn place(number: usize) -> (usize, usize) {
    let n = number + FIRST;
    let k = (n.ilog2() - FIRST.ilog2()) as usize;
    (k, n - (FIRST << k))
}

/// A chunk for that number. ENOMEM.
pub fn make(number: usize) -> Result<Chunk, Errno> {
    let len = FIRST << place(number).0;
    let mut chunk = Vec::new();
    chunk.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
    chunk.resize(len, Slot { result: null_mut(), outcome: Outcome::Running });
    Ok(chunk)
}

impl Results {
    /// Whether there is a slot for the number.
    pub fn has(&self, number: usize) -> bool {
        self.chunks.get(place(number).0).is_some_and(|c| !c.is_empty())
    }

    /// Takes a chunk made for the number, unless it has one: then it comes back.
    pub fn give(&mut self, number: usize, chunk: Chunk) -> Chunk {
        match self.chunks.get_mut(place(number).0) {
            Some(c) if c.is_empty() => std::mem::replace(c, chunk),
            _ => chunk,
        }
    }

    /// Takes a chunk out, to be freed elsewhere; none: there is none left.
    pub fn pop(&mut self) -> Option<Chunk> {
        self.chunks.iter_mut().find(|c| !c.is_empty()).map(std::mem::take)
    }

    /// The slot of a number.
    pub fn slot(&mut self, number: usize) -> Option<&mut Slot> {
        let (k, i) = place(number);
        self.chunks.get_mut(k)?.get_mut(i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_each_other_without_a_gap() {
        let mut before = (0, usize::MAX);
        for n in 0..100_000 {
            let (k, i) = place(n);
            assert!((k, i) == (before.0, before.1.wrapping_add(1)) || (k, i) == (before.0 + 1, 0));
            assert!(i < FIRST << k);
            before = (k, i);
        }
        assert!(place(i32::MAX as usize).0 < CHUNKS);
    }

    #[test]
    fn a_slot_keeps_what_is_put_there() {
        let mut r = Results::default();
        for n in [0, 15, 16, 47, 48, 1000] {
            assert!(r.slot(n).is_none_or(|s| s.outcome == Outcome::Running));
            if !r.has(n)
                && let Ok(c) = make(n)
            {
                assert!(r.give(n, c).is_empty());
            }
            assert!(r.has(n));
            if let Some(s) = r.slot(n) {
                s.outcome = Outcome::Ended(n as i32);
            }
        }
        assert!(make(3).is_ok_and(|c| r.give(3, c).len() == FIRST), "not needed");
        for n in [0, 15, 16, 47, 48, 1000] {
            assert_eq!(r.slot(n).map(|s| s.outcome), Some(Outcome::Ended(n as i32)));
        }
        assert_eq!(std::iter::from_fn(|| r.pop()).count(), 4);
        assert!(!r.has(0));
    }
}
