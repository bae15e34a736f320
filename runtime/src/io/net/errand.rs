//! Errands: calls into the C library that take as long as they take, can't be stopped, and need not
//! be waited for: the lookup of a name.
//!
//! ```text
//!   caller --Errand on the heap--> queue --> thread: makes the call
//!     |  waits: deadline, cancel                 |
//!     v                                          v
//!   QUEUED ---------------------------------> RUNNING ----> DONE      the caller takes the result
//!     |                                          |                    and frees it
//!     +-> taken out of the queue and freed       +-> ABANDONED        the thread frees it
//! ```
//! An errand owns what the call reads and what it gives, so a caller that leaves early (its time is
//! up, it is cancelled) takes nothing away from a thread that is at work: it says ABANDONED and
//! goes. All changes of state are made under the queue's mutex, and whoever makes the last one
//! frees the errand.
//!
//! The threads are not those of `engine::offload`: a name server that does not answer holds a
//! thread for half a minute, and files must not wait for that; and the library's name service wants
//! more stack than a system call. There are half as many at most, those that work on abandoned
//! errands included: so when all are held up, further lookups time out in the queue instead of
//! making more threads.
//!
//! [`shutdown`] ends and joins the threads that have nothing to do. One that is inside the library
//! cannot be ended: it is left behind, finishes its errand, whose caller is gone or is a plain
//! thread that waits for it, and ends by itself. It touches nothing of a runtime's but the waker's
//! table, which is never freed.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::parker;
use crate::sched::{running, wake_waiter};
use crate::wait::{self, Deadline};
use std::alloc::Layout;
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Name service modules are anybody's code; pages are there only when they are touched.
const STACK: usize = 1 << 20;
const IDLE: Duration = Duration::from_secs(10);
const DEFAULT_MAX: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Queued,
    Running,
    Done,
    Abandoned,
}

/// What the queue knows of an errand.
struct Head {
    /// Under the queue's mutex.
    state: State,
    waiter: u32,
    run: unsafe fn(NonNull<Head>),
    free: unsafe fn(NonNull<Head>),
}

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
    fn make(waiter: u32, call: F) -> Result<NonNull<Head>, Errno> {
        let head = Head { state: State::Queued, waiter, run: Self::run, free: Self::free };
        let errand = Errand { head, call: Some(call), result: None };
        // SAFETY: a Head is not empty, so the layout is not.
        let place = unsafe { std::alloc::alloc(Layout::new::<Self>()) }.cast::<Self>();
        let place = NonNull::new(place).ok_or(Errno::ENOMEM)?;
        // SAFETY: just allocated with its layout.
        unsafe { place.write(errand) };
        Ok(place.cast())
    }

    /// # Safety
    /// `head` is of a live Errand of this type that the caller has to itself.
    unsafe fn run(head: NonNull<Head>) {
        let errand = head.cast::<Self>().as_ptr();
        // SAFETY: the caller's; the head, which others look at, is not touched.
        unsafe {
            let call = (*errand).call.take();
            (*errand).result = call.map(|call| call());
        }
    }

    /// # Safety
    /// As `run`, and for the last time.
    unsafe fn free(head: NonNull<Head>) {
        // SAFETY: allocated by `make` with this type's layout, as a Box is.
        drop(unsafe { Box::from_raw(head.cast::<Self>().as_ptr()) });
    }

    /// # Safety
    /// As `run`.
    unsafe fn result(head: NonNull<Head>) -> Option<T> {
        // SAFETY: the caller's.
        unsafe { (*head.cast::<Self>().as_ptr()).result.take() }
    }
}

struct Thread {
    number: u64,
    idle: bool,
    /// None while it is being started.
    handle: Option<JoinHandle<()>>,
}

struct Queue {
    waiting: VecDeque<NonNull<Head>>,
    threads: Vec<Thread>,
    last: u64,
    max: usize,
    /// Raised by a shutdown: threads that were idle then end.
    epoch: u32,
}

// SAFETY: an errand in the queue is owned by it: what it holds is Send (see `run`).
unsafe impl Send for Queue {}

/// A queue and its threads; there is one, and tests have their own.
struct Pool {
    queue: Mutex<Queue>,
    work: Condvar,
}

static POOL: Pool = Pool::new();

impl Queue {
    fn thread(&mut self, number: u64) -> Option<&mut Thread> {
        self.threads.iter_mut().find(|t| t.number == number)
    }

    fn set_idle(&mut self, number: u64, idle: bool) {
        if let Some(t) = self.thread(number) {
            t.idle = idle;
        }
    }

    fn forget(&mut self, number: u64) {
        self.threads.retain(|t| t.number != number);
    }

    /// The number of a thread that is to be started now; none if there are enough.
    fn one_more(&mut self) -> Option<u64> {
        let idle = self.threads.iter().filter(|t| t.idle).count();
        let wanted = self.waiting.len() > idle && self.threads.len() < self.max;
        if !wanted || self.threads.try_reserve(1).is_err() {
            return None;
        }
        self.last += 1;
        self.threads.push(Thread { number: self.last, idle: false, handle: None });
        Some(self.last)
    }
}

impl Pool {
    const fn new() -> Pool {
        let queue = Queue {
            waiting: VecDeque::new(),
            threads: Vec::new(),
            last: 0,
            max: DEFAULT_MAX,
            epoch: 0,
        };
        Pool { queue: Mutex::new(queue), work: Condvar::new() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an errand into the queue. An error: it is not there, and is the caller's still.
    fn submit(&'static self, errand: NonNull<Head>) -> Result<(), Errno> {
        let number = {
            let mut q = self.queue();
            q.waiting.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            q.waiting.push_back(errand);
            q.one_more()
        };
        self.work.notify_one();
        let Some(number) = number else { return Ok(()) };
        let builder = std::thread::Builder::new().name("photonrt-name".into()).stack_size(STACK);
        match builder.spawn(move || self.serve(number)) {
            Ok(handle) => {
                // It may have ended already; then it is nobody's to join.
                if let Some(t) = self.queue().thread(number) {
                    t.handle = Some(handle);
                }
                Ok(())
            }
            Err(e) => {
                let mut q = self.queue();
                q.forget(number);
                // Those that are there will come to it; without any nobody would.
                if q.threads.is_empty()
                    && let Some(at) = q.waiting.iter().position(|&w| w == errand)
                {
                    q.waiting.remove(at);
                    return Err(Errno::from_io(&e));
                }
                Ok(())
            }
        }
    }

    /// A thread's life.
    fn serve(&self, number: u64) {
        crate::io::sys::block_signals();
        while let Some(errand) = self.next(number) {
            // SAFETY: RUNNING: this thread has it to itself, but for the head's state.
            unsafe { ((*errand.as_ptr()).run)(errand) };
            self.finish(errand);
        }
    }

    fn finish(&self, errand: NonNull<Head>) {
        let q = self.queue();
        // SAFETY: not freed yet, and under the mutex.
        let head = unsafe { &mut *errand.as_ptr() };
        if head.state == State::Abandoned {
            let free = head.free;
            drop(q);
            // SAFETY: the caller has left: it is this thread's alone.
            return unsafe { free(errand) };
        }
        head.state = State::Done;
        let waiter = head.waiter;
        drop(q);
        // A hint: the errand, and its waiter, may be gone.
        wake_waiter(waiter);
    }

    /// Waits for an errand; None: this thread is to end, and has been counted out.
    fn next(&self, number: u64) -> Option<NonNull<Head>> {
        let mut q = self.queue();
        let epoch = q.epoch;
        loop {
            if q.epoch != epoch {
                return None;
            }
            if let Some(errand) = q.waiting.pop_front() {
                // SAFETY: it was queued, hence alive, and under the mutex.
                unsafe { (*errand.as_ptr()).state = State::Running };
                return Some(errand);
            }
            q.set_idle(number, true);
            let waited = self.work.wait_timeout(q, IDLE).unwrap_or_else(PoisonError::into_inner);
            q = waited.0;
            q.set_idle(number, false);
            if waited.1.timed_out() && q.waiting.is_empty() && q.epoch == epoch {
                q.forget(number);
                return None;
            }
        }
    }

    /// The caller goes. The result, if the call is done; otherwise the errand is nobody's any more.
    ///
    /// # Safety
    /// `errand` was made by `Errand::<F, T>::make`, has been submitted here, and this is the
    /// caller's last touch.
    unsafe fn leave<F: FnOnce() -> T, T>(&self, errand: NonNull<Head>) -> Option<T> {
        let mut q = self.queue();
        // SAFETY: not freed before this, and under the mutex.
        let head = unsafe { &mut *errand.as_ptr() };
        match head.state {
            State::Running => {
                head.state = State::Abandoned;
                return None;
            }
            State::Queued => q.waiting.retain(|&w| w != errand),
            State::Done | State::Abandoned => {}
        }
        drop(q);
        // SAFETY: no thread has it.
        unsafe {
            let result = Errand::<F, T>::result(errand);
            Errand::<F, T>::free(errand);
            result
        }
    }

    fn run<T: Send + 'static>(
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
        if let Err(e) = self.submit(errand) {
            // SAFETY: nobody else has it.
            unsafe { Errand::<F, T>::free(errand) };
            return Err(e);
        }
        let done = || {
            let _q = self.queue();
            // SAFETY: not freed before `leave`, and under the mutex.
            unsafe { errand.as_ref() }.state == State::Done
        };
        let stopped = match running() {
            Some(_) => wait::until(deadline, done),
            None => parker::with(|_, p| wait::thread_until(deadline, p, done)),
        };
        // SAFETY: made above; not touched after this.
        match (unsafe { self.leave::<F, T>(errand) }, stopped) {
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

    fn set_max(&self, max: usize) {
        self.queue().max = max;
    }

    fn shutdown(&self) {
        let idle: Vec<Thread> = {
            let mut q = self.queue();
            q.epoch += 1;
            q.threads.extract_if(.., |t| t.idle).collect()
        };
        self.work.notify_all();
        for t in idle.into_iter().filter_map(|t| t.handle) {
            // It makes no call any more, and does not panic.
            let _ = t.join();
        }
    }
}

/// Has a thread make a call and waits for it, in a coroutine or on a plain thread. ETIMEDOUT,
/// ECANCELED and the like: the call may still be going on, for nobody. EAGAIN: with
/// [`Deadline::Now`], or there is no thread to be had; ENOMEM.
pub fn run<T: Send + 'static>(
    deadline: Deadline,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Errno> {
    POOL.run(deadline, call)
}

/// The number of threads at most, given that of `engine::offload`; 0: the default.
pub fn set_max(offload: u32) {
    POOL.set_max(if offload == 0 { DEFAULT_MAX } else { (offload as usize / 2).max(1) });
}

/// See the module. The next errand starts threads again.
pub fn shutdown() {
    POOL.shutdown();
}

#[cfg(test)]
mod tests;
