//! Sending, receiving, waiting for a future: calls in one piece, and in two halves for the exported
//! functions ([`crate::wait::step`]).
#![allow(unsafe_code)]

use super::core::{Core, Step, at, granted};
use super::store::new_block;
use crate::arch;
use crate::err::Errno;
use crate::sched::VCpu;
use crate::wait::caller::here;
use crate::wait::queue::{Node, Queue};
use crate::wait::step::{self, Call, Outcome, Place};
use crate::wait::{Deadline, Stop, give_back, hold, holding};

/// A send. Made from its caller's promise: `elem` is null or an element of the channel's size.
#[derive(Clone, Copy, Debug)]
pub struct Send {
    core: &'static Core,
    ch: u64,
    elem: *const u8,
}

/// A receive. Made from its caller's promise: `elem` is null or has room for an element.
#[derive(Clone, Copy, Debug)]
pub struct Recv {
    core: &'static Core,
    ch: u64,
    elem: *mut u8,
}

impl Call for Send {
    #[inline(always)]
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome {
        let Send { core, ch, elem } = self;
        let step = holding(&core.word, v, || {
            // SAFETY: the maker's promise.
            let step = core.check(ch).and_then(|()| unsafe { core.send(elem) });
            if let (Ok(Step::Wait), false) = (&step, now) {
                // SAFETY: granted, or taken out by `stopped`, before the call is done.
                unsafe { core.senders.push(place.node(elem.expose_provenance())) };
            }
            step
        });
        match step {
            // SAFETY: the maker's promise.
            Ok(Step::Done(after)) => unsafe { after.sent(v, elem) },
            Ok(Step::Wait) if now => return Some(Err(Errno::EAGAIN)),
            Ok(Step::Wait) => return None,
            Ok(Step::Block) => return Some(self.in_block(v)),
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(()))
    }

    #[inline(always)]
    fn granted(self, what: u32, _: &Node) -> Outcome {
        Some(granted(what))
    }

    #[cold]
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        stopped(self.core, &self.core.senders, node, s, d)
    }
}

impl Send {
    /// Into an unbounded channel that has no room: with a block in hand it looks again.
    #[inline(never)]
    fn in_block(self, v: Option<&'static VCpu>) -> Result<(), Errno> {
        let Send { core, ch, elem } = self;
        // Freed after the guard if it is not needed by then.
        let mut block = Some(new_block(core.size())?);
        let step = holding(&core.word, v, || {
            loop {
                // SAFETY: the maker's promise.
                let step = core.check(ch).and_then(|()| unsafe { core.send(elem) });
                match block.take_if(|_| matches!(step, Ok(Step::Block))) {
                    Some(block) => core.store.add(block),
                    None => return step,
                }
            }
        });
        if let Step::Done(after) = step? {
            // SAFETY: the maker's promise.
            unsafe { after.sent(v, elem) };
        }
        Ok(())
    }
}

impl Call for Recv {
    #[inline(always)]
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome {
        let Recv { core, ch, elem } = self;
        let step = holding(&core.word, v, || {
            // SAFETY: the maker's promise.
            let step = core.check(ch).and_then(|()| unsafe { core.recv(elem) });
            if let (Ok(Step::Wait), false) = (&step, now) {
                // SAFETY: granted, or taken out by `stopped`, before the call is done.
                unsafe { core.receivers.push(place.node(elem.expose_provenance())) };
            }
            step
        });
        match step {
            // SAFETY: the maker's promise.
            Ok(Step::Done(after)) => unsafe { after.received(v, elem) },
            Ok(_) if now => return Some(Err(Errno::EAGAIN)),
            Ok(_) => return None,
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(()))
    }

    #[inline(always)]
    fn granted(self, what: u32, _: &Node) -> Outcome {
        Some(granted(what))
    }

    #[cold]
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        stopped(self.core, &self.core.receivers, node, s, d)
    }
}

/// A wait has been stopped, unless it is just being granted what it waited for.
#[cold]
pub(super) fn stopped(
    core: &Core,
    queue: &Queue,
    node: &Node,
    s: Stop,
    d: Deadline,
) -> Result<(), Errno> {
    // The slot may be another channel's by now: then the node is in no queue.
    let held = hold(&core.word, here());
    if node.queued() {
        queue.remove(node);
        return Err(s.errno(d));
    }
    drop(held);
    let what = node.outwait();
    give_back(s);
    granted(what)
}

/// co_chan_send. EBADF, EPIPE, EINVAL, ENOMEM, and what ends a wait: nothing has been sent then.
///
/// # Safety
/// `elem` is null or an element of the channel's size.
pub unsafe fn send(ch: u64, elem: *const u8, timeout_ns: i64) -> Result<(), Errno> {
    step::run(Send { core: at(ch)?, ch, elem }, timeout_ns)
}

/// The first half of [`send`].
///
/// # Safety
/// As [`send`]'s, and as [`step::begin`]'s, for [`Send`].
#[inline(always)]
pub unsafe fn begin_send(ch: u64, elem: *const u8, timeout_ns: i64, frame: *mut u8) -> arch::Step {
    match at(ch) {
        // SAFETY: the caller's.
        Ok(core) => unsafe { step::begin(Send { core, ch, elem }, timeout_ns, frame) },
        Err(e) => arch::Step::done(e.code()),
    }
}

/// co_chan_recv. EBADF, EPIPE, and what ends a wait: nothing has been received then.
///
/// # Safety
/// `elem` is null or has room for an element of the channel's size.
pub unsafe fn recv(ch: u64, elem: *mut u8, timeout_ns: i64) -> Result<(), Errno> {
    step::run(Recv { core: at(ch)?, ch, elem }, timeout_ns)
}

/// The first half of [`recv`].
///
/// # Safety
/// As [`recv`]'s, and as [`step::begin`]'s, for [`Recv`].
#[inline(always)]
pub unsafe fn begin_recv(ch: u64, elem: *mut u8, timeout_ns: i64, frame: *mut u8) -> arch::Step {
    match at(ch) {
        // SAFETY: the caller's.
        Ok(core) => unsafe { step::begin(Recv { core, ch, elem }, timeout_ns, frame) },
        Err(e) => arch::Step::done(e.code()),
    }
}
