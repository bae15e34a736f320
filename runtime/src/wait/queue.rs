//! Who waits for an object: a list of nodes on the waiters' own stacks, first in, first out.
//!
//! ```text
//!   object: word | state | first last          waiter's stack: Node  next prev | who | granted
//!                            |    +------------------------------------^
//!                            +--> Node <-> Node <-> ...
//! ```
//! The list belongs to the object's guard. A node is in it until one of two takes it out, holding
//! the guard: the one that is about to **grant** what is waited for, or the waiter itself that gives
//! up. The granter puts what it took into a chain of its own ([`Grants`]), lets the guard go and
//! then grants and wakes one after the other: by then it touches the nodes only, each for the last
//! time when it stores `granted`, and the object no more. A waiter whose deadline passes meanwhile
//! finds under the guard that its node is in no queue, waits out the grant, and counts as granted.
//! So nobody is woken in vain, however many there are, and the object's memory is free as soon as
//! its last waiter returns.
//!
//! Who waits for several objects has a node in each one's queue, and a [`Claim`] that they share.
//!
//! Rejected: a table of waiters by address for all objects (parking_lot's): a hash, a lock and a
//! miss more for each wait, to save 16 bytes an object. It serves the futex, whose words are the
//! user's.
#![allow(unsafe_code)]

use super::claim::Claim;
use super::{Deadline, Stop, thread_until, until, until_done};
use crate::parker::{self, Parker};
use crate::prim::Cell;
use crate::prim::atomic::{AtomicU32, Ordering::*};
use crate::sched::{self, TaskRef, VCpu};
use std::ptr::null;

/// A waiter.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// A coroutine.
    Task(TaskRef),
    /// A plain thread.
    Thread(&'static Parker),
}

const WAITING: u32 = 0;

/// A waiter's place in a queue. It stays where it is while it is in one, and until it is granted.
#[derive(Debug)]
pub struct Node {
    next: Cell<*const Node>,
    prev: Cell<*const Node>,
    who: Who,
    granted: AtomicU32,
    /// What will be granted, while it is in a chain; 0 while it is in a queue or in neither.
    what: Cell<u32>,
    queued: Cell<bool>,
    /// Its place among the nodes of one who waits for several objects, and what they share; null if
    /// it is the only one.
    place: u32,
    claim: *const Claim,
    /// For who uses the queue, under the guard; the waiter's own while it is in none.
    pub arg: Cell<usize>,
}

impl Node {
    /// In no queue.
    #[inline(always)]
    pub fn new(who: Who, arg: usize) -> Node {
        Node::with(who, arg, 0, null())
    }

    /// One of several of a waiter, at that place among them (from 1), in no queue.
    ///
    /// # Safety
    /// `claim` stays where it is as long as the node is in a queue.
    #[inline(always)]
    pub unsafe fn of_several(who: Who, arg: usize, place: u32, claim: &Claim) -> Node {
        Node::with(who, arg, place, claim)
    }

    #[inline(always)]
    fn with(who: Who, arg: usize, place: u32, claim: *const Claim) -> Node {
        Node {
            next: Cell::new(null()),
            prev: Cell::new(null()),
            who,
            granted: AtomicU32::new(WAITING),
            what: Cell::new(0),
            queued: Cell::new(false),
            place,
            claim,
            arg: Cell::new(arg),
        }
    }

    /// Who waits.
    #[inline(always)]
    pub fn who(&self) -> Who {
        self.who
    }

    /// What it has been granted: not 0, once it has.
    #[inline(always)]
    pub fn granted(&self) -> u32 {
        // Acquire: pairs with Grants::wake.
        self.granted.load(Acquire)
    }

    #[inline(always)]
    fn claim(&self) -> Option<&Claim> {
        // SAFETY: of_several's caller vouches for it.
        unsafe { self.claim.as_ref() }
    }

    /// Under the guard: whether it is in the queue.
    #[inline(always)]
    pub fn queued(&self) -> bool {
        self.queued.get()
    }

    /// The waiter, once it has been granted: it may be queued again.
    pub fn renew(&self) {
        self.granted.store(WAITING, Relaxed);
    }

    /// Waits until it is granted, and says what. After an error it may be about to be nevertheless:
    /// look under the guard whether it is queued, and if not, [`Node::outwait`].
    #[inline(always)]
    pub fn wait(&self, d: Deadline) -> Result<u32, Stop> {
        wait_until(self.who, d, || self.granted() != WAITING).map(|()| self.granted())
    }

    /// Without the guard, of a node that is in no queue and was not given up: grants it `what`, not 0,
    /// and wakes. It may be gone afterwards.
    #[inline(always)]
    pub fn grant(&self, what: u32, v: Option<&'static VCpu>) {
        let who = self.who;
        // Release: pairs with Node::granted: what the granter did.
        self.granted.store(what, Release);
        match who {
            Who::Task(t) => sched::wake_waiting(v, t),
            Who::Thread(p) => p.unpark(),
        }
    }

    /// Waits for a grant that is certain and near.
    #[cold]
    pub fn outwait(&self) -> u32 {
        match self.who {
            Who::Task(_) => until_done(|| self.granted() != WAITING),
            Who::Thread(p) => {
                while self.granted() == WAITING {
                    p.park(None);
                }
            }
        }
        self.granted()
    }
}

/// The caller, which is that waiter, waits until `ready`, at which it looks after each wake.
#[inline(always)]
pub fn wait_until(who: Who, d: Deadline, ready: impl FnMut() -> bool) -> Result<(), Stop> {
    match who {
        Who::Task(_) => until(d, ready),
        Who::Thread(p) => thread_until(d, p, ready),
    }
}

/// Taken out of queues under their guards, to be granted and woken when those have been let go, in
/// the order in which they were taken.
#[derive(Debug)]
#[must_use]
pub struct Grants {
    first: *const Node,
    last: *const Node,
}

impl Default for Grants {
    fn default() -> Grants {
        Grants { first: null(), last: null() }
    }
}

impl Grants {
    /// Under the guard: all that are in the queue.
    pub fn all(queue: &Queue, what: u32) -> Grants {
        let mut grants = Grants::default();
        grants.take_all(queue, what);
        grants
    }

    /// Under the guard: moves a node from its queue. `what` is not 0. False: its waiter has got
    /// something else, or waits no longer; then the node is in the queue no more, and that is all.
    #[inline(always)]
    pub fn take(&mut self, queue: &Queue, node: &Node, what: u32) -> bool {
        debug_assert_ne!(what, WAITING);
        if node.prev.get().is_null() {
            queue.pop_first(node);
        } else {
            queue.remove(node);
        }
        if node.claim().is_some_and(|c| !c.claim(node.place)) {
            return false;
        }
        node.what.set(what);
        node.next.set(null());
        // SAFETY: what is in the chain waits for its grant.
        match unsafe { self.last.as_ref() } {
            Some(l) => l.next.set(node),
            None => self.first = node,
        }
        self.last = node;
        true
    }

    /// Under the guard: takes all that are in the queue.
    pub fn take_all(&mut self, queue: &Queue, what: u32) {
        while let Some(node) = queue.first() {
            self.take(queue, node, what);
        }
    }

    /// Without the guard: grants and wakes. `v`: the caller's vCPU, if it is a coroutine; those of
    /// the same vCPU run next.
    #[inline(always)]
    pub fn wake(self, v: Option<&'static VCpu>) {
        self.wake_with(v, |_| ());
    }

    /// The same, with a call for each of them before: its waiter is in its place until then.
    #[inline(always)]
    pub fn wake_with(self, v: Option<&'static VCpu>, mut before: impl FnMut(&Node)) {
        let mut at = self.first;
        // SAFETY: as in take; nothing of a node is touched after its grant.
        while let Some(node) = unsafe { at.as_ref() } {
            before(node);
            at = node.next.get();
            node.grant(node.what.get(), v);
        }
    }
}

/// The waiters of an object. Zero is an empty one.
#[derive(Debug)]
#[repr(C)]
pub struct Queue {
    first: Cell<*const Node>,
    last: Cell<*const Node>,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { first: Cell::new(null()), last: Cell::new(null()) }
    }
}

impl Queue {
    /// An empty one.
    #[cfg(not(loom))]
    pub const fn new() -> Queue {
        Queue { first: Cell::new(null()), last: Cell::new(null()) }
    }

    /// Under the guard: whether nobody waits.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }

    /// Under the guard: the one that has waited longest.
    #[inline(always)]
    pub fn first(&self) -> Option<&Node> {
        // SAFETY: nodes in a queue are alive, and the guard keeps them in it.
        unsafe { self.first.get().as_ref() }
    }

    /// Under the guard: the last one, which came latest unless it was put before others.
    pub fn last(&self) -> Option<&Node> {
        // SAFETY: as in `first`.
        unsafe { self.last.get().as_ref() }
    }

    /// Under the guard: the one that came after this one, which is in the queue.
    pub fn after(&self, node: &Node) -> Option<&Node> {
        debug_assert!(node.queued());
        // SAFETY: as in `first`.
        unsafe { node.next.get().as_ref() }
    }

    /// Under the guard: takes the one out that has waited longest, if it waits for nothing else; it is
    /// to be granted without the guard.
    #[inline(always)]
    pub fn pop_single(&self) -> Option<&Node> {
        let node = self.first().filter(|n| n.claim.is_null())?;
        self.pop_first(node);
        Some(node)
    }

    /// Under the guard: the only one in it, if it waits for nothing else.
    #[cfg(not(loom))]
    #[inline(always)]
    pub fn only(&self) -> Option<&Node> {
        self.first().filter(|n| std::ptr::eq(*n, self.last.get()) && n.claim.is_null())
    }

    /// Under the guard: takes the only one out, to be granted without the guard.
    #[cfg(not(loom))]
    #[inline(always)]
    pub fn take_only(&self) {
        debug_assert!(self.only().is_some());
        if let Some(n) = self.first() {
            n.queued.set(false);
        }
        self.first.set(null());
        self.last.set(null());
    }

    /// Under the guard: the one that has waited longest and does not have anything else by now, as
    /// far as can be seen.
    pub fn first_open(&self) -> Option<&Node> {
        while let Some(node) = self.first() {
            if node.claim().is_none_or(Claim::is_open) {
                return Some(node);
            }
            self.remove(node);
        }
        None
    }

    /// Under the guard: after all others.
    ///
    /// # Safety
    /// The node stays where it is until it is out of the queue again.
    #[inline(always)]
    pub unsafe fn push(&self, node: &Node) {
        let last = self.last.replace(node);
        node.prev.set(last);
        node.next.set(null());
        node.queued.set(true);
        // SAFETY: as in `first`.
        match unsafe { last.as_ref() } {
            Some(l) => l.next.set(node),
            None => self.first.set(node),
        }
    }

    /// Under the guard: before all others.
    ///
    /// # Safety
    /// As push.
    pub unsafe fn push_front(&self, node: &Node) {
        let first = self.first.replace(node);
        node.next.set(first);
        node.prev.set(null());
        node.queued.set(true);
        // SAFETY: as in `first`.
        match unsafe { first.as_ref() } {
            Some(f) => f.prev.set(node),
            None => self.last.set(node),
        }
    }

    /// Under the guard: takes out the first node.
    #[inline(always)]
    fn pop_first(&self, node: &Node) {
        let next = node.next.get();
        node.queued.set(false);
        self.first.set(next);
        // SAFETY: the neighbour is in the queue.
        match unsafe { next.as_ref() } {
            Some(n) => n.prev.set(null()),
            None => self.last.set(null()),
        }
    }

    /// Under the guard: takes out a node that is in it.
    pub fn remove(&self, node: &Node) {
        debug_assert!(node.queued.get());
        let (next, prev) = (node.next.get(), node.prev.get());
        node.queued.set(false);
        // SAFETY: neighbours are in the queue.
        unsafe {
            match prev.as_ref() {
                Some(p) => p.next.set(next),
                None => self.first.set(next),
            }
            match next.as_ref() {
                Some(n) => n.prev.set(prev),
                None => self.last.set(prev),
            }
        }
    }
}

/// Calls `f` with the caller as a waiter, and its vCPU if it is a coroutine.
#[inline(always)]
pub fn as_waiter<R>(f: impl FnOnce(Who, Option<&'static VCpu>) -> R) -> R {
    match sched::running() {
        Some((v, t)) => f(Who::Task(t), Some(v)),
        None => parker::with(|_, p| f(Who::Thread(p), None)),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn order(q: &Queue) -> Vec<usize> {
        let mut at = q.first();
        std::iter::from_fn(|| {
            let node = at?;
            at = q.after(node);
            Some(node.arg.get())
        })
        .collect()
    }

    #[test]
    fn nodes_come_and_go_anywhere() {
        parker::with(|_, p| {
            let nodes: Vec<Node> = (0..6).map(|i| Node::new(Who::Thread(p), i)).collect();
            let q = Queue::default();
            // SAFETY: all are out of the queue below.
            unsafe {
                nodes[1..5].iter().for_each(|n| q.push(n));
                q.push_front(&nodes[0]);
                q.push(&nodes[5]);
            }
            assert_eq!(order(&q), [0, 1, 2, 3, 4, 5]);
            q.remove(&nodes[5]);
            q.remove(&nodes[2]);
            let mut grants = Grants::default();
            assert!(grants.take(&q, &nodes[3], 7) && grants.take(&q, &nodes[0], 8));
            assert_eq!(order(&q), [1, 4]);
            assert!(!nodes[3].queued() && nodes[3].granted() == WAITING);
            grants.wake(None);
            let granted: Vec<u32> = nodes.iter().map(Node::granted).collect();
            assert_eq!(granted, [8, 0, 0, 7, 0, 0]);
            nodes[3].renew();
            // SAFETY: as above.
            unsafe { q.push(&nodes[3]) };
            Grants::all(&q, 1).wake(None);
            assert!(q.is_empty());
            assert_eq!((nodes[1].granted(), nodes[3].outwait(), nodes[4].granted()), (1, 1, 1));
        });
    }
}
