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
//! its [`super::word::Word`], without the mutex.
//!
//! Before it sleeps, one idle thread at a time looks out for the next job for a moment, if that has paid
//! before; who brings a job meanwhile wakes nobody. (`looking` is the mutex's, so no job is missed;
//! what is polled is a hint.)
//!
//! Rejected: a state changed by compare-and-swap from the beginning (a withdrawn job must leave the
//! queue before its stack goes, so the mutex is needed anyway); a pool for each vCPU (what the
//! threads wait for is shared, and so is the cap).
#![allow(unsafe_code)]

use super::queue::{After, Doing, Head, Queue};
use super::word::Ended;
use crate::affinity;
use crate::err::Errno;
use crate::os_thread::{Name, OsThread};
use crate::sched::wake_waiter;
use crate::stack::AltStack;
use crate::time;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const IDLE: Duration = Duration::from_secs(10);
/// Nanoseconds for which an idle thread looks out for the next job before it sleeps, if the last one came
/// within that time: waking a thread costs its waker and the job that long and longer.
const LOOK: i64 = 20_000;

/// See the module.
#[derive(Debug)]
pub struct Pool {
    name: &'static str,
    stack: usize,
    /// Its threads run the program's code: a stack overflow there is to be reported.
    reports: bool,
    queue: Mutex<Queue>,
    work: Condvar,
    /// How many jobs have been brought, for who looks out.
    brought: AtomicU32,
    /// Whether it has paid lately to look out.
    pays: AtomicBool,
}

impl Pool {
    /// With no threads yet: at most `max`, named `name`, with stacks of `stack` bytes, and with
    /// alternate ones for signals if it `reports` overflows.
    pub const fn new(name: &'static str, stack: usize, max: usize, reports: bool) -> Pool {
        Pool {
            name,
            stack,
            reports,
            queue: Mutex::new(Queue::new(max)),
            work: Condvar::new(),
            brought: AtomicU32::new(0),
            pays: AtomicBool::new(false),
        }
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
            let more = q.one_more(0);
            if more.is_none() && q.live == 0 {
                // No memory for its place.
                // SAFETY: just queued, and still under the mutex.
                q.remove(unsafe { &*job });
                return Err(Errno::ENOMEM);
            }
            self.brought.store(self.brought.load(Relaxed).wrapping_add(1), Relaxed);
            // Who looks out needs no call.
            (more, !std::mem::take(&mut q.looking) && q.idle > 0)
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
        let body = move || self.serve(place);
        let started = OsThread::start(Name::new(self.name), self.stack, body);
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
                Err(e)
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
        // With one CPU nobody could bring a job meanwhile.
        let looks = !affinity::single();
        while let Some(job) = self.next(me, looks) {
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

    /// Waits for a job; None: this thread is to end, and has been counted out. `looks`: see [`Pool::rest`].
    fn next(&self, me: usize, looks: bool) -> Option<*const Head> {
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
            (q, late) = self.rest(q, looks);
            if !q.is_last(me) {
                q.idle -= 1;
                q.set(me, Doing::Work);
            }
        }
        q.begun -= 1;
        let handle = q.forget(me);
        drop(q);
        drop(handle);
        None
    }

    /// An idle thread waits: at first it looks out, if it `looks` at all, that has paid and no other does.
    /// True: it has waited for as long as an idle one stays.
    fn rest<'a>(
        &'a self,
        mut q: MutexGuard<'a, Queue>,
        looks: bool,
    ) -> (MutexGuard<'a, Queue>, bool) {
        if !q.looking && self.pays.load(Relaxed) {
            q.looking = true;
            let before = self.brought.load(Relaxed);
            drop(q);
            let until = time::now() + LOOK;
            let found = loop {
                if self.brought.load(Relaxed) != before {
                    break true;
                }
                if time::now() >= until {
                    break false;
                }
                (0..16).for_each(|_| std::hint::spin_loop());
            };
            q = self.queue();
            if found {
                return (q, false);
            }
            q.looking = false;
            self.pays.store(false, Relaxed);
            if q.waiting > 0 {
                return (q, false);
            }
        }
        let began = time::now();
        let (q, timeout) = self.work.wait_timeout(q, IDLE).unwrap_or_else(PoisonError::into_inner);
        if time::now() - began < LOOK && looks {
            self.pays.store(true, Relaxed);
        }
        (q, timeout.timed_out())
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
        let ending: Vec<OsThread> = {
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
            t.join();
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
