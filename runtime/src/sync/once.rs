//! Once: something that is to be done one time, by whoever comes first; the others wait until it is.
//! If it fails, the one that has waited longest tries next.
//!
//! ```text
//!   IDLE ---begin---> RUNNING ---end: done---> ENDING --> DONE
//!    ^                 |   ^
//!    +--end: failed,---+   +--end: failed, the first that waits is the runner now
//!       nobody waits
//! ```
//! A caller that finds it DONE has looked at one word, without the guard, and may free the object
//! next. So DONE is the very last touch of the runner, after it has let the guard go; in ENDING,
//! which lasts a few instructions, those who come look again until it is. Those who had been waiting
//! are granted after that, by their nodes alone.
#![allow(unsafe_code)]

use super::{begin, identity, wait_in};
use crate::err::Errno;
use crate::prim::Cell;
use crate::prim::atomic::{AtomicU32, Ordering::*};
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue, as_waiter};
use crate::wait::{hold, pause};

const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const ENDING: u32 = 2;
const DONE: u32 = 3;

/// What a waiter is granted: to run it, or that it is done.
const RUN: u32 = 1;
const OVER: u32 = 2;

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct Once {
    pub(crate) word: Word,
    pub(crate) state: AtomicU32,
    /// Who runs it ([`identity`]), in RUNNING.
    runner: Cell<u64>,
    waiters: Queue,
}

// SAFETY: the cell and the queue are touched by who holds `word`.
unsafe impl Sync for Once {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Once {}

impl Once {
    /// Whether it is done, and what was done can be seen.
    #[inline(always)]
    pub fn is_done(&self) -> bool {
        // Acquire: pairs with the release of end.
        self.state.load(Acquire) == DONE
    }

    /// True: the caller is to do it, and then calls [`Once::end`]. False: it is done. EDEADLK: the
    /// caller is doing it.
    pub fn begin(&self, timeout_ns: i64) -> Result<bool, Errno> {
        begin(timeout_ns, |who, v| {
            if self.is_done() {
                return Ok(false);
            }
            let held = hold(&self.word, v);
            match self.state.load(Relaxed) {
                IDLE => {
                    self.run_by(identity(who));
                    return Ok(true);
                }
                RUNNING if self.runner.get() == identity(who) => return Err(Errno::EDEADLK),
                RUNNING if timeout_ns == 0 => return Err(Errno::EAGAIN),
                RUNNING => {}
                _ => {
                    drop(held);
                    self.await_done();
                    return Ok(false);
                }
            }
            let node = Node::new(who, 0);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiters.push(&node) };
            drop(held);
            wait_in(&self.word, &self.waiters, &node, timeout_ns, Grants::default)
                .map(|granted| granted == RUN)
        })
    }

    fn run_by(&self, who: u64) {
        self.state.store(RUNNING, Relaxed);
        self.runner.set(who);
    }

    /// Waits out ENDING.
    #[cold]
    fn await_done(&self) {
        let mut n = 0;
        while !self.is_done() {
            pause(n);
            n += 1;
        }
    }

    /// The runner says whether it has done it; if not, somebody else tries. EPERM: the caller is not
    /// the runner.
    pub fn end(&self, done: bool) -> Result<(), Errno> {
        as_waiter(|who, v| {
            let held = hold(&self.word, v);
            let mine = self.state.load(Relaxed) == RUNNING && self.runner.get() == identity(who);
            if !mine {
                return Err(Errno::EPERM);
            }
            let mut grants = Grants::default();
            if done {
                self.state.store(ENDING, Relaxed);
                grants = Grants::all(&self.waiters, OVER);
                drop(held);
                // Release: pairs with is_done: what has been done. The last touch.
                self.state.store(DONE, Release);
            } else {
                match self.waiters.first() {
                    Some(next) => {
                        self.run_by(identity(next.who()));
                        grants.take(&self.waiters, next, RUN);
                    }
                    None => self.state.store(IDLE, Relaxed),
                }
                drop(held);
            }
            grants.wake(v);
            Ok(())
        })
    }

    /// Does `f` unless it is done, as begin and end; the caller gets the error of its own try.
    pub fn call(
        &self,
        timeout_ns: i64,
        f: impl FnOnce() -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        if self.begin(timeout_ns)? {
            let tried = f();
            self.end(tried.is_ok())?;
            tried?;
        }
        Ok(())
    }
}
