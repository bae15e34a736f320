//! Jobs of a pool, and who waits: for a job's end, for its beginning, or for a job.
#![allow(unsafe_code)]

use crate::sched::TaskRef;
use crate::task::Entry;
use crate::wait::queue::{Node, Who};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// A function to be run, and who waits for its result (null: nobody).
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub entry: Entry,
    pub arg: *mut c_void,
    pub call: *const Waiting,
}

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// In the queue.
    Queued,
    /// A worker has it, and has not begun.
    Given,
    /// Its caller has been stopped before it began.
    Stopped,
    /// This coroutine runs it.
    Begun(u64),
    /// It has ended, or been refused.
    Over,
}

/// One who waits, on its own stack: a caller until its job has ended, a submitter until its job is
/// stored or taken. All of it is under the pool's guard.
#[derive(Debug)]
pub(super) struct Waiting {
    pub node: Node,
    pub job: Cell<Job>,
    /// Its place among all that wait.
    pub number: Cell<u64>,
    pub stage: Cell<Stage>,
    pub result: Cell<*mut c_void>,
}

impl Waiting {
    pub fn new(who: Who, entry: Entry, arg: *mut c_void) -> Waiting {
        Waiting {
            node: Node::new(who, 0),
            job: Cell::new(Job { entry, arg, call: null() }),
            number: Cell::new(0),
            stage: Cell::new(Stage::Queued),
            result: Cell::new(null_mut()),
        }
    }

    /// From here on it stays where it is. A call's job is to tell it the result.
    pub fn begin(&self, call: bool) {
        self.node.arg.set(std::ptr::from_ref(self).expose_provenance());
        if call {
            self.job.set(Job { call: self, ..self.job.get() });
        }
    }

    /// What a node in one of the queues of those that wait is part of.
    pub fn of(node: &Node) -> &Waiting {
        // SAFETY: `begin` has put its address there; it stays while its node is queued.
        unsafe { &*std::ptr::with_exposed_provenance(node.arg.get()) }
    }
}

impl Job {
    /// Who waits for its result, in its place until that has been granted.
    pub fn caller(&self) -> Option<&Waiting> {
        // SAFETY: null, or set by `begin`; callers wait until they are granted.
        unsafe { self.call.as_ref() }
    }
}

/// A worker with nothing to do, on its own stack.
#[derive(Debug)]
pub(super) struct Idle {
    pub node: Node,
    pub job: Cell<Option<Job>>,
}

impl Idle {
    pub fn new(t: TaskRef) -> Idle {
        Idle { node: Node::new(Who::Task(t), 0), job: Cell::new(None) }
    }

    /// From here on it stays where it is.
    pub fn begin(&self) {
        self.node.arg.set(std::ptr::from_ref(self).expose_provenance());
    }

    /// What a node in the queue of the idle is part of.
    pub fn of(node: &Node) -> &Idle {
        // SAFETY: as Waiting::of.
        unsafe { &*std::ptr::with_exposed_provenance(node.arg.get()) }
    }
}
