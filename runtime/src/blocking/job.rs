//! A job on the stack of the coroutine that waits for it: cheap, and what it does may use all that
//! the waiter has. It can be withdrawn until a thread has begun it; then it is waited for.
#![allow(unsafe_code)]

use super::pool::Pool;
use super::queue::{After, Head};
use crate::err::Errno;
use crate::task::TaskRef;
use std::cell::{Cell, UnsafeCell};

/// What a thread of a pool does.
pub trait Work {
    /// What it comes to.
    type Out: Copy;
    /// Called once.
    fn run(&mut self) -> Self::Out;
}

impl<T: Copy, F: FnMut() -> T> Work for F {
    type Out = T;
    fn run(&mut self) -> T {
        self()
    }
}

/// See the module.
#[derive(Debug)]
#[repr(C)]
pub struct Job<F: Work> {
    head: Head,
    pool: &'static Pool,
    call: UnsafeCell<F>,
    result: Cell<Option<F::Out>>,
}

impl<F: Work> Job<F> {
    /// For the coroutine `task`, in that pool.
    pub fn new(pool: &'static Pool, task: TaskRef, call: F) -> Job<F> {
        Job {
            // SAFETY: `run` is for this type, and the head is the head of this job.
            head: unsafe { Head::new(task.waiter(), Self::run, After::Wake) },
            pool,
            call: UnsafeCell::new(call),
            result: Cell::new(None),
        }
    }

    /// # Safety
    /// `head` is that of a live Job of this type, and this the only call on it.
    unsafe fn run(head: *const Head) {
        // SAFETY: the caller's; the waiter touches neither field before the word has ended.
        unsafe {
            let job = head.cast::<Self>();
            (*job).result.set(Some((*(*job).call.get()).run()));
        }
    }

    fn head(&self) -> *const Head {
        std::ptr::from_ref(self).cast()
    }

    /// Whether it has run.
    pub fn done(&self) -> bool {
        self.head.word.done()
    }

    /// What it came to; none before it has run.
    pub fn result(&self) -> Option<F::Out> {
        if self.done() { self.result.get() } else { None }
    }

    /// Hands it to the pool. An error: no thread to be had, and it is not in the queue.
    ///
    /// # Safety
    /// The job stays where it is until it is done or withdrawn.
    pub unsafe fn submit(&self) -> Result<(), Errno> {
        // SAFETY: the caller's.
        unsafe { self.pool.submit(self.head(), false) }
    }

    /// The same if a thread can have it at once. EAGAIN: none can.
    ///
    /// # Safety
    /// As `submit`.
    pub unsafe fn submit_now(&self) -> Result<(), Errno> {
        // SAFETY: the caller's.
        unsafe { self.pool.submit(self.head(), true) }
    }

    /// Takes it back if no thread has begun it. False: it is running or done, and must be waited
    /// for.
    #[must_use]
    pub fn withdraw(&self) -> bool {
        self.pool.withdraw(&self.head)
    }
}
