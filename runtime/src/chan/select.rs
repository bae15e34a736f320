//! Waiting for whichever comes first of several: sends, receives, events, futures, times.
//!
//! 1. Hold the guards of all objects at once ([`crate::wait::hold_all`]) and look which cases could
//!    go on. Of these one is chosen by chance, and done as by itself.
//! 2. None: queue a node on each object, all with one [`Claim`], let the guards go, and wait.
//! 3. Whoever comes to one of the objects claims the waiter before it grants
//!    ([`crate::wait::queue::Grants::take`]): the first one does, the others pass on to the next in
//!    their queue. One who gives up claims itself, in the same way.
//! 4. Hold the guards again, and take the other nodes out.
//!
//! So exactly one case is done, and a waiter is woken once. As all guards are held at once, two
//! selects that look for each other find each other: whoever comes second sees the first one's
//! nodes. (The protocol is that of Go's select.) Own nodes are never found by oneself: they are in
//! no queue while one looks.
//!
//! Rejected: to lock one object after the other (then a case that got ready behind one's back needs
//! a second look, and two selects can miss each other); to begin with the first case always (a busy
//! one starves the others).
#![allow(unsafe_code)]

use super::core::{After, Core, FUTURE, Step, at, granted};
use super::future::value;
use super::store::new_block;
use crate::err::Errno;
use crate::rng::{Rng, system_seed};
use crate::sched::VCpu;
use crate::sync::Event;
use crate::wait::caller::{begin, here};
use crate::wait::claim::Claim;
use crate::wait::guard::Word;
use crate::wait::queue::{Node, Queue, Who, wait_until};
use crate::wait::{Stop, deadline, give_back, hold_all, holding};
use std::mem::MaybeUninit;

/// What a case waits for; the numbers are the ABI's.
pub mod kind {
    /// To send `elem` into the channel `handle`.
    pub const SEND: u32 = 1;
    /// To receive into `elem` from the channel `handle`.
    pub const RECV: u32 = 2;
    /// For the future `handle`, its value to go to `elem`.
    pub const FUTURE: u32 = 3;
    /// For the event at `elem`.
    pub const EVENT: u32 = 4;
    /// For `timeout_ns` to pass.
    pub const TIMEOUT: u32 = 5;
}

/// One thing to wait for, as the ABI has it.
#[derive(Debug)]
#[repr(C)]
pub struct Case {
    /// See [`kind`].
    pub kind: u32,
    /// Of the case that was done: 0 or -errno.
    pub result: i32,
    /// A channel or a future; 0: the case is never done.
    pub handle: u64,
    /// An element or a value, or the event; a null event: the case is never done.
    pub elem: *mut u8,
    /// As timeouts are.
    pub timeout_ns: i64,
}

/// As many cases as this need no memory from the heap.
const FEW: usize = 16;

/// A case's object, found.
#[derive(Clone, Copy)]
enum Object {
    /// Nothing will come of it.
    Never,
    /// There is no such thing.
    Unknown,
    Sends(&'static Core),
    Receives(&'static Core),
    Future(&'static Core),
    Event(*const Event),
}

/// A case while it is being selected.
struct Arm {
    object: Object,
    /// While it waits.
    node: MaybeUninit<Node>,
}

impl Arm {
    const NONE: Arm = Arm { object: Object::Never, node: MaybeUninit::uninit() };
}

/// How a case was done, to be finished without the guards.
enum Done {
    Ended(Result<(), Errno>),
    Sent(After),
    Received(After),
    /// It needs a block first, for elements of that size.
    Block(usize),
    /// Somebody else was faster.
    Missed,
}

impl Case {
    fn object(&self) -> Result<Object, Errno> {
        let found = |core: Result<&'static Core, Errno>, wrap: fn(&'static Core) -> Object| {
            if self.handle == 0 { Object::Never } else { core.map_or(Object::Unknown, wrap) }
        };
        Ok(match self.kind {
            kind::SEND => found(at(self.handle), Object::Sends),
            kind::RECV => found(at(self.handle), Object::Receives),
            kind::FUTURE => found(at(self.handle ^ FUTURE), Object::Future),
            kind::EVENT if self.elem.is_null() => Object::Never,
            kind::EVENT => Object::Event(self.elem.cast()),
            kind::TIMEOUT if self.timeout_ns >= -1 => Object::Never,
            _ => return Err(Errno::EINVAL),
        })
    }
}

impl Done {
    /// Without the guards.
    ///
    /// # Safety
    /// As [`select`].
    unsafe fn complete(self, v: Option<&'static VCpu>, case: &Case) -> Result<(), Errno> {
        // SAFETY: the caller's.
        unsafe {
            match self {
                Done::Ended(result) => return result,
                Done::Sent(after) => after.sent(v, case.elem),
                Done::Received(after) => after.received(v, case.elem),
                Done::Block(_) | Done::Missed => {}
            }
        }
        Ok(())
    }
}

impl Object {
    /// The event behind it.
    ///
    /// # Safety
    /// As [`select`]'s: it outlives the call.
    unsafe fn event<'a>(event: *const Event) -> &'a Event {
        // SAFETY: the caller's.
        unsafe { &*event }
    }

    fn word<'a>(self) -> Option<&'a Word> {
        match self {
            Object::Never | Object::Unknown => None,
            Object::Sends(c) | Object::Receives(c) | Object::Future(c) => Some(&c.word),
            // SAFETY: select's caller.
            Object::Event(e) => Some(&unsafe { Object::event(e) }.word),
        }
    }

    fn queue<'a>(self) -> Option<&'a Queue> {
        match self {
            Object::Never | Object::Unknown => None,
            Object::Sends(c) => Some(&c.senders),
            Object::Receives(c) | Object::Future(c) => Some(&c.receivers),
            // SAFETY: select's caller.
            Object::Event(e) => Some(&unsafe { Object::event(e) }.waiters),
        }
    }

    /// Under the guards: whether the case need not wait.
    #[inline]
    fn ready(self, case: &Case) -> bool {
        let gone = |c: &Core| c.check(case.handle).is_err();
        match self {
            Object::Never => false,
            Object::Unknown => true,
            Object::Sends(c) => gone(c) || c.can_send(case.elem),
            Object::Receives(c) => gone(c) || c.can_recv(),
            Object::Future(c) => gone(c) || c.closed.get(),
            // SAFETY: select's caller.
            Object::Event(e) => unsafe { Object::event(e) }.peek(),
        }
    }

    /// Under the guards: does the case.
    fn attempt(self, case: &Case) -> Done {
        let step = |step: Result<Step, Errno>, done: fn(After) -> Done| match step {
            Ok(Step::Done(after)) => done(after),
            Ok(Step::Wait) => Done::Missed,
            Ok(Step::Block(size)) => Done::Block(size),
            Err(e) => Done::Ended(Err(e)),
        };
        let check = |c: &Core| c.check(case.handle);
        // SAFETY: what `elem` is, is select's caller's promise.
        unsafe {
            match self {
                Object::Never => Done::Missed,
                Object::Unknown => Done::Ended(Err(Errno::EBADF)),
                Object::Sends(c) => step(check(c).and_then(|()| c.send(case.elem)), Done::Sent),
                Object::Receives(c) => {
                    step(check(c).and_then(|()| c.recv(case.elem)), Done::Received)
                }
                Object::Future(c) => Done::Ended(check(c).and_then(|()| value(c, case.elem))),
                Object::Event(_) => Done::Ended(Ok(())),
            }
        }
    }
}

/// A number below `n`.
fn chance(v: Option<&VCpu>, n: usize) -> usize {
    thread_local!(static RNG: Rng = Rng::new(system_seed()));
    match v {
        _ if n == 1 => 0,
        Some(v) => v.random(n),
        None => RNG.with(|rng| rng.below(n)),
    }
}

/// Under the guards: does one of the cases that are ready, chosen by chance; none if none is.
#[inline]
fn look(cases: &[Case], arms: &[Arm], v: Option<&VCpu>) -> Option<(usize, Done)> {
    let ready = || {
        let all = arms.iter().zip(cases).enumerate();
        all.filter(|(_, (arm, case))| arm.object.ready(case)).map(|(i, _)| i)
    };
    loop {
        let chosen = match ready().count() {
            0 => return None,
            n => ready().nth(chance(v, n)),
        };
        // Its waiter on the other side may have been claimed by somebody else just now.
        if let Some(i) = chosen {
            match arms[i].object.attempt(&cases[i]) {
                Done::Missed => {}
                done => return Some((i, done)),
            }
        }
    }
}

/// The timeout that passes first, and the case that it is of.
fn soonest(cases: &[Case], timeout_ns: i64) -> (i64, Option<usize>) {
    let mut first = (timeout_ns, None);
    for (i, c) in cases.iter().enumerate().filter(|(_, c)| c.kind == kind::TIMEOUT) {
        // -1 is the largest.
        let (a, b) = (c.timeout_ns as u64, first.0 as u64);
        if a < b || a == b && first.1.is_none() && a != u64::MAX {
            first = (c.timeout_ns, Some(i));
        }
    }
    first
}

/// co_select: does one of the cases, and gives its number; its result is in it. EINVAL, ENOMEM, and
/// what ends a wait: then none has been done.
///
/// # Safety
/// Elements and values are null or of their object's size; events outlive the call; all stay in
/// place.
pub unsafe fn select(cases: &mut [Case], timeout_ns: i64) -> Result<usize, Errno> {
    // In the place of a word that has not been found yet.
    let none = Word::default();
    if cases.len() <= FEW {
        let mut arms = [const { Arm::NONE }; FEW];
        let mut words = [&none; FEW];
        return select_in(cases, timeout_ns, &mut arms, &mut words);
    }
    let (mut arms, mut words) = (Vec::new(), Vec::new());
    arms.try_reserve_exact(cases.len()).map_err(|_| Errno::ENOMEM)?;
    words.try_reserve_exact(cases.len()).map_err(|_| Errno::ENOMEM)?;
    arms.resize_with(cases.len(), || Arm::NONE);
    words.resize(cases.len(), &none);
    select_in(cases, timeout_ns, &mut arms, &mut words)
}

/// The same, with room for as many.
fn select_in(
    cases: &mut [Case],
    timeout_ns: i64,
    arms: &mut [Arm],
    words: &mut [&Word],
) -> Result<usize, Errno> {
    let arms = &mut arms[..cases.len()];
    let mut n = 0;
    for (arm, case) in arms.iter_mut().zip(cases.iter()) {
        arm.object = case.object()?;
        if let Some(word) = arm.object.word() {
            words[n] = word;
            n += 1;
        }
    }
    let words = &mut words[..n];
    let (who, v) = begin(timeout_ns)?;
    let (timeout_ns, timeout_case) = soonest(cases, timeout_ns);
    let claim = Claim::default();
    loop {
        let held = hold_all(words, v);
        match look(cases, arms, v) {
            Some((i, Done::Block(size))) => {
                drop(held);
                if let Err(e) = prepare(arms[i].object, cases[i].handle, size, v) {
                    return Ok(finish(&mut cases[i], i, Err(e)));
                }
            }
            Some((i, done)) => {
                drop(held);
                let case = &mut cases[i];
                // SAFETY: select's caller.
                let result = unsafe { done.complete(v, case) };
                return Ok(finish(case, i, result));
            }
            None if timeout_ns == 0 => {
                drop(held);
                return late(cases, timeout_case, Errno::EAGAIN);
            }
            None => {
                queue(cases, arms, who, &claim);
                break;
            }
        }
    }
    let d = deadline(timeout_ns);
    let arms: &[Arm] = arms;
    let won = || {
        let place = claim.winner()?;
        // SAFETY: made, since somebody has claimed it.
        Some((place as usize - 1, unsafe { arms[place as usize - 1].node.assume_init_ref() }))
    };
    let waited = wait_until(who, d, || won().is_some_and(|(_, node)| node.granted() != 0));
    let stopped = waited.err().filter(|_| claim.give_up());
    let winner = won();
    if let (Some((_, node)), Err(s)) = (winner, waited) {
        node.outwait();
        give_back(s);
    }
    withdraw(arms, words);
    match (winner, stopped) {
        (Some((i, node)), _) => Ok(finish(&mut cases[i], i, granted(node.granted()))),
        (None, Some(Stop::Timeout)) => late(cases, timeout_case, Errno::ETIMEDOUT),
        (None, s) => Err(s.map_or(Errno::ECANCELED, |s| s.errno(d))),
    }
}

/// The result of a case that was done.
fn finish(case: &mut Case, i: usize, result: Result<(), Errno>) -> usize {
    case.result = result.map_or_else(Errno::code, |()| 0);
    i
}

/// Time is up.
fn late(cases: &mut [Case], case: Option<usize>, e: Errno) -> Result<usize, Errno> {
    case.map(|i| finish(&mut cases[i], i, Ok(()))).ok_or(e)
}

/// Without a guard: has a block ready for a send into an unbounded channel.
#[cold]
fn prepare(
    object: Object,
    handle: u64,
    size: usize,
    v: Option<&'static VCpu>,
) -> Result<(), Errno> {
    let Object::Sends(core) = object else { return Ok(()) };
    let mut block = Some(new_block(size)?);
    holding(&core.word, v, || {
        if core.check(handle).is_ok() {
            block = block.take().and_then(|b| core.store.keep(b));
        }
    });
    Ok(())
}

/// Under the guards: a node on each object.
fn queue(cases: &[Case], arms: &mut [Arm], who: Who, claim: &Claim) {
    for (i, (arm, case)) in arms.iter_mut().zip(cases).enumerate() {
        if let Some(queue) = arm.object.queue() {
            let elem = if case.kind == kind::EVENT { 0 } else { case.elem.expose_provenance() };
            // SAFETY: claim and node stay in place until `withdraw`.
            unsafe {
                let node = Node::of_several(who, elem, i as u32 + 1, claim);
                queue.push(arm.node.write(node));
            }
        }
    }
}

/// Takes out the nodes that are still in their queues.
fn withdraw(arms: &[Arm], words: &mut [&Word]) {
    let held = hold_all(words, here());
    for arm in arms {
        if let Some(queue) = arm.object.queue() {
            // SAFETY: `queue` has made it.
            let node = unsafe { arm.node.assume_init_ref() };
            if node.queued() {
                queue.remove(node);
            }
        }
    }
    drop(held);
}
