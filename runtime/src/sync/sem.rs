//! A counting semaphore. First come, first served: who wants many is not overtaken by who wants
//! few.
#![allow(unsafe_code)]

use crate::arch::Step;
use crate::err::Errno;
use crate::prim::Cell;
use crate::sched::VCpu;
use crate::wait::caller::{give_up, here};
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue};
use crate::wait::step::{self, Call, Came, Outcome, Place, Short};
use crate::wait::{Deadline, Stop, holding, if_biased};

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

/// What the short way of a post has come to.
enum Posted<'a> {
    /// The semaphore has it.
    Kept,
    /// This waiter has it, which is out of the queue and is to be granted.
    For(&'a Node),
    /// Nothing has been done.
    Nothing,
}

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

    fn stopped(self, node: &Node, stop: Stop, d: Deadline) -> Result<(), Errno> {
        let s = self.0;
        // It may have been in the way of who wants less.
        match give_up(&s.word, &s.waiters, node, stop, || s.serve()) {
            Ok(_) => Ok(()),
            Err(stop) => Err(stop.errno(d)),
        }
    }
}

impl Short for Take<'_> {
    #[inline(always)]
    fn short(self, v: &'static VCpu, now: bool, place: Place<'_>) -> Came {
        let Take(s, n) = self;
        let came = if_biased(&s.word, v, || {
            if let Some(left) = s.count.get().checked_sub(n)
                && s.waiters.is_empty()
            {
                s.count.set(left);
                Came::Done
            } else if now {
                Came::Nowhere
            } else {
                // SAFETY: granted, or taken out by `stopped`, before the call is done.
                unsafe { s.waiters.push(place.node(n as usize)) };
                Came::Queued
            }
        });
        came.unwrap_or(Came::Nowhere)
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
        let came = here().map(|v| (v, if_biased(&self.word, v, || self.post_short(n))));
        match came {
            Some((_, Some(Posted::Kept))) => Ok(()),
            Some((v, Some(Posted::For(node)))) => {
                node.grant(1, Some(v));
                Ok(())
            }
            _ => self.post_long(n),
        }
    }

    /// Under the guard: what happens most. Nobody waits, or one who can have it and is the only one.
    #[inline(always)]
    fn post_short(&self, n: u32) -> Posted<'_> {
        let Some(count) = self.count.get().checked_add(n) else { return Posted::Nothing };
        if self.waiters.is_empty() {
            self.count.set(count);
            return Posted::Kept;
        }
        match self.waiters.only() {
            Some(node) if count >= node.arg.get() as u32 => {
                self.waiters.take_only();
                self.count.set(count - node.arg.get() as u32);
                Posted::For(node)
            }
            _ => Posted::Nothing,
        }
    }

    /// The long way.
    #[cold]
    #[inline(never)]
    fn post_long(&self, n: u32) -> Result<(), Errno> {
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
