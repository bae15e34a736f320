//! A lock that many readers or one writer can have.
//!
//! **Who is next.** Phases take turns: when a writer is done, all readers that wait at that moment go
//! in together, and when the last of them is done, the writer that has waited longest. A reader that
//! comes while a writer waits does not join those that are inside; it waits for the next phase. So a
//! reader waits for one writer at most, however many there are; a writer for those before it and one
//! phase of readers between two of them. Nobody starves. (Brandenburg and Anderson, "Reader-Writer
//! Synchronization for Shared-Memory Multiprocessor Real-Time Systems", 2009: phase-fair.) The lock
//! is handed over: it is never free while somebody waits.
//!
//! Rejected: letting readers in as long as there are some (writers starve); writers first (readers
//! do); one queue for both (as fair, but readers who came between two writers go in by twos and
//! threes); a try that comes before those who wait.
//!
//! A writer is known, a reader is only counted: a writer that locks again is told so, a reader that
//! wants to become a writer waits for itself until its time is up.
#![allow(unsafe_code)]

use super::{begin, identity, wait_in};
use crate::err::Errno;
use crate::prim::Cell;
use crate::wait::guard::Word;
use crate::wait::hold;
use crate::wait::queue::{Grants, Node, Queue, as_waiter};

/// See the module.
#[derive(Default, Debug)]
#[repr(C)]
pub struct RwLock {
    word: Word,
    /// Who read.
    readers: Cell<u32>,
    /// Who writes ([`identity`]); 0: nobody.
    writer: Cell<u64>,
    waiting_readers: Queue,
    waiting_writers: Queue,
}

// SAFETY: the cells and the queues are touched by who holds `word`.
unsafe impl Sync for RwLock {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for RwLock {}

impl RwLock {
    /// Locks it for reading. EDEADLK: the caller writes. EOVERFLOW: 2^32 - 1 readers.
    pub fn read(&self, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            let held = hold(&self.word, v);
            let writer = self.writer.get();
            if writer == 0 && self.waiting_writers.is_empty() {
                let readers = self.readers.get().checked_add(1).ok_or(Errno::EOVERFLOW)?;
                self.readers.set(readers);
                return Ok(());
            }
            self.refuse(writer == identity(who), timeout_ns)?;
            let node = Node::new(who, 0);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiting_readers.push(&node) };
            drop(held);
            wait_in(&self.word, &self.waiting_readers, &node, timeout_ns, Grants::default)
                .map(|_| ())
        })
    }

    /// Locks it for writing. EDEADLK: the caller writes already.
    pub fn write(&self, timeout_ns: i64) -> Result<(), Errno> {
        begin(timeout_ns, |who, v| {
            let held = hold(&self.word, v);
            let me = identity(who);
            if self.writer.get() == 0 && self.readers.get() == 0 {
                self.writer.set(me);
                return Ok(());
            }
            self.refuse(self.writer.get() == me, timeout_ns)?;
            let node = Node::new(who, 0);
            // SAFETY: it is out of the queue when this returns.
            unsafe { self.waiting_writers.push(&node) };
            drop(held);
            // Readers may have waited for this one only.
            let leave = || {
                let alone = self.writer.get() == 0 && self.waiting_writers.is_empty();
                if alone { self.admit_readers() } else { Grants::default() }
            };
            wait_in(&self.word, &self.waiting_writers, &node, timeout_ns, leave).map(|_| ())
        })
    }

    /// Why a caller that can't have it at once does not wait either.
    fn refuse(&self, own: bool, timeout_ns: i64) -> Result<(), Errno> {
        match (own, timeout_ns) {
            (true, _) => Err(Errno::EDEADLK),
            (false, 0) => Err(Errno::EAGAIN),
            _ => Ok(()),
        }
    }

    /// Unlocks it, as the writer or as one of the readers. EPERM: neither can be.
    pub fn unlock(&self) -> Result<(), Errno> {
        as_waiter(|who, v| {
            let held = hold(&self.word, v);
            let grants = if self.writer.get() == identity(who) {
                self.writer.set(0);
                let readers = self.admit_readers();
                if self.readers.get() == 0 { self.admit_writer() } else { readers }
            } else if let Some(left) = self.readers.get().checked_sub(1) {
                self.readers.set(left);
                if left == 0 { self.admit_writer() } else { Grants::default() }
            } else {
                return Err(Errno::EPERM);
            };
            drop(held);
            grants.wake(v);
            Ok(())
        })
    }

    /// From the writer to a reader, with nobody writing between. EPERM: the caller does not write.
    pub fn downgrade(&self) -> Result<(), Errno> {
        as_waiter(|who, v| {
            let held = hold(&self.word, v);
            if self.writer.get() != identity(who) {
                return Err(Errno::EPERM);
            }
            self.writer.set(0);
            self.readers.set(1);
            let grants = self.admit_readers();
            drop(held);
            grants.wake(v);
            Ok(())
        })
    }

    /// Under the guard, nobody writing: all readers that wait.
    fn admit_readers(&self) -> Grants {
        let mut grants = Grants::default();
        while let Some(node) = self.waiting_readers.first() {
            self.readers.set(self.readers.get() + 1);
            grants.take(&self.waiting_readers, node, 1);
        }
        grants
    }

    /// Under the guard, nobody inside: the next writer.
    fn admit_writer(&self) -> Grants {
        let mut grants = Grants::default();
        if let Some(node) = self.waiting_writers.first() {
            self.writer.set(identity(node.who()));
            grants.take(&self.waiting_writers, node, 1);
        }
        grants
    }
}
