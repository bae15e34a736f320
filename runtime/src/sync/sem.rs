//! A counting semaphore. First come, first served: who wants many is not overtaken by who wants
//! few.
#![allow(unsafe_code)]

use super::here;
use crate::arch::Step;
use crate::err::Errno;
use crate::prim::Cell;
use crate::sched::VCpu;
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue};
use crate::wait::step::{self, Call, Outcome, Place};
use crate::wait::{Deadline, Stop, give_back, hold, holding};

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct Semaphore {
    word: Word,
    count: Cell<u32>,
    waiters: Queue,
}

// SAFETY: the cells and the queue are touched by who holds `word`.
unsafe impl Sync for Semaphore {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Semaphore {}

/// A call that takes some.
#[derive(Clone, Copy, Debug)]
pub struct Take<'a>(&'a Semaphore, u32);

impl Call for Take<'_> {
    #[inline(always)]
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome {
        let Take(s, n) = self;
        holding(&s.word, v, || {
            let count = s.count.get();
            if count >= n && s.waiters.is_empty() {
                s.count.set(count - n);
                return Some(Ok(()));
            }
            if now {
                return Some(Err(Errno::EAGAIN));
            }
            // SAFETY: granted, or taken out by `stopped`, before the call is done.
            unsafe { s.waiters.push(place.node(n as usize)) };
            None
        })
    }

    #[cold]
    fn stopped(self, node: &Node, stop: Stop, d: Deadline) -> Result<(), Errno> {
        let (s, v) = (self.0, here());
        let held = hold(&s.word, v);
        if !node.queued() {
            drop(held);
            node.outwait();
            give_back(stop);
            return Ok(());
        }
        s.waiters.remove(node);
        // It may have been in the way of who wants less.
        let grants = s.serve();
        drop(held);
        grants.wake(v);
        Err(stop.errno(d))
    }
}

impl Semaphore {
    /// Holds nothing.
    pub const fn new() -> Semaphore {
        Semaphore { word: Word::new(), count: Cell::new(0), waiters: Queue::new() }
    }

    /// Takes `n`, and waits until it can.
    pub fn wait(&self, n: u32, timeout_ns: i64) -> Result<(), Errno> {
        step::run(Take(self, n), timeout_ns)
    }

    /// The first half of a wait.
    ///
    /// # Safety
    /// As [`step::begin`]'s, for [`Take`]; the semaphore outlives the call.
    #[inline(always)]
    pub unsafe fn begin_wait(&self, n: u32, timeout_ns: i64, frame: *mut u8) -> Step {
        // SAFETY: the caller's.
        unsafe { step::begin(Take(self, n), timeout_ns, frame) }
    }

    /// Gives `n`. EOVERFLOW: there would be more than 2^32 - 1, and nothing has changed.
    #[inline(always)]
    pub fn post(&self, n: u32) -> Result<(), Errno> {
        let v = here();
        let grants = holding(&self.word, v, || {
            self.count.set(self.count.get().checked_add(n).ok_or(Errno::EOVERFLOW)?);
            Ok(self.serve())
        })?;
        grants.wake(v);
        Ok(())
    }

    /// Under the guard: who can have what it waits for.
    #[inline(always)]
    fn serve(&self) -> Grants {
        let mut grants = Grants::default();
        while let Some(node) = self.waiters.first()
            && let Some(left) = self.count.get().checked_sub(node.arg.get() as u32)
        {
            self.count.set(left);
            grants.take(&self.waiters, node, 1);
        }
        grants
    }

    /// What can be taken now; a hint.
    pub fn value(&self) -> u32 {
        holding(&self.word, here(), || self.count.get())
    }
}
