//! Errands: jobs on the heap, which own what they read and what they give. So a waiter whose time is
//! up leaves a call that can't be stopped, and takes nothing away from the thread that is at it: the
//! lookup of a name. Coroutines and plain threads.
//!
//! ```text
//!   caller --errand--> queue --> thread: makes the call
//!     |  waits: deadline, cancel      |
//!     +-- it is done: takes the result and frees it
//!     +-- it is queued: takes it out and frees it
//!     +-- it is running: leaves it; the thread frees it
//! ```
//! A thread that is held up by an errand counts under the cap as long as that lasts: when all are,
//! further errands time out in the queue instead of making more threads.
#![allow(unsafe_code)]

use super::pool::Pool;
use super::queue::{After, Head};
use crate::err::Errno;
use crate::parker;
use crate::sched::running;
use crate::wait::{self, Deadline};
use std::alloc::Layout;
use std::ptr::NonNull;

/// The fields behind `head` are the caller's until it is queued, the thread's while it runs, and
/// theirs who frees it after that.
#[repr(C)]
struct Errand<F, T> {
    head: Head,
    call: Option<F>,
    result: Option<T>,
}

impl<F: FnOnce() -> T, T> Errand<F, T> {
    /// On the heap. ENOMEM.
    fn make(waiter: u32, call: F) -> Result<NonNull<Self>, Errno> {
        // SAFETY: both functions are for this type, and the head is that of this errand.
        let head = unsafe { Head::new(waiter, Self::run, After::WakeOrFree(Self::free)) };
        let errand = Errand { head, call: Some(call), result: None };
        // SAFETY: a Head is not empty, so the layout is not.
        let place = unsafe { std::alloc::alloc(Layout::new::<Self>()) }.cast::<Self>();
        let place = NonNull::new(place).ok_or(Errno::ENOMEM)?;
        // SAFETY: just allocated with its layout.
        unsafe { place.write(errand) };
        Ok(place)
    }

    /// # Safety
    /// `head` is of a live Errand of this type that the caller has to itself.
    unsafe fn run(head: *const Head) {
        let errand = head.cast::<Self>().cast_mut();
        // SAFETY: the caller's; the head, which others look at, is not touched.
        unsafe {
            let call = (*errand).call.take();
            (*errand).result = call.map(|call| call());
        }
    }

    /// # Safety
    /// As `run`, and for the last time.
    unsafe fn free(head: *const Head) {
        // SAFETY: allocated by `make` with this type's layout, as a Box is.
        drop(unsafe { Box::from_raw(head.cast::<Self>().cast_mut()) });
    }
}

impl Pool {
    /// Has a thread make a call and waits for it, in a coroutine or on a plain thread. ETIMEDOUT,
    /// ECANCELED and the like: the call may still be going on, for nobody. EAGAIN: with
    /// [`Deadline::Now`], or there is no thread to be had; ENOMEM.
    pub fn errand<T: Send + 'static>(
        &'static self,
        deadline: Deadline,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Errno> {
        if deadline == Deadline::Now {
            return Err(Errno::EAGAIN);
        }
        let waiter = match running() {
            Some((_, task)) => task.waiter(),
            None => parker::with(|id, _| id),
        };
        self.carry_out(deadline, waiter, call)
    }

    fn carry_out<T, F: FnOnce() -> T>(
        &'static self,
        deadline: Deadline,
        waiter: u32,
        call: F,
    ) -> Result<T, Errno> {
        let errand = Errand::make(waiter, call)?;
        let head = errand.as_ptr().cast::<Head>().cast_const();
        // SAFETY: on the heap until it is left or freed below.
        if let Err(e) = unsafe { self.submit(head, false) } {
            // SAFETY: nobody else has it.
            unsafe { Errand::<F, T>::free(head) };
            return Err(e);
        }
        // SAFETY: not freed before `leave`; a thread that has it changes only the word.
        let done = || unsafe { (*head).word.done() };
        let stopped = match running() {
            Some(_) => wait::until(deadline, done),
            None => parker::with(|_, p| wait::thread_until(deadline, p, done)),
        };
        // SAFETY: made above; not touched after this.
        match (unsafe { self.leave(errand) }, stopped) {
            (Some(result), Ok(())) => Ok(result),
            (Some(result), Err(stop)) => {
                wait::give_back(stop);
                Ok(result)
            }
            (None, Err(stop)) => Err(stop.errno(deadline)),
            // Done without a result: the call did not return.
            (None, Ok(())) => Err(Errno::EIO),
        }
    }

    /// The caller goes. The result, if the call is done; otherwise the errand is nobody's any more.
    ///
    /// # Safety
    /// `errand` has been submitted here, and this is the caller's last touch.
    unsafe fn leave<F: FnOnce() -> T, T>(
        &'static self,
        errand: NonNull<Errand<F, T>>,
    ) -> Option<T> {
        let head = errand.as_ptr().cast::<Head>().cast_const();
        // SAFETY: whoever has abandoned it does not touch it; otherwise no thread has it.
        unsafe {
            if !self.withdraw(&*head) && (*head).word.abandon() {
                return None;
            }
            let result = (*errand.as_ptr()).result.take();
            Errand::<F, T>::free(head);
            result
        }
    }
}

#[cfg(test)]
mod tests;
