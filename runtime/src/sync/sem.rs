//! A counting semaphore. First come, first served: who wants many is not overtaken by who wants
//! few.
#![allow(unsafe_code)]

use super::{begin, deadline, here};
use crate::err::Errno;
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue};
use crate::wait::{Deadline, Stop, give_back, hold};
use std::cell::Cell;

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct Semaphore {
    word: Word,
    count: Cell<u32>,
    waiters: Queue,
}

// SAFETY: the cells and the queue are touched by who holds `word`.
unsafe impl Sync for Semaphore {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Semaphore {}

impl Semaphore {
    /// Takes `n`, and waits until it can.
    #[inline(always)]
    pub fn wait(&self, n: u32, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            let held = hold(&self.word, v);
            let count = self.count.get();
            if count >= n && self.waiters.is_empty() {
                self.count.set(count - n);
                return Ok(());
            }
            if timeout_ns == 0 {
                return Err(Errno::EAGAIN);
            }
            let node = Node::new(who, n as usize);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiters.push(&node) };
            drop(held);
            let d = deadline(timeout_ns);
            match node.wait(d) {
                Ok(_) => Ok(()),
                Err(s) => self.stopped(&node, s, d),
            }
        })
    }

    #[cold]
    fn stopped(&self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        let v = here();
        let held = hold(&self.word, v);
        if !node.queued() {
            drop(held);
            node.outwait();
            give_back(s);
            return Ok(());
        }
        self.waiters.remove(node);
        // It may have been in the way of who wants less.
        let grants = self.serve();
        drop(held);
        grants.wake(v);
        Err(s.errno(d))
    }

    /// Gives `n`. EOVERFLOW: there would be more than 2^32 - 1, and nothing has changed.
    #[inline(always)]
    pub fn post(&self, n: u32) -> Result<(), Errno> {
        let v = here();
        let held = hold(&self.word, v);
        self.count.set(self.count.get().checked_add(n).ok_or(Errno::EOVERFLOW)?);
        let grants = self.serve();
        drop(held);
        grants.wake(v);
        Ok(())
    }

    /// Under the guard: who can have what it waits for.
    #[inline(always)]
    fn serve(&self) -> Grants {
        let mut grants = Grants::default();
        while let Some(node) = self.waiters.first()
            && let Some(left) = self.count.get().checked_sub(node.arg.get() as u32)
        {
            self.count.set(left);
            grants.take(&self.waiters, node, 1);
        }
        grants
    }

    /// What can be taken now; a hint.
    pub fn value(&self) -> u32 {
        let held = hold(&self.word, here());
        let n = self.count.get();
        drop(held);
        n
    }
}
