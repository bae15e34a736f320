//! A condition variable: who waits lets a mutex go meanwhile, and has it again afterwards, whatever
//! ended the wait.
//!
//! A waiter is in the queue before it unlocks the mutex, so a signal by anybody who locks the mutex
//! after that finds it. A signal takes out those that wait at that moment, first come first, and
//! counts them: who comes later gets none of it. A waiter that has been taken out counts as
//! signalled even if its time is up or it is cancelled before it knows, so a signal is never lost on
//! somebody who reports an error. Its way back into the mutex is deaf to all that: it ends when the
//! mutex is had.
//!
//! The signal touches the variable for the last time before it lets anybody go, and a waiter that
//! was signalled does not come back to it: the last one of them may free it.
//!
//! Rejected: moving waiters over to the mutex's queue while that is held (wait morphing): a woken
//! coroutine of the signaller's vCPU does not run before the signaller has gone on, mostly past its
//! unlock, and one of another vCPU looks for a moment before it sleeps.
#![allow(unsafe_code)]

use super::{Mutex, begin, here, identity, wait_in};
use crate::err::Errno;
use crate::wait::guard::Word;
use crate::wait::hold;
use crate::wait::queue::{Grants, Node, Queue};

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct Cond {
    word: Word,
    waiters: Queue,
}

// SAFETY: the queue is touched by who holds `word`.
unsafe impl Sync for Cond {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Cond {}

impl Cond {
    /// Lets `mutex` go, waits for a signal, and locks it again. EPERM: the caller does not hold it.
    /// With the error of a cancel or interrupt that was there before, or EAGAIN for no time at all,
    /// it has never been let go.
    pub fn wait(&self, mutex: &Mutex, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            if !mutex.owned_by(identity(who)) {
                return Err(Errno::EPERM);
            }
            if timeout_ns == 0 {
                return Err(Errno::EAGAIN);
            }
            let node = Node::new(who, 0);
            let held = hold(&self.word, v);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiters.push(&node) };
            drop(held);
            mutex.unlock()?;
            let r = wait_in(&self.word, &self.waiters, &node, timeout_ns, Grants::default);
            mutex.relock();
            r.map(|_| ())
        })
    }

    /// Wakes the one that has waited longest; how many that were, 0 or 1.
    pub fn signal(&self) -> u32 {
        self.release(1)
    }

    /// Wakes all that wait; how many.
    pub fn broadcast(&self) -> u32 {
        self.release(u32::MAX)
    }

    fn release(&self, most: u32) -> u32 {
        let v = here();
        let mut grants = Grants::default();
        let mut n = 0;
        let held = hold(&self.word, v);
        while n < most
            && let Some(node) = self.waiters.first()
        {
            grants.take(&self.waiters, node, 1);
            n += 1;
        }
        drop(held);
        grants.wake(v);
        n
    }
}
