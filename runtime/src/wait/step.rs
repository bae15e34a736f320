//! Calls that wait in an object's queue: what they have in common, for coroutines and plain threads,
//! in one piece ([`run`]) and in two halves ([`begin`], [`resume`]).
//!
//! ```text
//!   begin   a cancellation point; attempt: done, or the node is queued --> leave the coroutine
//!   resume  granted: done; stopped: withdraw the node --> done; woken without a reason: leave again
//! ```
//! The halves are for exported functions on the hot path ([`crate::blocking_body!`]): the state in
//! between lies in the exported function's frame, so that no Rust function waits to be returned to
//! when the coroutine goes on. A coroutine with a floating-point control state of its own, and a plain
//! thread, go through [`run`] inside the first half.
//!
//! **The short way.** These calls are bound by the number of their instructions: 350 for half a round trip
//! between two semaphores. So each half first tries what happens most, all of whose
//! conditions stand together and are looked at before anything is touched: a coroutine of which
//! nothing is asked, a guard biased to its vCPU, no finite timeout ([`Short`]); a grant without a late timer.
//! Everything else is left, by a tail call with the same arguments, to a function that begins anew. So the
//! short way is one leaf function, without a register to save.
#![allow(unsafe_code)]

use super::queue::{Node, Who};
use super::{Deadline, Stop, caller, stop, stop_mask};
use crate::arch::{BLOCKING_FRAME, Step};
use crate::err::Errno;
use crate::sched::{TaskRef, VCpu, park_by_step, running};
use crate::task::{attention as at, flags};
use std::mem::MaybeUninit;

/// What a call gives, when it is done; None: its node is in the queue.
pub type Outcome = Option<Result<(), Errno>>;

/// A call that may wait. Copied; it points to what it needs.
pub trait Call: Copy {
    /// Tries, and otherwise queues a node made in `place`; with `now` it gives EAGAIN instead.
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome;

    /// What it means that its node has been granted `what`.
    #[inline(always)]
    fn granted(what: u32) -> Result<(), Errno> {
        let _ = what;
        Ok(())
    }

    /// The wait has been stopped: takes the node out of the queue, or finds that it has been granted
    /// nevertheless.
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno>;
}

/// What a short way has come to.
#[derive(PartialEq, Eq, Debug)]
pub enum Came {
    /// The call is done, well.
    Done,
    /// Its node is in the queue.
    Queued,
    /// Nothing has been done: [`Call::attempt`] is to see to it.
    Nowhere,
}

/// A call with a short way.
pub trait Short: Call {
    /// As [`Call::attempt`], if the guard is biased to the caller's vCPU `v`, and for what happens most.
    fn short(self, v: &'static VCpu, now: bool, place: Place<'_>) -> Came;
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
pub unsafe fn begin<C: Short>(c: C, timeout_ns: i64, frame: *mut u8) -> Step {
    let () = Frame::<C>::FITS;
    if let (-1 | 0, Some((v, t))) = (timeout_ns, super::begin_at_ease()) {
        // SAFETY: the caller's; a frame of uninitialized fields is a valid one.
        let f = unsafe { &mut *frame.cast::<Frame<C>>() };
        let place = Place { node: &mut f.node, who: Who::Task(t) };
        match c.short(v, timeout_ns == 0, place) {
            Came::Done => return Step::done(0),
            Came::Queued => {
                f.call.write(c);
                f.deadline.write(Deadline::Never);
                return park_by_step(v, t, stop_mask(t), None);
            }
            Came::Nowhere => {}
        }
    }
    // SAFETY: the caller's.
    unsafe { begin_long(c, timeout_ns, frame) }
}

/// The first half, the long way.
///
/// # Safety
/// As [`begin`].
#[cold]
#[inline(never)]
unsafe fn begin_long<C: Call>(c: C, timeout_ns: i64, frame: *mut u8) -> Step {
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
    let d = *frame.deadline.write(super::deadline(timeout_ns));
    park_by_step(v, t, stop_mask(t), d.at())
}

/// The second half.
///
/// # Safety
/// `frame` is what [`begin`] got, which has not given a result.
pub unsafe extern "C" fn resume<C: Call>(frame: *mut u8) -> Step {
    // SAFETY: the caller's: begin has filled it.
    let node = unsafe { (*frame.cast::<Frame<C>>()).node.assume_init_ref() };
    let what = node.granted();
    if let Who::Task(t) = node.who()
        && what != 0
        && t.attention.get() & at::TIMEOUT == 0
    {
        return status(C::granted(what));
    }
    // SAFETY: the caller's.
    unsafe { resume_long::<C>(frame) }
}

/// The second half, the long way.
///
/// # Safety
/// As [`resume`].
#[cold]
#[inline(never)]
unsafe extern "C" fn resume_long<C: Call>(frame: *mut u8) -> Step {
    // SAFETY: the caller's: begin has filled it.
    let (node, call, d) = unsafe {
        let f = &*frame.cast::<Frame<C>>();
        (f.node.assume_init_ref(), f.call.assume_init(), f.deadline.assume_init())
    };
    let Some((v, t)) = running() else { unreachable!("a wait of coroutines") };
    let a = t.attention.get();
    let late = a & at::TIMEOUT != 0;
    if late {
        t.attention.set(a & !at::TIMEOUT);
    }
    match node.granted() {
        0 => woken(call, node, d, (v, t), late),
        what => status(C::granted(what)),
    }
}

/// Without a grant.
#[cold]
fn woken<C: Call>(call: C, node: &Node, d: Deadline, (v, t): (&VCpu, TaskRef), late: bool) -> Step {
    match stop(t) {
        Err(s) => status(call.stopped(node, s, d)),
        Ok(()) if late => status(call.stopped(node, Stop::Timeout, d)),
        Ok(()) => park_by_step(v, t, stop_mask(t), d.at()),
    }
}

/// The call in one piece, for everybody.
#[inline(never)]
pub fn run<C: Call>(c: C, timeout_ns: i64) -> Result<(), Errno> {
    let (who, v) = caller::begin(timeout_ns)?;
    let mut node = MaybeUninit::uninit();
    if let Some(r) = c.attempt(v, timeout_ns == 0, Place { node: &mut node, who }) {
        return r;
    }
    // SAFETY: an attempt that is not done has queued its node.
    let node = unsafe { node.assume_init_ref() };
    let d = super::deadline(timeout_ns);
    match node.wait(d) {
        Ok(what) => C::granted(what),
        Err(s) => c.stopped(node, s, d),
    }
}
