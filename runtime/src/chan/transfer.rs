//! Sending and receiving.
//!
//! Each attempt has a short way, for what happens most: one that waits on the other side for this
//! channel alone, a ring with room. Everything else goes the long way, by [`Core`]'s own steps.
#![allow(unsafe_code)]

use super::core::{Core, DONE, Step, address, at, granted};
use super::store::{copy, new_block};
use crate::err::Errno;
use crate::sched::VCpu;
use crate::wait::caller::here;
use crate::wait::queue::{Node, Queue};
use crate::wait::step::{self, Call, Outcome, Place};
use crate::wait::{Deadline, Stop, give_back, hold, holding};

// Two words each, so that they stay in registers: the core is looked up again where it is needed.

/// A send. Made from its caller's promise: `elem` is null or an element of the channel's size.
#[derive(Clone, Copy, Debug)]
pub struct Send {
    pub(super) ch: u64,
    pub(super) elem: *const u8,
}

/// A receive. Made from its caller's promise: `elem` is null or has room for an element.
#[derive(Clone, Copy, Debug)]
pub struct Recv {
    pub(super) ch: u64,
    pub(super) elem: *mut u8,
}

/// What the short way has found under the guard.
enum Found<'a> {
    /// One on the other side that waits for this channel alone; it is out of the queue.
    Waiter(&'a Node, usize),
    /// Done, by the ring.
    Done,
    /// The caller's own node is queued.
    Queued,
    /// Anything else.
    Other(Place<'a>),
}

impl Call for Send {
    #[inline(always)]
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome {
        let Send { ch, elem } = self;
        let core = match at(ch) {
            Ok(core) => core,
            Err(e) => return Some(Err(e)),
        };
        let found = holding(&core.word, v, || {
            if core.check(ch).is_err() || core.closed.get() || elem.is_null() {
                return Found::Other(place);
            }
            if let Some(receiver) = core.receivers.pop_single() {
                return Found::Waiter(receiver, core.size());
            }
            if !core.receivers.is_empty() || core.in_blocks() {
                return Found::Other(place);
            }
            if core.has_room() {
                // SAFETY: the maker's promise.
                unsafe { core.put(elem) };
                return Found::Done;
            }
            if now {
                return Found::Other(place);
            }
            // SAFETY: granted, or taken out by `stopped`, before the call is done.
            unsafe { core.senders.push(place.node(elem.expose_provenance())) };
            Found::Queued
        });
        match found {
            Found::Waiter(receiver, size) => {
                let to = address(receiver);
                if !to.is_null() {
                    // SAFETY: the receiver waits for its grant; the maker's promise.
                    unsafe { copy(elem, to, size) };
                }
                receiver.grant(DONE, v);
                Some(Ok(()))
            }
            Found::Done => Some(Ok(())),
            Found::Queued => None,
            Found::Other(place) => self.attempt_all(core, v, now, place),
        }
    }

    #[inline(always)]
    fn granted(self, what: u32, _: &Node) -> Outcome {
        Some(granted(what))
    }

    #[cold]
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        let core = at(self.ch)?;
        stopped(core, &core.senders, node, s, d)
    }
}

impl Send {
    /// The long way.
    #[inline(never)]
    fn attempt_all(
        self,
        core: &'static Core,
        v: Option<&'static VCpu>,
        now: bool,
        place: Place<'_>,
    ) -> Outcome {
        let Send { ch, elem } = self;
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
            Ok(Step::Block(size)) => return Some(self.in_block(core, size, v)),
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(()))
    }

    /// Into an unbounded channel that has no room: with a block in hand it looks again.
    #[inline(never)]
    fn in_block(
        self,
        core: &'static Core,
        size: usize,
        v: Option<&'static VCpu>,
    ) -> Result<(), Errno> {
        let Send { ch, elem } = self;
        // Freed after the guard if it is not needed by then.
        let mut block = Some(new_block(size)?);
        let step = holding(&core.word, v, || {
            loop {
                // SAFETY: the maker's promise.
                let step = core.check(ch).and_then(|()| unsafe { core.send(elem) });
                match block.take_if(|_| matches!(step, Ok(Step::Block(_)))) {
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

impl Recv {
    /// The long way.
    #[inline(never)]
    fn attempt_all(
        self,
        core: &'static Core,
        v: Option<&'static VCpu>,
        now: bool,
        place: Place<'_>,
    ) -> Outcome {
        let Recv { ch, elem } = self;
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
}

impl Call for Recv {
    #[inline(always)]
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome {
        let Recv { ch, elem } = self;
        let core = match at(ch) {
            Ok(core) => core,
            Err(e) => return Some(Err(e)),
        };
        let found = holding(&core.word, v, || {
            if core.check(ch).is_err() || elem.is_null() {
                return Found::Other(place);
            }
            if core.len.get() == 0 {
                if let Some(sender) = core.senders.pop_single() {
                    return Found::Waiter(sender, core.size());
                }
                if now || core.closed.get() || !core.senders.is_empty() {
                    return Found::Other(place);
                }
                // SAFETY: granted, or taken out by `stopped`, before the call is done.
                unsafe { core.receivers.push(place.node(elem.expose_provenance())) };
                return Found::Queued;
            }
            if !core.senders.is_empty() || core.in_blocks() {
                return Found::Other(place);
            }
            // SAFETY: the maker's promise.
            unsafe { core.take(elem) };
            Found::Done
        });
        match found {
            Found::Waiter(sender, size) => {
                // SAFETY: the sender waits for its grant; the maker's promise.
                unsafe { copy(address(sender), elem, size) };
                sender.grant(DONE, v);
                Some(Ok(()))
            }
            Found::Done => Some(Ok(())),
            Found::Queued => None,
            Found::Other(place) => self.attempt_all(core, v, now, place),
        }
    }

    #[inline(always)]
    fn granted(self, what: u32, _: &Node) -> Outcome {
        Some(granted(what))
    }

    #[cold]
    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        let core = at(self.ch)?;
        stopped(core, &core.receivers, node, s, d)
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
    step::run(Send { ch, elem }, timeout_ns)
}

/// co_chan_recv. EBADF, EPIPE, and what ends a wait: nothing has been received then.
///
/// # Safety
/// `elem` is null or has room for an element of the channel's size.
pub unsafe fn recv(ch: u64, elem: *mut u8, timeout_ns: i64) -> Result<(), Errno> {
    step::run(Recv { ch, elem }, timeout_ns)
}
