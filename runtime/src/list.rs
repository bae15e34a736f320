//! L0: the inbox: a list that any thread pushes onto and its owner takes whole. Each vCPU has one,
//! for control blocks that other threads want it to look at.
//!
//! A stack of intrusive links that any thread pushes onto and the owner takes whole: one
//! compare-and-swap a push, one swap a take, no allocation. The owner turns what it took around, so
//! that the order is first in, first out. A block is in at most one inbox (the Q bit of its mail
//! says so), which is why one link is enough and the classic ABA question does not arise: nobody
//! pops single blocks.
//!
//! A closed inbox (its vCPU has ended) refuses; the sender then knows that the coroutine is gone as
//! well.
#![allow(unsafe_code)]

use crate::prim::atomic::{AtomicPtr, Ordering::*};
use std::ptr::null_mut;

/// What can be in an inbox: something that is never freed, with a link.
pub trait Linked: 'static {
    /// The link; it belongs to whoever queues the block.
    fn link(&self) -> &AtomicPtr<Self>
    where
        Self: Sized;
}

/// See the module.
#[derive(Debug)]
pub struct Inbox<T: Linked> {
    head: AtomicPtr<T>,
}

/// The inbox does not take any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed;

/// The block behind one of the list's own pointers, all of which push made from a `&'static T`.
fn at<T: Linked>(p: *mut T) -> Option<&'static T> {
    // SAFETY: as said.
    unsafe { p.as_ref() }
}

/// A pointer that no block has.
fn closed<T>() -> *mut T {
    std::ptr::without_provenance_mut(1)
}

impl<T: Linked> Default for Inbox<T> {
    fn default() -> Inbox<T> {
        Inbox { head: AtomicPtr::new(null_mut()) }
    }
}

impl<T: Linked> Inbox<T> {
    /// Any thread: puts a block in. The caller then wakes the owner if it sleeps.
    pub fn push(&self, block: &'static T) -> Result<(), Closed> {
        let p = std::ptr::from_ref(block).cast_mut();
        // Release: pairs with take's acquire, publishes the link and what the sender wrote before.
        // Acquire: pairs with close: who is refused sees what the owner did before.
        self.head
            .fetch_update(Release, Acquire, |head| {
                if head == closed() {
                    return None;
                }
                block.link().store(head, Relaxed);
                Some(p)
            })
            .map_or(Err(Closed), |_| Ok(()))
    }

    /// Owner: whether there is something; one load.
    #[inline]
    pub fn is_empty(&self) -> bool {
        let h = self.head.load(Relaxed);
        h.is_null() || h == closed()
    }

    /// Owner: takes everything, oldest first.
    pub fn take(&self) -> Batch<T> {
        self.swap(null_mut())
    }

    /// Owner: takes everything and refuses from now on.
    pub fn close(&self) -> Batch<T> {
        self.swap(closed())
    }

    /// A vCPU begins again with an inbox that was closed.
    pub fn open(&self) {
        let _ = self.head.compare_exchange(closed(), null_mut(), Relaxed, Relaxed);
    }

    fn swap(&self, with: *mut T) -> Batch<T> {
        // Acquire: pairs with push's release. Release: with the acquire of a push that is refused.
        let mut p = self.head.swap(with, AcqRel);
        if p == closed() {
            p = null_mut();
        }
        let mut first = null_mut();
        while let Some(block) = at(p) {
            let older = block.link().load(Relaxed);
            block.link().store(first, Relaxed);
            first = p;
            p = older;
        }
        Batch(first)
    }
}

/// What was taken. Each block's link is free once the iterator has gone past it.
#[derive(Debug)]
pub struct Batch<T: Linked>(*mut T);

impl<T: Linked> Iterator for Batch<T> {
    type Item = &'static T;

    fn next(&mut self) -> Option<&'static T> {
        let block = at(self.0)?;
        self.0 = block.link().load(Relaxed);
        Some(block)
    }
}
