//! Threads that block, for what can't be waited for: files, opens, slow closes.
//!
//! ```text
//!   coroutine: Job on its stack --> queue, in order --> thread: runs it, sets DONE, wakes the coroutine
//! ```
//! A thread is started when a job finds nobody idle and there are fewer than the cap; one that has
//! been idle for ten seconds ends. The queue is guarded by a mutex that nobody holds across a
//! system call: threads are started and woken outside.
//!
//! A job's life: QUEUED -> RUNNING -> DONE, or QUEUED -> withdrawn. The first two are changed under
//! the mutex. Setting DONE is the thread's last touch: the coroutine's stack may be gone right
//! after.
//!
//! Rejected: a CAS for each state change (a withdrawn job must leave the queue before its stack
//! goes, so the mutex is needed anyway); a pool for each vCPU (the disk is shared, and so is the
//! cap).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::sys::R;
use crate::prim::atomic::{AtomicU32, Ordering::*};
use crate::sched::{self, TaskRef};
use std::cell::{Cell, UnsafeCell};
use std::ptr::null;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const QUEUED: u32 = 0;
const RUNNING: u32 = 1;
const DONE: u32 = 2;

/// Enough for a system call.
const STACK: usize = 64 << 10;
const IDLE: Duration = Duration::from_secs(10);
const DEFAULT_MAX: u32 = 64;

/// What a thread of the pool does.
pub trait Work {
    /// Called once.
    fn run(&mut self) -> R;
}

impl<F: FnMut() -> R> Work for F {
    fn run(&mut self) -> R {
        self()
    }
}

/// One call to be made by a thread of the pool; on the stack of the coroutine that waits for it.
#[derive(Debug)]
pub struct Job<F> {
    head: Head,
    call: UnsafeCell<F>,
    result: Cell<R>,
}

#[derive(Debug)]
struct Head {
    next: Cell<*const Head>,
    prev: Cell<*const Head>,
    state: AtomicU32,
    task: TaskRef,
    /// What `run` takes: the Job, set when it is queued.
    job: Cell<*const ()>,
    run: unsafe fn(*const ()),
}

impl<F: Work> Job<F> {
    /// For the coroutine `task`.
    pub fn new(task: TaskRef, call: F) -> Job<F> {
        Job {
            head: Head {
                next: Cell::new(null()),
                prev: Cell::new(null()),
                state: AtomicU32::new(QUEUED),
                task,
                job: Cell::new(null()),
                run: Self::run,
            },
            call: UnsafeCell::new(call),
            result: Cell::new(Err(Errno::ECANCELED)),
        }
    }

    /// # Safety
    /// `job` is a live Job of this type, and this the only call on it.
    unsafe fn run(job: *const ()) {
        // SAFETY: the caller's; the waiter touches neither field before DONE.
        unsafe {
            let job = job.cast::<Self>();
            (*job).result.set((*(*job).call.get()).run());
        }
    }

    /// Whether it has run.
    pub fn done(&self) -> bool {
        // Acquire: pairs with the release in `work`: the result.
        self.head.state.load(Acquire) == DONE
    }

    /// What it gave, once it has run.
    pub fn result(&self) -> R {
        self.result.get()
    }

    /// Hands it to the pool. An error: no thread to be had, and it is not in the queue.
    ///
    /// # Safety
    /// The job stays where it is until it is done or withdrawn.
    pub unsafe fn submit(&self) -> Result<(), Errno> {
        self.head.job.set(std::ptr::from_ref(self).cast());
        let start = {
            let mut q = queue();
            q.push(&self.head);
            let start = q.waiting > q.idle && q.threads < q.max;
            q.threads += u32::from(start);
            start
        };
        WORK.notify_one();
        if !start {
            return Ok(());
        }
        match spawn() {
            Ok(thread) => {
                let ended = queue().keep(thread);
                drop(ended);
                Ok(())
            }
            Err(e) => {
                let mut q = queue();
                q.threads -= 1;
                // Those that are there will come to it; without any nobody would.
                if q.threads == 0 && self.head.state.load(Relaxed) == QUEUED {
                    q.remove(&self.head);
                    return Err(e);
                }
                Ok(())
            }
        }
    }

    /// Takes it back if no thread has begun it. False: it is running or done, and must be waited
    /// for.
    #[must_use]
    pub fn withdraw(&self) -> bool {
        let mut q = queue();
        let queued = self.head.state.load(Relaxed) == QUEUED;
        if queued {
            q.remove(&self.head);
        }
        queued
    }
}

#[derive(Debug)]
struct Queue {
    first: *const Head,
    last: *const Head,
    waiting: u32,
    idle: u32,
    threads: u32,
    max: u32,
    stop: bool,
    handles: Vec<JoinHandle<()>>,
}

// SAFETY: the heads it points to stay valid while they are in it, and are touched under its mutex
// only.
unsafe impl Send for Queue {}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    first: null(),
    last: null(),
    waiting: 0,
    idle: 0,
    threads: 0,
    max: DEFAULT_MAX,
    stop: false,
    handles: Vec::new(),
});
static WORK: Condvar = Condvar::new();

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    fn push(&mut self, head: &Head) {
        head.next.set(null());
        head.prev.set(self.last);
        // SAFETY: what is queued is alive.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.next.set(head),
            None => self.first = head,
        }
        self.last = head;
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

    fn take(&mut self) -> Option<*const Head> {
        // SAFETY: as above.
        let head = unsafe { self.first.as_ref() }?;
        self.remove(head);
        head.state.store(RUNNING, Relaxed);
        Some(head)
    }

    /// Keeps a thread's handle, and hands out those of threads that have ended.
    fn keep(&mut self, thread: JoinHandle<()>) -> Vec<JoinHandle<()>> {
        let ended = self.handles.extract_if(.., |h| h.is_finished()).collect();
        self.handles.push(thread);
        ended
    }
}

fn spawn() -> Result<JoinHandle<()>, Errno> {
    let builder = std::thread::Builder::new().name("photonrt-io".into()).stack_size(STACK);
    builder.spawn(work).map_err(|e| Errno::from_io(&e))
}

fn work() {
    crate::io::sys::block_signals();
    while let Some(head) = next() {
        // SAFETY: its coroutine waits until DONE, since it is RUNNING.
        unsafe {
            let task = (*head).task;
            ((*head).run)((*head).job.get());
            // Release: pairs with `done`. The last touch.
            (*head).state.store(DONE, Release);
            sched::wake(task);
        }
    }
}

/// Waits for a job; None: this thread is to end, and has been counted out.
fn next() -> Option<*const Head> {
    let mut q = queue();
    loop {
        if let Some(head) = q.take() {
            return Some(head);
        }
        if q.stop {
            q.threads -= 1;
            return None;
        }
        q.idle += 1;
        let (guard, timeout) = WORK.wait_timeout(q, IDLE).unwrap_or_else(PoisonError::into_inner);
        q = guard;
        q.idle -= 1;
        if timeout.timed_out() && q.first.is_null() {
            q.threads -= 1;
            return None;
        }
    }
}

/// The number of threads at most; 0: 64.
pub fn set_max(max: u32) {
    queue().max = if max == 0 { DEFAULT_MAX } else { max };
}

/// Ends all threads, which have nothing to do any more, and waits until they have ended. The next
/// job starts the pool again.
pub fn shutdown() {
    let threads = {
        let mut q = queue();
        q.stop = true;
        std::mem::take(&mut q.handles)
    };
    WORK.notify_all();
    for t in threads {
        // A thread of the pool does not panic: it makes system calls.
        let _ = t.join();
    }
    queue().stop = false;
}
