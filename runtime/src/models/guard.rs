//! Guards: see `wait::guard`.

use crate::wait::guard::{SEVERAL, Vcpus, Word, leave};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;

/// Two vCPUs and a plain thread as a guard's world.
#[derive(Default)]
struct Inside([AtomicUsize; 2]);

impl Vcpus for Inside {
    fn inside(&self, vcpu: u32) -> &AtomicUsize {
        &self.0[vcpu as usize - 1]
    }
    fn settle(&self) {
        unreachable!("the models' fences do not fail")
    }
    fn pause(&self, _: u32) {
        thread::yield_now();
    }
}

struct Guarded {
    word: Word,
    world: Inside,
    value: UnsafeCell<u32>,
}

#[allow(unsafe_code)]
// SAFETY: the models check that `value` is not touched by two threads at once.
unsafe impl Sync for Guarded {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    fn new() -> Arc<Guarded> {
        let world = Inside::default();
        Arc::new(Guarded { word: Word::default(), world, value: UnsafeCell::new(0) })
    }

    /// Biased to vCPU 1; the value is 3.
    fn biased() -> Arc<Guarded> {
        let g = Guarded::new();
        (0..3).for_each(|_| g.add(1));
        g
    }

    /// Adds one, as `wait::hold` has it. `me`: a vCPU, or 0.
    #[allow(unsafe_code)]
    fn add(&self, me: u32) {
        let inside = (me != 0).then(|| self.world.inside(me));
        let biased = inside.is_some_and(|i| self.word.enter(me, i));
        if !biased {
            self.word.lock(me, &self.world);
        }
        // SAFETY: loom reports a race.
        self.value.with_mut(|p| unsafe { *p += 1 });
        match inside {
            Some(i) if biased => leave(i),
            _ => self.word.unlock(me, true),
        }
    }
}

/// A vCPU makes the word its own while another takes it away; all additions count, none at once.
#[test]
fn a_bias_is_made_and_taken_away() {
    loom::model(|| {
        let g = Guarded::new();
        g.add(1);
        let other = g.clone();
        let t = thread::spawn(move || other.add(2));
        (0..3).for_each(|_| g.add(1));
        assert!(t.join().is_ok());
        assert_eq!(value_of(&g), 5);
    });
}

/// The word is biased already; a vCPU and a plain thread both take that away, while its own is
/// inside.
#[test]
fn two_take_a_bias_away() {
    loom::model(|| {
        let g = Guarded::biased();
        assert!(g.word.is_biased(1));
        let others = [2, 0].map(|me| {
            let g = g.clone();
            thread::spawn(move || g.add(me))
        });
        g.add(1);
        for t in others {
            assert!(t.join().is_ok());
        }
        assert_eq!(value_of(&g), 6);
        assert!(!g.word.is_biased(1));
    });
}

/// One that is inside of several at once counts for each of them.
#[test]
#[allow(unsafe_code)]
fn several_words_held_by_their_bias() {
    loom::model(|| {
        let g = Guarded::biased();
        let other = g.clone();
        let t = thread::spawn(move || other.add(2));
        let inside = g.world.inside(1);
        inside.store(SEVERAL, Release);
        crate::asym::light();
        if g.word.is_biased(1) {
            // SAFETY: loom reports a race.
            g.value.with_mut(|p| unsafe { *p += 1 });
            leave(inside);
        } else {
            leave(inside);
            g.add(1);
        }
        assert!(t.join().is_ok());
        assert_eq!(value_of(&g), 5);
    });
}

#[allow(unsafe_code)]
fn value_of(g: &Guarded) -> u32 {
    // SAFETY: loom reports a race.
    g.value.with(|p| unsafe { *p })
}
