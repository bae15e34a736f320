//! A barrier: nobody goes on before all parties have come. The last one to come is the leader; it
//! lets the others go and the next round begins.
//!
//! How many parties there are is said by each caller, so that zeros are a barrier: the first of a
//! round decides, the others must agree. Who gives up (time, cancel) leaves the round as if it had
//! never come: the others go on waiting, for it or for somebody in its place. Rejected: breaking the
//! barrier for all (Java's CyclicBarrier): then it would need a reset, at a time when nobody is
//! about to come; who wants that sets a flag and comes again.
#![allow(unsafe_code)]

use super::{begin, wait_in};
use crate::err::Errno;
use crate::prim::Cell;
use crate::wait::guard::Word;
use crate::wait::hold;
use crate::wait::queue::{Grants, Node, Queue};

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct Barrier {
    word: Word,
    /// Of the present round, which somebody has come to.
    parties: Cell<u32>,
    /// Who wait.
    come: Cell<u32>,
    waiters: Queue,
}

// SAFETY: the cells and the queue are touched by who holds `word`.
unsafe impl Sync for Barrier {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Barrier {}

impl Barrier {
    /// Waits until `parties` callers have come; true for the last of them. EINVAL: 0 parties, or
    /// another number than those who wait already have said.
    pub fn wait(&self, parties: u32, timeout_ns: i64) -> Result<bool, Errno> {
        begin(timeout_ns, |who, v| {
            let held = hold(&self.word, v);
            let come = self.come.get();
            if parties == 0 || come != 0 && self.parties.get() != parties {
                return Err(Errno::EINVAL);
            }
            if come == parties - 1 {
                self.come.set(0);
                let others = Grants::all(&self.waiters, 1);
                drop(held);
                others.wake(v);
                return Ok(true);
            }
            if timeout_ns == 0 {
                return Err(Errno::EAGAIN);
            }
            self.parties.set(parties);
            self.come.set(come + 1);
            let node = Node::new(who, 0);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiters.push(&node) };
            drop(held);
            let leave = || {
                self.come.set(self.come.get() - 1);
                Grants::default()
            };
            wait_in(&self.word, &self.waiters, &node, timeout_ns, leave).map(|_| false)
        })
    }
}
