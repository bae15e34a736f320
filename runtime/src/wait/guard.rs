//! A word that guards an object for a few instructions: the state of a mutex, a semaphore, a
//! channel, and the list of who waits for it. Never held across a switch, a system call, an
//! allocation.
//!
//! An atomic read-modify-write costs more than a switch here (6 ns against 2), and most objects are
//! used by the coroutines of one vCPU, which can't get in each other's way. So a word can be
//! **biased** to a vCPU, whose coroutines then enter with plain loads and stores:
//! ```text
//! 31        20 19       8 7      3   2       1       0
//! |    -      |  vCPU    | count  | SHARED BIASED LOCKED |
//!
//! 0 --lock, unlock by one vCPU, 16 times in succession--> BIASED to it --somebody else comes--> SHARED
//! ```
//! - LOCKED: a spin lock, for everybody.
//! - BIASED, by its vCPU: write the word's address into the vCPU's `inside`, look whether the word
//!   is still biased, do what is to be done, clear `inside`. Nothing else of that vCPU can run in
//!   between, so this is all.
//! - BIASED, by somebody else: exchange the word for LOCKED | SHARED, so that the vCPU does not
//!   come in any more, then wait until its `inside` is another. `inside` then the word on one side,
//!   the word then `inside` on the other, with an asymmetric fence between ([`crate::asym`]): one
//!   of them sees the other. It costs a system call, once in an object's life: SHARED stays. The
//!   vCPU is in there for some nanoseconds, so the wait is a spin.
//!
//! An object that is zero begins without a bias and gets one only after a while, so one that lives
//! shortly between two threads never pays for taking it back. Plain threads, external groups and
//! systems without membarrier(2) use the lock alone.
//!
//! **Memory.** Leaving is the last touch of the object: one plain store, of the word or of
//! `inside`, after which whoever gets in next may free it. (A lock word with sleepers in the kernel
//! would need another look after that.)
//!
//! **Spinning.** A holder is in there for 10 ns, unless its thread loses its CPU: then who waits
//! gives its own away, and at last sleeps for moments.
//!
//! Biased locking is Kawachiya, Koseki and Onodera's and HotSpot's (OpenJDK dropped it, for what it
//! cost a virtual machine; here it is forty lines and three times faster). Rejected: an owner's
//! queue besides a shared one for each object (two places to look at, and order between them); a
//! count of entries instead of an address (a vCPU that enters all the time would never be seen
//! outside).

use crate::asym;
use crate::prim::atomic::{AtomicU32, AtomicUsize, Ordering::*};

const LOCKED: u32 = 1;
const BIASED: u32 = 2;
const SHARED: u32 = 4;
const ONE: u32 = 8;
const VCPU_SHIFT: u32 = 8;
/// Entries of one vCPU in succession that make a bias.
const ENOUGH: u32 = if cfg!(loom) { 1 } else { 16 };
/// What `inside` says while several words are held at once.
pub const SEVERAL: usize = 1;

const _: () = assert!(ENOUGH * ONE < 1 << VCPU_SHIFT);

/// See the module. Zero is a valid one.
#[derive(Default, Debug)]
#[repr(transparent)]
pub struct Word(AtomicU32);

/// What the protocol needs of the world.
pub trait Vcpus {
    /// A vCPU's `inside`, by its number as a guard (from 1).
    fn inside(&self, vcpu: u32) -> &AtomicUsize;
    /// Where there can't be a heavy fence any more: returns when whatever any CPU had written
    /// before has reached the others.
    fn settle(&self);
    /// One step of waiting for another thread; `n` counts them from 0.
    fn pause(&self, n: u32);
}

impl Word {
    /// Zero.
    #[cfg(not(loom))]
    pub const fn new() -> Word {
        Word(AtomicU32::new(0))
    }

    /// A model: its memory is used for something else from now on. What is not certain to have come
    /// before is reported.
    #[cfg(loom)]
    pub fn freed(&mut self) {
        self.0.with_mut(|_| ());
    }

    #[inline(always)]
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Enters if the word is biased to the vCPU `me`, whose `inside` this is. (To 0 none is.)
    #[inline(always)]
    #[must_use]
    pub fn enter(&self, me: u32, inside: &AtomicUsize) -> bool {
        // Release: who takes the bias away and finds this has seen what was done inside before.
        inside.store(self.address(), Release);
        asym::light();
        if self.is_biased(me) {
            return true;
        }
        leave(inside);
        false
    }

    /// Whether it is biased to that vCPU; its own `inside` has been set before.
    #[inline(always)]
    pub fn is_biased(&self, me: u32) -> bool {
        // What the bias protects was written by this thread, or before the bias was made, which
        // this thread did: nothing to acquire.
        self.0.load(Relaxed) == BIASED | me << VCPU_SHIFT
    }

    /// Locks. `me`: the vCPU's number, or 0; it is inside of nothing.
    pub fn lock(&self, me: u32, world: &impl Vcpus) {
        for n in 0.. {
            let w = self.0.load(Relaxed);
            let wanted = if w & BIASED != 0 && w >> VCPU_SHIFT != me {
                LOCKED | SHARED
            } else {
                // Its own vCPU takes the bias for a lock (see several words at once).
                w & !BIASED | LOCKED
            };
            // Acquire: pairs with unlock.
            if w & LOCKED == 0 && self.0.compare_exchange_weak(w, wanted, Acquire, Relaxed).is_ok()
            {
                if w & BIASED != 0 && w >> VCPU_SHIFT != me {
                    self.outwait(w >> VCPU_SHIFT, world);
                }
                return;
            }
            world.pause(n);
        }
    }

    /// The bias has been taken from that vCPU, which may be inside still.
    #[cold]
    fn outwait(&self, vcpu: u32, world: &impl Vcpus) {
        if !asym::heavy() {
            world.settle();
        }
        let inside = world.inside(vcpu);
        let mut n = 0;
        // Acquire: pairs with enter and leave: what was done inside.
        while [self.address(), SEVERAL].contains(&inside.load(Acquire)) {
            world.pause(n);
            n += 1;
        }
    }

    /// By who is in, by lock or bias, before it goes: the object begins anew, without a past. Under
    /// the lock this lets it go; by the bias, [`leave`] is all that may follow.
    pub fn renew(&self) {
        // Release: pairs with lock.
        self.0.store(0, Release);
    }

    /// Unlocks, by who has locked. `bias`: the vCPU may be given the word.
    #[inline]
    pub fn unlock(&self, me: u32, bias: bool) {
        let w = self.0.load(Relaxed);
        let next = if w & SHARED != 0 {
            SHARED
        } else if w >> VCPU_SHIFT != me || me == 0 {
            me << VCPU_SHIFT
        } else if w & (ENOUGH * ONE) != 0 {
            if bias { BIASED | me << VCPU_SHIFT } else { w & !LOCKED }
        } else {
            (w & !LOCKED) + ONE
        };
        // Release: pairs with lock.
        self.0.store(next, Release);
    }
}

/// Each word once, in the order of their addresses, in which several are locked: two callers that
/// want the same ones can't wait for each other then. The slice still holds all of them.
pub fn in_order<'w, 'a>(words: &'w mut [&'a Word]) -> &'w [&'a Word] {
    words.sort_unstable_by_key(|w| w.address());
    let mut n = 0;
    for i in 0..words.len() {
        if n == 0 || !std::ptr::eq(words[n - 1], words[i]) {
            words[n] = words[i];
            n += 1;
        }
    }
    &words[..n]
}

/// The vCPU is outside again.
#[inline(always)]
pub fn leave(inside: &AtomicUsize) {
    // Release: pairs with the acquire in outwait.
    inside.store(0, Release);
}
