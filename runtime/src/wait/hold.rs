//! Guards as the runtime's objects use them: [`hold`] an object, or [`hold_all`] of several.

use super::guard::{SEVERAL, Vcpus, Word, in_order, leave};
use crate::asym;
use crate::sched::{VCpu, vcpu};
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::time::Duration;

/// Spins, then steps aside for others, then sleeps.
const SPINS: u32 = 7;
const YIELDS: u32 = 40;
const NAP: Duration = Duration::from_micros(50);
/// By when a store has certainly reached the other CPUs: their buffers drain within a microsecond,
/// at the latest when an interrupt comes.
const SETTLED: Duration = Duration::from_millis(10);

struct World;

impl Vcpus for World {
    fn inside(&self, n: u32) -> &AtomicUsize {
        static NOWHERE: AtomicUsize = AtomicUsize::new(0);
        vcpu((n as usize).wrapping_sub(1)).map_or(&NOWHERE, |v| &v.inside)
    }

    fn settle(&self) {
        std::thread::sleep(SETTLED);
    }

    #[inline]
    fn pause(&self, n: u32) {
        pause(n);
    }
}

/// One step of waiting for another thread that is about to be done.
#[cold]
pub fn pause(n: u32) {
    match n {
        0..SPINS => (0..1 << n).for_each(|_| std::hint::spin_loop()),
        SPINS..YIELDS => std::thread::yield_now(),
        _ => std::thread::sleep(NAP),
    }
}

/// An object held; let go when dropped, which is the last touch of it.
#[derive(Debug)]
pub struct Held<'a> {
    word: &'a Word,
    /// The caller's vCPU, if it is inside by the word's bias to it.
    biased: Option<&'static VCpu>,
    me: u32,
}

/// Waits until the caller has the object to itself. `v` is the caller's vCPU. Until it is let go
/// the caller must not hold another one, switch, or block.
#[inline(always)]
pub fn hold<'a>(word: &'a Word, v: Option<&'static VCpu>) -> Held<'a> {
    let me = v.map_or(0, |v| v.bias.get());
    if let Some(v) = v
        && word.enter(me, &v.inside)
    {
        return Held { word, biased: Some(v), me };
    }
    locked(word, me)
}

#[inline(never)]
fn locked(word: &Word, me: u32) -> Held<'_> {
    word.lock(me, &World);
    Held { word, biased: None, me }
}

impl Held<'_> {
    /// Lets it go as an object that nobody has used yet: for memory that is to be another object.
    pub fn renew(self) {
        self.word.renew();
        if let Some(v) = self.biased {
            leave(&v.inside);
        }
        std::mem::forget(self);
    }
}

impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.biased {
            Some(v) => leave(&v.inside),
            None => self.word.unlock(self.me, asym::enabled()),
        }
    }
}

/// [`hold`] for the length of `f`, made for speed: the way by the bias keeps everything in registers.
#[inline(always)]
pub fn holding<R>(word: &Word, v: Option<&'static VCpu>, f: impl FnOnce() -> R) -> R {
    let biased = v.filter(|v| word.enter(v.bias.get(), &v.inside));
    if biased.is_none() {
        lock(word, v);
    }
    let r = f();
    match biased {
        Some(v) => leave(&v.inside),
        None => unlock(word, v),
    }
    r
}

/// [`holding`] only if the word is biased to the caller's vCPU `v`; otherwise nothing is done. For
/// short ways that leave everything else to another function: theirs need no register that a callee
/// keeps.
#[inline(always)]
pub fn if_biased<R>(word: &Word, v: &VCpu, f: impl FnOnce() -> R) -> Option<R> {
    if !word.enter(v.bias.get(), &v.inside) {
        return None;
    }
    let r = f();
    leave(&v.inside);
    Some(r)
}

#[inline(never)]
fn lock(word: &Word, v: Option<&VCpu>) {
    word.lock(v.map_or(0, |v| v.bias.get()), &World);
}

#[inline(never)]
fn unlock(word: &Word, v: Option<&VCpu>) {
    word.unlock(v.map_or(0, |v| v.bias.get()), asym::enabled());
}

/// Several objects held.
#[derive(Debug)]
pub struct HeldAll<'w, 'a> {
    /// Those that are locked.
    words: &'w [&'a Word],
    biased: Option<&'static VCpu>,
    me: u32,
}

/// As [`hold`], for several at once, in any order; one may be there twice. Leaves `words` in
/// another order.
#[inline]
pub fn hold_all<'w, 'a>(words: &'w mut [&'a Word], v: Option<&'static VCpu>) -> HeldAll<'w, 'a> {
    let me = v.map_or(0, |v| v.bias.get());
    if let Some(v) = v
        && me != 0
    {
        // Release: as in Word::enter.
        v.inside.store(SEVERAL, Release);
        asym::light();
        if words.iter().all(|w| w.is_biased(me)) {
            return HeldAll { words: &[], biased: Some(v), me };
        }
        leave(&v.inside);
    }
    lock_all(words, me)
}

#[inline(never)]
fn lock_all<'w, 'a>(words: &'w mut [&'a Word], me: u32) -> HeldAll<'w, 'a> {
    let words = in_order(words);
    words.iter().for_each(|w| w.lock(me, &World));
    HeldAll { words, biased: None, me }
}

impl Drop for HeldAll<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        match self.biased {
            Some(v) => leave(&v.inside),
            None => self.words.iter().for_each(|w| w.unlock(self.me, asym::enabled())),
        }
    }
}
