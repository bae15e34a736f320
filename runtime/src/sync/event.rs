//! An event: set or not, until somebody says otherwise. Who waits while it is set goes on at once;
//! setting it lets everybody go who waits at that moment, whatever becomes of the event then.
//!
//! Looking at it takes the guard, though the state is one bit: whoever finds it set may free it, and
//! the call that sets it has let go of it by then.
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
pub struct Event {
    pub(crate) word: Word,
    set: Cell<bool>,
    pub(crate) waiters: Queue,
}

// SAFETY: the cells and the queue are touched by who holds `word`.
unsafe impl Sync for Event {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Event {}

impl Event {
    /// Waits until it is set.
    pub fn wait(&self, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            let held = hold(&self.word, v);
            if self.set.get() {
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

    /// Sets it.
    pub fn set(&self) {
        let v = here();
        let held = hold(&self.word, v);
        self.set.set(true);
        let grants = Grants::all(&self.waiters, 1);
        drop(held);
        grants.wake(v);
    }

    /// Makes it unset.
    pub fn reset(&self) {
        let held = hold(&self.word, here());
        self.set.set(false);
        drop(held);
    }

    /// Under the guard, or as a hint: whether it is set.
    pub(crate) fn peek(&self) -> bool {
        self.set.get()
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        let held = hold(&self.word, here());
        let set = self.peek();
        drop(held);
        set
    }
}
