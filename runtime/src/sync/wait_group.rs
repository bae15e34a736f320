//! A wait group: a count of what is still to be done, and who waits for none to be left. The one
//! that takes the count to zero lets go everybody who waits at that moment; after that it counts
//! anew. (Go's WaitGroup, with errors where that one panics.)
#![allow(unsafe_code)]

use super::{begin, here, wait_in};
use crate::err::Errno;
use crate::prim::Cell;
use crate::wait::guard::Word;
use crate::wait::hold;
use crate::wait::queue::{Grants, Node, Queue};

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct WaitGroup {
    word: Word,
    count: Cell<u32>,
    waiters: Queue,
}

// SAFETY: the cells and the queue are touched by who holds `word`.
unsafe impl Sync for WaitGroup {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for WaitGroup {}

impl WaitGroup {
    /// Adds `n` to the count. EINVAL: it would be below 0. EOVERFLOW: above 2^32 - 1. Neither has
    /// changed it.
    pub fn add(&self, n: i32) -> Result<(), Errno> {
        let v = here();
        let held = hold(&self.word, v);
        let wrong = if n < 0 { Errno::EINVAL } else { Errno::EOVERFLOW };
        let count = self.count.get().checked_add_signed(n).ok_or(wrong)?;
        self.count.set(count);
        let grants = if count == 0 { Grants::all(&self.waiters, 1) } else { Grants::default() };
        drop(held);
        grants.wake(v);
        Ok(())
    }

    /// Waits until the count is 0.
    pub fn wait(&self, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            let held = hold(&self.word, v);
            if self.count.get() == 0 {
                return Ok(());
            }
            if timeout_ns == 0 {
                return Err(Errno::EAGAIN);
            }
            let node = Node::new(who, 0);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiters.push(&node) };
            drop(held);
            wait_in(&self.word, &self.waiters, &node, timeout_ns, Grants::default).map(|_| ())
        })
    }
}
