//! Calls that wait in an object's queue: what they have in common, for coroutines and plain threads,
//! in one piece ([`run`]) and in two halves ([`begin`], [`resume`]).
//!
//! ```text
//!   begin   a cancellation point; attempt: done, or the node is queued --> leave the coroutine
//!   resume  granted: done, or queued again; stopped: withdraw the node --> done, or leave again
//! ```
//! The halves are for exported functions on the hot path ([`crate::blocking_body!`]): the state in
//! between lies in the exported function's frame, so that no Rust function waits to be returned to
//! when the coroutine goes on. A coroutine with a floating-point control state of its own, and a plain
//! thread, go through [`run`] inside the first half.
#![allow(unsafe_code)]

use super::queue::{Node, Who};
use super::{Deadline, Stop, check, stop, stop_mask};
use crate::arch::{BLOCKING_FRAME, Step};
use crate::err::Errno;
use crate::parker;
use crate::sched::{TaskRef, VCpu, park_by_step, running};
use crate::task::{attention as at, flags};
use std::mem::MaybeUninit;

/// What a call gives, when it is done; None: its node is in the queue.
pub type Outcome = Option<Result<(), Errno>>;

/// A call that may wait. Copied; it points to what it needs.
pub trait Call: Copy {
    /// Tries, and otherwise queues a node made in `place`; with `now` it gives EAGAIN instead.
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome;

    /// The node has been granted `what`. If it is not done with that, it renews the node and queues it
    /// again.
    #[inline(always)]
    fn granted(self, what: u32, node: &Node) -> Outcome {
        let _ = (what, node);
        Some(Ok(()))
    }

    /// The wait has been stopped: takes the node out of the queue, or finds that it has been granted
    /// nevertheless.
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno>;
}

/// Where the caller's node goes, if it needs one.
#[derive(Debug)]
pub struct Place<'a> {
    node: &'a mut MaybeUninit<Node>,
    /// The caller.
    pub who: Who,
}

impl<'a> Place<'a> {
    /// Makes the node. It stays where it is until the call is done.
    #[inline(always)]
    pub fn node(self, arg: usize) -> &'a Node {
        self.node.write(Node::new(self.who, arg))
    }
}

/// What lives between the halves.
#[repr(C)]
struct Frame<C> {
    node: MaybeUninit<Node>,
    call: MaybeUninit<C>,
    deadline: MaybeUninit<Deadline>,
}

impl<C> Frame<C> {
    const FITS: () = assert!(size_of::<Self>() <= BLOCKING_FRAME && align_of::<Self>() <= 16);
}

fn status(r: Result<(), Errno>) -> Step {
    Step::done(r.map_or_else(Errno::code, |()| 0))
}

/// The first half.
///
/// # Safety
/// `frame` is that of a [`crate::blocking_body!`] whose second half is [`resume`] of the same call.
#[inline(always)]
pub unsafe fn begin<C: Call>(c: C, timeout_ns: i64, frame: *mut u8) -> Step {
    let () = Frame::<C>::FITS;
    let Some((v, t)) = running().filter(|(_, t)| !t.has(flags::SAVE_FP)) else {
        return status(run(c, timeout_ns));
    };
    if timeout_ns < -1 {
        return status(Err(Errno::EINVAL));
    }
    let v = match super::begin(v, t) {
        Ok(v) => v,
        Err(e) => return status(Err(e)),
    };
    // SAFETY: the caller's; a frame of uninitialized fields is a valid one.
    let frame = unsafe { &mut *frame.cast::<Frame<C>>() };
    let place = Place { node: &mut frame.node, who: Who::Task(t) };
    if let Some(r) = c.attempt(Some(v), timeout_ns == 0, place) {
        return status(r);
    }
    frame.call.write(c);
    let d = if timeout_ns < 0 { Deadline::Never } else { super::deadline(timeout_ns) };
    frame.deadline.write(d);
    park_by_step(v, t, stop_mask(t), d.at())
}

/// The second half.
///
/// # Safety
/// `frame` is what [`begin`] got, which has not given a result.
pub unsafe extern "C" fn resume<C: Call>(frame: *mut u8) -> Step {
    // SAFETY: the caller's: begin has filled it.
    let (node, call, d) = unsafe {
        let f = &*frame.cast::<Frame<C>>();
        (f.node.assume_init_ref(), f.call.assume_init(), f.deadline.assume_init())
    };
    let Some((v, t)) = running() else { unreachable!("a wait of coroutines") };
    let a = t.attention.get();
    let what = node.granted();
    if what != 0 && a & at::TIMEOUT == 0 {
        return match call.granted(what, node) {
            Some(r) => status(r),
            None => park_by_step(v, t, stop_mask(t), d.at()),
        };
    }
    woken(call, node, d, (v, t))
}

/// Without a grant, or late.
#[cold]
fn woken<C: Call>(call: C, node: &Node, d: Deadline, (v, t): (&VCpu, TaskRef)) -> Step {
    let a = t.attention.get();
    t.attention.set(a & !at::TIMEOUT);
    let what = node.granted();
    if what != 0
        && let Some(r) = call.granted(what, node)
    {
        return status(r);
    }
    match stop(t) {
        Err(s) => status(call.stopped(node, s, d)),
        Ok(()) if a & at::TIMEOUT != 0 => status(call.stopped(node, Stop::Timeout, d)),
        Ok(()) => park_by_step(v, t, stop_mask(t), d.at()),
    }
}

/// The call in one piece, for everybody.
#[inline(never)]
pub fn run<C: Call>(c: C, timeout_ns: i64) -> Result<(), Errno> {
    if timeout_ns < -1 {
        return Err(Errno::EINVAL);
    }
    match running() {
        Some((v, t)) => {
            let v = super::begin(v, t)?;
            wait(c, timeout_ns, Some(v), Who::Task(t))
        }
        None => {
            check().map_err(|s| s.errno(Deadline::Now))?;
            parker::with(|_, p| wait(c, timeout_ns, None, Who::Thread(p)))
        }
    }
}

fn wait<C: Call>(c: C, timeout_ns: i64, v: Option<&'static VCpu>, who: Who) -> Result<(), Errno> {
    let mut node = MaybeUninit::uninit();
    if let Some(r) = c.attempt(v, timeout_ns == 0, Place { node: &mut node, who }) {
        return r;
    }
    // SAFETY: an attempt that is not done has queued its node.
    let node = unsafe { node.assume_init_ref() };
    let d = super::deadline(timeout_ns);
    loop {
        match node.wait(d) {
            Ok(what) => {
                if let Some(r) = c.granted(what, node) {
                    return r;
                }
            }
            Err(s) => return c.stopped(node, s, d),
        }
    }
}
