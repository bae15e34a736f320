//! Sending and receiving.
//!
//! Each attempt has a short way, for what happens most: one that waits on the other side for this
//! channel alone, a ring with room. Everything else goes the long way, by [`Core`]'s own steps.
#![allow(unsafe_code)]

use super::apart::{self, Side};
use super::core::{Core, DONE, Step, address, at, granted};
use super::store::{copy, new_block};
use crate::err::Errno;
use crate::sched::VCpu;
use crate::wait::caller::give_up;
use crate::wait::queue::{Grants, Node, Queue};
use crate::wait::step::{self, Call, Outcome, Place};
use crate::wait::{Deadline, Stop, holding};

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
pub(super) enum Found<'a> {
    /// One on the other side that waits for this channel alone; it is out of the queue.
    Waiter(&'a Node, usize),
    /// Done, by the ring.
    Done,
    /// The caller's own node is queued.
    Queued,
    /// It would have to wait for another vCPU, at a ring of so many places.
    Apart(Place<'a>, usize),
    /// Anything else.
    Other(Place<'a>),
}

/// The long way: one of the core's own steps. If that says to wait, and the caller may, its node for
/// `elem` is in the queue.
fn step_or_queue(
    (core, ch): (&Core, u64),
    v: Option<&'static VCpu>,
    now: bool,
    (queue, place, elem): (&Queue, Place<'_>, *const u8),
    step: impl FnOnce() -> Result<Step, Errno>,
) -> Result<Step, Errno> {
    holding(&core.word, v, || {
        let step = core.check(ch).and_then(|()| step());
        if let (Ok(Step::Wait), false) = (&step, now) {
            // SAFETY: granted, or taken out by `stopped`, before the call is done.
            unsafe { queue.push(place.node(elem.expose_provenance())) };
        }
        step
    })
}

/// What a send and a receive have in common, seen from either side.
pub(super) trait Transfer: Copy {
    /// The channel's handle.
    fn channel(self) -> u64;
    /// The queue of its kind.
    fn queue(core: &Core) -> &Queue;
    /// Its own side, and the other.
    fn sides(core: &Core) -> (&Side, &Side);
    /// Of a ring of so many places, those that it could use: a hint, without the guard.
    fn usable(core: &Core, places: usize) -> usize;
    /// Under the guard: the short way. `apart`: whether it spins rather than queue.
    fn look<'a>(
        self,
        core: &'a Core,
        now: bool,
        place: Place<'a>,
        apart: impl FnOnce() -> bool,
    ) -> Found<'a>;
    /// Carries it out with one that was found waiting, and lets that go on.
    fn hand(self, other: &Node, size: usize, v: Option<&'static VCpu>);
    /// The long way.
    fn attempt_all(
        self,
        core: &'static Core,
        v: Option<&'static VCpu>,
        now: bool,
        place: Place<'_>,
    ) -> Outcome;
}

impl<T: Transfer> Call for T {
    #[inline(always)]
    fn attempt(self, v: Option<&'static VCpu>, now: bool, mut place: Place<'_>) -> Outcome {
        let core = match at(self.channel()) {
            Ok(core) => core,
            Err(e) => return Some(Err(e)),
        };
        let (mine, other) = T::sides(core);
        let mut spun = None;
        loop {
            let found = holding(&core.word, v, || {
                mine.came(v, spun);
                self.look(core, now, place, || mine.may_spin(other, spun))
            });
            match found {
                Found::Waiter(waiter, size) => {
                    self.hand(waiter, size, v);
                    return Some(Ok(()));
                }
                Found::Done => return Some(Ok(())),
                Found::Queued => return None,
                Found::Apart(again, places) => {
                    place = again;
                    spun = Some(apart::spin(places, || T::usable(core, places)));
                }
                Found::Other(place) => return self.attempt_all(core, v, now, place),
            }
        }
    }

    #[inline(always)]
    fn granted(what: u32) -> Result<(), Errno> {
        granted(what)
    }

    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        let core = at(self.channel())?;
        stopped(core, T::queue(core), node, s, d)
    }
}

impl Transfer for Send {
    #[inline(always)]
    fn channel(self) -> u64 {
        self.ch
    }

    #[inline(always)]
    fn queue(core: &Core) -> &Queue {
        &core.senders
    }

    #[inline(always)]
    fn sides(core: &Core) -> (&Side, &Side) {
        (&core.apart.senders, &core.apart.receivers)
    }

    #[inline(always)]
    fn usable(core: &Core, places: usize) -> usize {
        places.saturating_sub(core.len.get())
    }

    #[inline(always)]
    fn look<'a>(
        self,
        core: &'a Core,
        now: bool,
        place: Place<'a>,
        apart: impl FnOnce() -> bool,
    ) -> Found<'a> {
        let Send { ch, elem } = self;
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
        if core.places() > 0 && apart() {
            return Found::Apart(place, core.places());
        }
        // SAFETY: granted, or taken out by `stopped`, before the call is done.
        unsafe { core.senders.push(place.node(elem.expose_provenance())) };
        Found::Queued
    }

    #[inline(always)]
    fn hand(self, receiver: &Node, size: usize, v: Option<&'static VCpu>) {
        let to = address(receiver);
        if !to.is_null() {
            // SAFETY: the receiver waits for its grant; the maker's promise.
            unsafe { copy(self.elem, to, size) };
        }
        receiver.grant(DONE, v);
    }

    #[inline(never)]
    fn attempt_all(
        self,
        core: &'static Core,
        v: Option<&'static VCpu>,
        now: bool,
        place: Place<'_>,
    ) -> Outcome {
        let Send { ch, elem } = self;
        // SAFETY: the maker's promise.
        let send = || unsafe { core.send(elem) };
        let step = step_or_queue((core, ch), v, now, (&core.senders, place, elem), send);
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
}

impl Send {
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

impl Transfer for Recv {
    #[inline(always)]
    fn channel(self) -> u64 {
        self.ch
    }

    #[inline(always)]
    fn queue(core: &Core) -> &Queue {
        &core.receivers
    }

    #[inline(always)]
    fn sides(core: &Core) -> (&Side, &Side) {
        (&core.apart.receivers, &core.apart.senders)
    }

    #[inline(always)]
    fn usable(core: &Core, _places: usize) -> usize {
        core.len.get()
    }

    #[inline(always)]
    fn look<'a>(
        self,
        core: &'a Core,
        now: bool,
        place: Place<'a>,
        apart: impl FnOnce() -> bool,
    ) -> Found<'a> {
        let Recv { ch, elem } = self;
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
            if core.places() > 0 && apart() {
                return Found::Apart(place, core.places());
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
    }

    #[inline(always)]
    fn hand(self, sender: &Node, size: usize, v: Option<&'static VCpu>) {
        // SAFETY: the sender waits for its grant; the maker's promise.
        unsafe { copy(address(sender), self.elem, size) };
        sender.grant(DONE, v);
    }

    #[inline(never)]
    fn attempt_all(
        self,
        core: &'static Core,
        v: Option<&'static VCpu>,
        now: bool,
        place: Place<'_>,
    ) -> Outcome {
        let Recv { ch, elem } = self;
        // SAFETY: the maker's promise.
        let recv = || unsafe { core.recv(elem) };
        let step = step_or_queue((core, ch), v, now, (&core.receivers, place, elem), recv);
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

/// A wait has been stopped, unless it is just being granted what it waited for. (The slot may be
/// another channel's by now: then the node is in no queue.)
pub(super) fn stopped(
    core: &Core,
    queue: &Queue,
    node: &Node,
    s: Stop,
    d: Deadline,
) -> Result<(), Errno> {
    match give_up(&core.word, queue, node, s, Grants::default) {
        Ok(what) => granted(what),
        Err(s) => Err(s.errno(d)),
    }
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
