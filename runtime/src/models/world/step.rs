//! As `wait::step`: calls in one piece, by plain threads.

use super::caller::begin;
use super::queue::{Node, Who};
use super::{Deadline, Stop, deadline};
use crate::err::Errno;
use crate::sched::VCpu;

/// As there.
pub type Outcome = Option<Result<(), Errno>>;

/// As there.
pub trait Call: Copy {
    /// As there.
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome;
    /// As there.
    fn granted(what: u32) -> Result<(), Errno>;
    /// As there.
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno>;
}

/// As there.
pub struct Place<'a> {
    node: &'a mut Option<Node>,
    who: Who,
}

impl<'a> Place<'a> {
    /// As there.
    pub fn node(self, arg: usize) -> &'a Node {
        self.node.insert(Node::new(self.who, arg))
    }
}

/// As there.
pub fn run<C: Call>(c: C, timeout_ns: i64) -> Result<(), Errno> {
    let (who, v) = begin(timeout_ns)?;
    let mut node = None;
    if let Some(r) = c.attempt(v, timeout_ns == 0, Place { node: &mut node, who }) {
        return r;
    }
    let d = deadline(timeout_ns);
    // In its place: it is queued.
    let Some(node) = &node else { unreachable!("an attempt that waits has queued its node") };
    match node.wait(d) {
        Ok(what) => C::granted(what),
        Err(s) => c.stopped(node, s, d),
    }
}
