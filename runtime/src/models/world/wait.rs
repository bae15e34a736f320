//! What `wait` is to the models: its own guards and queues, and waiting threads that the model wakes.

#[path = "../../wait/caller.rs"]
pub mod caller;
#[path = "../../wait/deadline.rs"]
mod deadline;
#[path = "../../wait/guard.rs"]
pub mod guard;
#[path = "../../wait/queue.rs"]
pub mod queue;
#[path = "step.rs"]
pub mod step;

pub use crate::claim;
pub use deadline::{Deadline, Stop, deadline};

use crate::err::Errno;
use crate::parker::Parker;
use crate::sched::{TaskRef, VCpu};
use guard::{Vcpus, Word};
use loom::sync::atomic::AtomicUsize;

fn no_coroutines() -> ! {
    unreachable!("there are no coroutines")
}

/// As `wait::begin`.
pub fn begin(_: &VCpu, _: TaskRef) -> Result<&'static VCpu, Errno> {
    no_coroutines()
}

/// As `wait::until`.
pub fn until(_: Deadline, _: impl FnMut() -> bool) -> Result<(), Stop> {
    no_coroutines()
}

/// As `wait::until_done`.
pub fn until_done(_: impl FnMut() -> bool) {
    no_coroutines()
}

/// As `wait::thread_until`: any finite deadline passes when the parker has been told so.
pub fn thread_until(d: Deadline, p: &Parker, mut ready: impl FnMut() -> bool) -> Result<(), Stop> {
    while !ready() {
        if d != Deadline::Never && p.late() {
            return Err(Stop::Timeout);
        }
        p.park(None);
    }
    Ok(())
}

/// As `wait::give_back`; threads are not interrupted.
pub fn give_back(_: Stop) {}

/// As `wait::pause`.
pub fn pause(_: u32) {
    loom::thread::yield_now();
}

struct World;

impl Vcpus for World {
    fn inside(&self, _: u32) -> &AtomicUsize {
        no_coroutines()
    }
    fn settle(&self) {
        no_coroutines()
    }
    fn pause(&self, n: u32) {
        pause(n);
    }
}

/// As `wait::Held`.
pub struct Held<'a>(&'a Word);

/// As `wait::hold`.
pub fn hold<'a>(word: &'a Word, _: Option<&VCpu>) -> Held<'a> {
    word.lock(0, &World);
    Held(word)
}

impl Held<'_> {
    /// As there.
    pub fn renew(self) {
        self.0.renew();
        std::mem::forget(self);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.unlock(0, false);
    }
}

/// As `wait::holding`.
pub fn holding<R>(word: &Word, v: Option<&VCpu>, f: impl FnOnce() -> R) -> R {
    let _held = hold(word, v);
    f()
}

/// As `wait::HeldAll`.
pub struct HeldAll<'w, 'a>(&'w [&'a Word]);

/// As `wait::hold_all`.
pub fn hold_all<'w, 'a>(words: &'w mut [&'a Word], _: Option<&VCpu>) -> HeldAll<'w, 'a> {
    let words = guard::in_order(words);
    words.iter().for_each(|w| w.lock(0, &World));
    HeldAll(words)
}

impl Drop for HeldAll<'_, '_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|w| w.unlock(0, false));
    }
}
