//! The queue of a pool of threads: its jobs, in order, and what each thread is at. All of it is behind the
//! pool's mutex; see `pool` for the protocol.
#![allow(unsafe_code)]

use super::word::Word;
use crate::os_thread::OsThread;
use std::cell::Cell;
use std::ptr::null;

/// What the queue knows of a job; its first field, so that a pointer to one is a pointer to the
/// other.
#[derive(Debug)]
pub struct Head {
    next: Cell<*const Head>,
    prev: Cell<*const Head>,
    pub word: Word,
    /// Whom to wake (`sched::wake_waiter`).
    pub waiter: u32,
    pub run: unsafe fn(*const Head),
    pub after: After,
}

/// What is done with a job that has been run.
#[derive(Clone, Copy, Debug)]
pub enum After {
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
pub enum Doing {
    /// Starting, or running a job that ends before its waiter goes on.
    Work,
    /// Running a job that its waiter may leave: nobody knows when it comes back.
    Away,
    /// Waiting for a job.
    Idle,
    /// A shutdown waits for its end: it takes no job any more.
    Last,
}

/// One of the pool's.
#[derive(Debug)]
pub struct Thread {
    /// Tells it from the next in its place.
    pub serial: u64,
    pub doing: Doing,
    /// A shutdown has left it behind: it ends as soon as there is nothing to do.
    pub left: bool,
    /// None while it is being started.
    pub handle: Option<OsThread>,
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    first: *const Head,
    last: *const Head,
    pub waiting: usize,
    pub idle: usize,
    /// Places are used again.
    pub threads: Vec<Option<Thread>>,
    pub live: usize,
    /// Of those, the ones that are being started; and that have begun.
    pub starting: usize,
    pub begun: usize,
    /// An idle one looks out for the next job, which nobody has brought yet.
    pub looking: bool,
    serial: u64,
    pub max: usize,
}

// SAFETY: the heads it points to stay valid while they are in it, and are touched under its mutex
// only.
unsafe impl Send for Queue {}

impl Queue {
    /// No jobs, no threads, of which there are to be `max` at most.
    pub const fn new(max: usize) -> Queue {
        Queue {
            first: null(),
            last: null(),
            waiting: 0,
            idle: 0,
            threads: Vec::new(),
            live: 0,
            starting: 0,
            begun: 0,
            looking: false,
            serial: 0,
            max,
        }
    }

    pub fn push(&mut self, job: *const Head) {
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

    pub fn remove(&mut self, head: &Head) {
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
    pub fn take(&mut self, me: usize) -> Option<*const Head> {
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

    pub fn set(&mut self, me: usize, doing: Doing) {
        if let Some(t) = &mut self.threads[me] {
            t.doing = doing;
        }
    }

    pub fn is_last(&self, me: usize) -> bool {
        self.threads[me].as_ref().is_some_and(|t| t.doing == Doing::Last)
    }

    pub fn is_left(&self, me: usize) -> bool {
        self.threads[me].as_ref().is_some_and(|t| t.left)
    }

    pub fn has_room(&self) -> bool {
        self.idle > self.waiting || self.live < self.max
    }

    /// The place and number of a thread that is to be started now; none if there are enough, with
    /// `coming` that are about to look, or one is on its way that will see to the next.
    pub fn one_more(&mut self, coming: usize) -> Option<(usize, u64)> {
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
    pub fn forget(&mut self, place: usize) -> Option<OsThread> {
        self.live -= 1;
        self.threads[place].take()?.handle
    }
}
