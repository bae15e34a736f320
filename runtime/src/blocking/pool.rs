//! A pool of threads that block: the queue, and the threads' lives.
//!
//! ```text
//!   waiter: job --> queue, in order --> thread: runs it, ends its word, wakes the waiter
//!                                         idle for ten seconds, or a shutdown: it ends
//! ```
//! A thread is started when a job finds nobody idle and there are fewer than the cap; a thread that
//! begins sees to the next. The queue is guarded by a mutex that nobody holds across a system call:
//! threads are started, woken and joined outside.
//!
//! Jobs are linked where they lie, on stacks or on the heap: a job that is queued stays where it is
//! until a thread has it or it has been taken out. What becomes of one that has begun is a matter of
//! its [`Word`], without the mutex.
//!
//! Rejected: a state changed by compare-and-swap from the beginning (a withdrawn job must leave the
//! queue before its stack goes, so the mutex is needed anyway); a pool for each vCPU (what the
//! threads wait for is shared, and so is the cap).
#![allow(unsafe_code)]

use super::word::{Ended, Word};
use crate::affinity;
use crate::err::Errno;
use crate::sched::wake_waiter;
use crate::stack::AltStack;
use std::cell::Cell;
use std::ptr::null;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const IDLE: Duration = Duration::from_secs(10);

/// What the queue knows of a job; its first field, so that a pointer to one is a pointer to the
/// other.
#[derive(Debug)]
pub(super) struct Head {
    next: Cell<*const Head>,
    prev: Cell<*const Head>,
    pub word: Word,
    /// Whom to wake (`sched::wake_waiter`).
    waiter: u32,
    run: unsafe fn(*const Head),
    after: After,
}

/// What is done with a job that has been run.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    /// Its waiter is woken, which has waited to the end.
    Wake,
    /// Its waiter is woken, or it is freed, if that has left.
    WakeOrFree(unsafe fn(*const Head)),
    /// Nothing: it is gone.
    Nothing,
}

impl Head {
    /// # Safety
    /// `run`, and then what `after` says, may be called once with the job that this is the head of.
    pub unsafe fn new(waiter: u32, run: unsafe fn(*const Head), after: After) -> Head {
        Head {
            next: Cell::new(null()),
            prev: Cell::new(null()),
            word: Word::default(),
            waiter,
            run,
            after,
        }
    }
}

/// What a thread is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    /// Starting, or running a job that ends before its waiter goes on.
    Work,
    /// Running a job that its waiter may leave: nobody knows when it comes back.
    Away,
    /// Waiting for a job.
    Idle,
    /// A shutdown waits for its end: it takes no job any more.
    Last,
}

#[derive(Debug)]
struct Thread {
    /// Tells it from the next in its place.
    serial: u64,
    doing: Doing,
    /// A shutdown has left it behind: it ends as soon as there is nothing to do.
    left: bool,
    /// None while it is being started.
    handle: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Queue {
    first: *const Head,
    last: *const Head,
    waiting: usize,
    idle: usize,
    /// Places are used again.
    threads: Vec<Option<Thread>>,
    live: usize,
    /// Of those, the ones that are being started; and that have begun.
    starting: usize,
    begun: usize,
    serial: u64,
    max: usize,
}

// SAFETY: the heads it points to stay valid while they are in it, and are touched under its mutex
// only.
unsafe impl Send for Queue {}

/// See the module.
#[derive(Debug)]
pub struct Pool {
    name: &'static str,
    stack: usize,
    /// Its threads run the program's code: a stack overflow there is to be reported.
    reports: bool,
    queue: Mutex<Queue>,
    work: Condvar,
}

impl Queue {
    fn push(&mut self, job: *const Head) {
        // SAFETY: what is queued, or about to be, is alive.
        unsafe {
            (*job).next.set(null());
            (*job).prev.set(self.last);
            match self.last.as_ref() {
                Some(last) => last.next.set(job),
                None => self.first = job,
            }
        }
        self.last = job;
        self.waiting += 1;
    }

    fn remove(&mut self, head: &Head) {
        let (next, prev) = (head.next.get(), head.prev.get());
        // SAFETY: neighbours are queued, hence alive.
        unsafe {
            match prev.as_ref() {
                Some(p) => p.next.set(next),
                None => self.first = next,
            }
            match next.as_ref() {
                Some(n) => n.prev.set(prev),
                None => self.last = prev,
            }
        }
        self.waiting -= 1;
    }

    /// The first job, for the thread in place `me`.
    fn take(&mut self, me: usize) -> Option<*const Head> {
        let job = self.first;
        // SAFETY: as above.
        let head = unsafe { job.as_ref() }?;
        self.remove(head);
        head.word.begin();
        let doing = match head.after {
            After::WakeOrFree(_) => Doing::Away,
            _ => Doing::Work,
        };
        self.set(me, doing);
        Some(job)
    }

    fn set(&mut self, me: usize, doing: Doing) {
        if let Some(t) = &mut self.threads[me] {
            t.doing = doing;
        }
    }

    fn is_last(&self, me: usize) -> bool {
        self.threads[me].as_ref().is_some_and(|t| t.doing == Doing::Last)
    }

    fn is_left(&self, me: usize) -> bool {
        self.threads[me].as_ref().is_some_and(|t| t.left)
    }

    fn has_room(&self) -> bool {
        self.idle > self.waiting || self.live < self.max
    }

    /// The place and number of a thread that is to be started now; none if there are enough, with
    /// `coming` that are about to look, or one is on its way that will see to the next.
    fn one_more(&mut self, coming: usize) -> Option<(usize, u64)> {
        let enough = self.waiting <= self.idle + coming || self.live >= self.max;
        // One on its way may not come; one that has begun will come to the queue.
        if enough || self.starting > 0 && self.begun > 0 {
            return None;
        }
        let place = match self.threads.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.threads.try_reserve(1).ok()?;
                self.threads.push(None);
                self.threads.len() - 1
            }
        };
        self.serial += 1;
        self.live += 1;
        self.starting += 1;
        let serial = self.serial;
        self.threads[place] =
            Some(Thread { serial, doing: Doing::Work, left: false, handle: None });
        Some((place, serial))
    }

    /// A thread ends, or could not be started. Its handle, to be dropped without the mutex.
    fn forget(&mut self, place: usize) -> Option<JoinHandle<()>> {
        self.live -= 1;
        self.threads[place].take()?.handle
    }
}

impl Pool {
    /// With no threads yet: at most `max`, named `name`, with stacks of `stack` bytes, and with
    /// alternate ones for signals if it `reports` overflows.
    pub const fn new(name: &'static str, stack: usize, max: usize, reports: bool) -> Pool {
        let queue = Queue {
            first: null(),
            last: null(),
            waiting: 0,
            idle: 0,
            threads: Vec::new(),
            live: 0,
            starting: 0,
            begun: 0,
            serial: 0,
            max,
        };
        Pool { name, stack, reports, queue: Mutex::new(queue), work: Condvar::new() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job into the queue. An error: it is not there, and the caller's still. With `at_once`
    /// only if a thread can have it now: EAGAIN.
    ///
    /// # Safety
    /// The job stays where it is until it has been withdrawn or its word says that it has ended.
    pub(super) unsafe fn submit(
        &'static self,
        job: *const Head,
        at_once: bool,
    ) -> Result<(), Errno> {
        let (more, idle) = {
            let mut q = self.queue();
            if at_once && !q.has_room() {
                return Err(Errno::EAGAIN);
            }
            q.push(job);
            (q.one_more(0), q.idle > 0)
        };
        if idle {
            self.work.notify_one();
        }
        let Some((place, serial)) = more else { return Ok(()) };
        let Err(e) = self.start(place, serial) else { return Ok(()) };
        let mut q = self.queue();
        // Those that are there will come to it; without any nobody would.
        // SAFETY: the waiter is in this call, so it has not gone.
        let head = unsafe { &*job };
        if (q.live == 0 || at_once) && head.word.queued() {
            q.remove(head);
            return Err(e);
        }
        Ok(())
    }

    /// Starts the thread of a place; without it the place is free again.
    fn start(&'static self, place: usize, serial: u64) -> Result<(), Errno> {
        let builder = std::thread::Builder::new().name(self.name.into()).stack_size(self.stack);
        let started = builder.spawn(move || self.serve(place));
        let mut q = self.queue();
        match started {
            Ok(handle) => {
                // It may have ended already; then it is nobody's to join.
                match &mut q.threads[place] {
                    Some(t) if t.serial == serial => t.handle = Some(handle),
                    _ => {
                        drop(q);
                        drop(handle);
                    }
                }
                Ok(())
            }
            Err(e) => {
                q.starting -= 1;
                q.forget(place);
                Err(Errno::from_io(&e))
            }
        }
    }

    /// Takes a job back if no thread has begun it.
    #[must_use]
    pub(super) fn withdraw(&self, head: &Head) -> bool {
        let mut q = self.queue();
        let queued = head.word.queued();
        if queued {
            q.remove(head);
        }
        queued
    }

    /// A thread's life.
    fn serve(&'static self, me: usize) {
        block_signals();
        self.start_another();
        affinity::unbound();
        let _alt_stack = self.reports.then(AltStack::new);
        while let Some(job) = self.next(me) {
            // SAFETY: this thread has taken the job, which is its own until its word ends; what is
            // needed after that is read before.
            unsafe {
                let (waiter, after) = ((*job).waiter, (*job).after);
                ((*job).run)(job);
                if matches!(after, After::Nothing) {
                    continue;
                }
                match ((*job).word.end(), after) {
                    (Ended::Abandoned, After::WakeOrFree(free)) => free(job),
                    _ => wake_waiter(waiter),
                }
            }
        }
    }

    /// A thread has been started, and starts the next one, if the jobs are more than the threads by now:
    /// so those who bring them pay for one at most.
    fn start_another(&'static self) {
        let more = {
            let mut q = self.queue();
            q.starting -= 1;
            q.begun += 1;
            q.one_more(1)
        };
        if let Some((place, serial)) = more {
            // Without it those that are there will come to the jobs.
            let _tried = self.start(place, serial);
        }
    }

    /// Waits for a job; None: this thread is to end, and has been counted out.
    fn next(&self, me: usize) -> Option<*const Head> {
        let mut q = self.queue();
        let mut late = false;
        while !q.is_last(me) {
            if let Some(job) = q.take(me) {
                return Some(job);
            }
            if late || q.is_left(me) {
                break;
            }
            q.set(me, Doing::Idle);
            q.idle += 1;
            let (guard, timeout) =
                self.work.wait_timeout(q, IDLE).unwrap_or_else(PoisonError::into_inner);
            q = guard;
            if !q.is_last(me) {
                q.idle -= 1;
                q.set(me, Doing::Work);
            }
            late = timeout.timed_out();
        }
        q.begun -= 1;
        let handle = q.forget(me);
        drop(q);
        drop(handle);
        None
    }

    /// Whether a job would have a thread at once; a hint.
    pub(super) fn has_room(&self) -> bool {
        self.queue().has_room()
    }

    /// The number of threads at most.
    pub fn set_max(&self, max: usize) {
        self.queue().max = max;
    }

    /// Ends the threads and waits for their end, but for those that run a job which can be left:
    /// they end by themselves when they come back. The next job starts threads again.
    pub fn shutdown(&'static self) {
        let ending: Vec<JoinHandle<()>> = {
            let mut q = self.queue();
            let q = &mut *q;
            let mut ending = Vec::new();
            for t in q.threads.iter_mut().flatten() {
                match t.doing {
                    Doing::Idle => q.idle -= 1,
                    Doing::Work => {}
                    Doing::Away | Doing::Last => {
                        t.left = true;
                        continue;
                    }
                }
                t.doing = Doing::Last;
                ending.extend(t.handle.take());
            }
            ending
        };
        self.work.notify_all();
        for t in ending {
            // A thread of the pool does not panic.
            let _ = t.join();
        }
        // What a plain thread has queued meanwhile is not left lying.
        loop {
            let more = self.queue().one_more(0);
            let Some((place, serial)) = more else { break };
            if self.start(place, serial).is_err() {
                break;
            }
        }
    }

    /// Threads that there are, and those of them that are idle.
    #[cfg(test)]
    pub fn threads(&self) -> (usize, usize) {
        let q = self.queue();
        (q.live, q.idle)
    }

    /// Jobs that wait for a thread.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.queue().waiting
    }
}

/// The calling thread, one of the runtime's own, gets no signals but those of its own faults: the
/// others are for the program's threads.
pub fn block_signals() {
    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP];
    // SAFETY: a full set is valid, and blocking signals affects this thread only.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        for s in faults {
            libc::sigdelset(&raw mut set, s);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}
