//! A scope itself: opening, waiting, closing, and what it says. See the head of `scope`.
#![allow(unsafe_code)]

use super::link::Link;
use super::pins::Pins;
use super::results::{self, Outcome, Results};
use super::{cancel, values};
use crate::err::Errno;
use crate::handles::{Slot, Table};
use crate::parker;
use crate::sched::alarm::{self, Alarm, NEVER};
use crate::sched::{self, Me, running, wake_waiter, with_me};
use crate::task::own::{Hook, Own};
use crate::time;
use crate::wait::guard::Word;
use crate::wait::{Deadline, Stop, hold, thread_until, until, until_done};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// When a scope is cancelled by itself; the numbers are the ABI's.
#[allow(missing_docs)]
pub mod policy {
    pub const ALL: u32 = 0;
    pub const FAIL_FAST: u32 = 1;
    pub const FIRST: u32 = 2;
}

/// Bits of `Attr::flags`; the ABI's.
#[allow(missing_docs)]
pub mod flags {
    pub const NO_RESULTS: u32 = 1;
    pub const SHIELDED: u32 = 2;
}

/// How to open a scope; see co_scope_attr_t.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct Attr {
    pub policy: u32,
    pub flags: u32,
    pub timeout_ns: i64,
    pub group: u64,
    pub stack_size: u64,
}

/// What a scope says; see co_scope_info_t.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Info {
    pub cancelled: bool,
    pub policy: u32,
    pub flags: u32,
    pub running: u64,
    pub spawned: u64,
    pub deadline: Option<i64>,
    pub error: i32,
    pub failed: i32,
    pub winner: i32,
    pub winner_result: *mut c_void,
}

/// What a frame of the chain is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A Core: a scope that the chain's coroutine has open.
    Open,
    /// A Child: the coroutine is a scope's child, and this is the bottom.
    Child,
}

/// A member of the chain; the first field of what it is part of.
#[derive(Debug)]
#[repr(C)]
pub struct Frame {
    pub hook: Hook,
    pub kind: Kind,
    pub below: Cell<*const Hook>,
}

/// Under the guard.
#[derive(Debug)]
pub struct State {
    /// Its handle; 0: it is not open.
    pub handle: u64,
    /// Close has begun.
    pub closing: bool,
    pub cancelled: bool,
    pub attr: Attr,
    /// Children that have not ended, those about to be spawned among them.
    pub pending: u64,
    /// Numbers given out.
    pub spawned: u64,
    /// 0, or an errno, and whose it is (-1: no child's).
    pub error: i32,
    pub failed: i32,
    /// -1, or the first that ended well, with its result.
    pub winner: i32,
    pub winner_result: *mut c_void,
    pub results: Results,
}

/// See the head of `scope`.
#[derive(Debug)]
#[repr(C)]
pub struct Core {
    pub frame: Frame,
    word: Word,
    slot: Cell<Option<&'static Slot<Core>>>,
    pins: Pins,
    state: UnsafeCell<State>,
    /// Under the guard: children that have begun and not been told of a cancel; inner scopes alike;
    /// and what has been told.
    pub children: Link,
    pub inner: Link,
    pub told: Link,
    /// Under the guard of the scope around: its place there.
    pub place: Link,
    // Written at opening, under the guard; the owner's and the children's to read while it is open.
    owner: Cell<u64>,
    /// The scope that it is in.
    pub outer: Cell<Option<&'static Core>>,
    /// What is cancelled with it: `outer`, unless this one is shielded.
    attached: Cell<Option<&'static Core>>,
    pub deadline: Cell<i64>,
    alarm: Cell<Option<&'static Alarm>>,
    /// The bindings that children see, and how many there are.
    pub bindings: Cell<*const c_void>,
    pub depth: Cell<u32>,
    /// For who walks down: the next one to go to.
    pub next_walk: Cell<Option<&'static Core>>,
}

/// All scopes. What is found here is looked at under its guard, and its handle again there.
static SCOPES: Table<Core> = Table::empty();

// SAFETY: what is no atomic is under a guard, or its owner's as the comments say, who hands it to
// children by spawning them and to the next owner through the store.
unsafe impl Sync for Core {}
// SAFETY: nothing in it is tied to a thread.
unsafe impl Send for Core {}

/// The caller as an owner: a coroutine's handle, or a plain thread's mark, above all handles.
pub fn identity(me: Me) -> u64 {
    let thread = || 1 << 63 | std::ptr::from_ref(me.own).addr() as u64;
    me.task.map_or_else(thread, |t| t.handle())
}

/// The frame at a hook of the chain.
///
/// # Safety
/// It is null or came from a chain, whose owner calls.
pub unsafe fn frame<'a>(hook: *const Hook) -> Option<&'a Frame> {
    // SAFETY: every hook in a chain is a frame's first field.
    unsafe { hook.cast::<Frame>().as_ref() }
}

/// The scope that the caller is in.
pub fn innermost(own: &Own) -> Option<&'static Core> {
    // SAFETY: the caller's own chain; a Child stays until it has ended, a Core for ever.
    unsafe {
        let f = frame(own.scope.get())?;
        Some(match f.kind {
            Kind::Open => &*std::ptr::from_ref(f).cast::<Core>(),
            Kind::Child => (*std::ptr::from_ref(f).cast::<super::child::Child>()).scope,
        })
    }
}

/// A coroutine or thread ends with this scope open.
unsafe fn leave(own: &Own) {
    if let Some(core) = innermost(own) {
        let _ = core.close(own);
    }
}

impl Default for Core {
    fn default() -> Core {
        let state = State {
            handle: 0,
            closing: false,
            cancelled: false,
            attr: Attr::default(),
            pending: 0,
            spawned: 0,
            error: 0,
            failed: -1,
            winner: -1,
            winner_result: null_mut(),
            results: Results::default(),
        };
        Core {
            frame: Frame { hook: Hook { leave }, kind: Kind::Open, below: Cell::new(null()) },
            word: Word::default(),
            slot: Cell::new(None),
            pins: Pins::default(),
            state: UnsafeCell::new(state),
            children: Link::new(),
            inner: Link::new(),
            told: Link::new(),
            place: Link::new(),
            owner: Cell::new(0),
            outer: Cell::new(None),
            attached: Cell::new(None),
            deadline: Cell::new(NEVER),
            alarm: Cell::new(None),
            bindings: Cell::new(null()),
            depth: Cell::new(0),
            next_walk: Cell::new(None),
        }
    }
}

impl Core {
    /// Holds the guard for the length of `f`, a few instructions.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        let _held = hold(&self.word, sched::current());
        // SAFETY: the guard gives it to us alone.
        f(unsafe { &mut *self.state.get() })
    }

    fn hook(&self) -> *const Hook {
        (&raw const self.frame).cast()
    }

    /// Holds on to it; see the head. Under the guard of a scope that it is linked in, or under its
    /// own while close has not begun.
    pub fn pin(&self) {
        self.pins.pin();
    }

    /// Lets go.
    pub fn unpin(&self) {
        self.wake(self.pins.unpin());
    }

    /// Under the guard: a child is no more. Gives whom to wake when the guard has been let go.
    pub fn one_less(&self, s: &mut State) -> u32 {
        s.pending -= 1;
        // The owner stored it before it took the guard and found us.
        if s.pending == 0 { self.pins.waiter() } else { 0 }
    }

    /// Wakes the owner, if it waits. A hint: it may be another's by now.
    pub fn wake(&self, waiter: u32) {
        if waiter != 0 {
            wake_waiter(waiter);
        }
    }

    /// Owner: waits until `ready`; without a deadline it can't be called off.
    fn wait_until(&self, d: Option<Deadline>, ready: impl FnMut() -> bool) -> Result<(), Stop> {
        let waited = match running() {
            Some((_, t)) => {
                self.pins.begin_wait(t.waiter());
                match d {
                    Some(d) => until(d, ready),
                    None => {
                        until_done(ready);
                        Ok(())
                    }
                }
            }
            None => parker::with(|id, p| {
                self.pins.begin_wait(id);
                thread_until(d.unwrap_or(Deadline::Never), p, ready)
            }),
        };
        self.pins.end_wait();
        waited
    }

    fn begin(&'static self, handle: u64, attr: &Attr, me: Me, outer: Option<&'static Core>) {
        let owner = identity(me);
        self.with(|s| {
            s.handle = handle;
            (s.closing, s.cancelled) = (false, false);
            s.attr = *attr;
            (s.pending, s.spawned) = (0, 0);
            (s.error, s.failed) = (0, -1);
            (s.winner, s.winner_result) = (-1, null_mut());
            self.owner.set(owner);
            self.outer.set(outer);
            self.children.begin();
            self.inner.begin();
            self.told.begin();
            self.bindings.set(me.own.bindings.get());
            self.depth.set(values::depth(me.own));
        });
    }

    /// Links it into the scope that it is to be cancelled with. False: that one is cancelled.
    fn attach(&'static self, outer: Option<&'static Core>) -> bool {
        self.attached.set(outer);
        let Some(outer) = outer else { return true };
        outer.with(|s| {
            if !s.cancelled {
                // SAFETY: a Core stays where it is.
                unsafe { outer.inner.push(&self.place) };
            }
            !s.cancelled
        })
    }

    /// Owner, when nobody can pin it any more and no child is left: frees it.
    fn end(&'static self) {
        let mut chunk = self.with(|s| {
            s.handle = 0;
            s.results.pop()
        });
        while chunk.is_some() {
            chunk = self.with(|s| s.results.pop());
        }
        if let Some(slot) = self.slot.take() {
            SCOPES.give(slot);
        }
    }

    /// Owner, whose innermost frame it is: see co_scope_close. Gives what came of it.
    fn close(&'static self, own: &Own) -> Result<(), Errno> {
        let left = self.with(|s| {
            s.closing = true;
            s.pending > 0
        });
        if let Some(a) = self.alarm.take() {
            a.free();
        }
        if left {
            cancel::walk(self, Errno::ECANCELED);
            // Deaf to everything, so it does not fail.
            let _ = self.wait_until(None, || self.with(|s| s.pending == 0));
        }
        if let Some(outer) = self.attached.take() {
            outer.with(|_| self.place.take_out());
        }
        if !self.pins.none() {
            let _ = self.wait_until(None, || self.pins.none());
        }
        own.scope.set(self.frame.below.get());
        let came_of_it = self.with(|s| s.came_of_it());
        self.end();
        came_of_it
    }
}

impl State {
    /// ESRCH unless it is open and that is its handle.
    pub fn check(&self, handle: u64) -> Result<(), Errno> {
        if self.handle == handle { Ok(()) } else { Err(Errno::ESRCH) }
    }

    /// What co_scope_wait says when all children have ended.
    fn came_of_it(&self) -> Result<(), Errno> {
        match self.error {
            0 => Ok(()),
            _ if self.attr.policy == policy::FIRST && self.winner >= 0 => Ok(()),
            e => Err(Errno(e)),
        }
    }
}

/// The Core of a handle; under its guard the handle is to be checked again.
pub fn find(handle: u64) -> Result<&'static Core, Errno> {
    SCOPES.find(handle).map(|slot| &slot.value).ok_or(Errno::ESRCH)
}

/// The same for the owner: EDEADLK for who is inside of it, EPERM for others.
fn find_owned(handle: u64, me: Me) -> Result<&'static Core, Errno> {
    let core = find(handle)?;
    let owner = core.with(|s| s.check(handle).map(|()| core.owner.get()))?;
    if owner == identity(me) {
        return Ok(core);
    }
    let mut around = innermost(me.own);
    while let Some(c) = around {
        if std::ptr::eq(c, core) {
            return Err(Errno::EDEADLK);
        }
        around = c.outer.get();
    }
    Err(Errno::EPERM)
}

/// co_scope_open.
pub fn open(attr: &Attr) -> Result<u64, Errno> {
    if attr.policy > policy::FIRST
        || attr.flags & !(flags::NO_RESULTS | flags::SHIELDED) != 0
        || attr.timeout_ns < -1
    {
        return Err(Errno::EINVAL);
    }
    with_me(|me| {
        me.mark()?;
        let outer = innermost(me.own);
        let attached = outer.filter(|_| attr.flags & flags::SHIELDED == 0);
        let limit = attached.map_or(NEVER, |o| o.deadline.get());
        let wanted = match attr.timeout_ns {
            n if n > 0 => time::now().saturating_add(n),
            _ => NEVER,
        };
        let slot = SCOPES.take()?;
        let core = &slot.value;
        core.slot.set(Some(slot));
        core.deadline.set(wanted.min(limit));
        let handle = SCOPES.publish(slot);
        core.begin(handle, attr, me, outer);
        let armed = if wanted < limit {
            alarm::near().and_then(|v| Alarm::new(v, cancel::expired, handle)).map(Some)
        } else {
            Ok(None)
        };
        let failed = match armed {
            Err(e) => Some(e),
            Ok(a) => {
                core.alarm.set(a);
                (!core.attach(attached)).then_some(Errno::ECANCELED)
            }
        };
        core.frame.below.set(me.own.scope.replace(core.hook()));
        if let Some(e) = failed {
            let _ = core.close(me.own);
            return Err(e);
        }
        if let Some(a) = core.alarm.get() {
            a.set(wanted);
        }
        Ok(handle)
    })
}

/// co_scope_wait.
pub fn wait(handle: u64, timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    with_me(|me| {
        let core = find_owned(handle, me)?;
        let quiet = || core.with(|s| s.pending == 0);
        core.wait_until(Some(d), quiet).map_err(|s| s.errno(d))?;
        core.with(|s| s.came_of_it())
    })
}

/// co_scope_close.
pub fn close(handle: u64) -> Result<(), Errno> {
    with_me(|me| {
        let core = find_owned(handle, me)?;
        if !std::ptr::eq(me.own.scope.get(), core.hook()) {
            return Err(Errno::EBUSY);
        }
        core.close(me.own)
    })
}

/// co_scope_result: the result, and the error that the child ended with.
pub fn result(handle: u64, number: i32) -> Result<(*mut c_void, Result<(), Errno>), Errno> {
    let core = find(handle)?;
    let slot = core.with(|s| {
        s.check(handle)?;
        let known = number >= 0 && (number as u64) < s.spawned;
        let slot = if known { s.results.slot(number as usize) } else { None };
        slot.copied().ok_or(Errno::EINVAL)
    })?;
    match slot.outcome {
        Outcome::Running => Err(Errno::EINPROGRESS),
        Outcome::Never => Err(Errno::EINVAL),
        Outcome::Ended(0) => Ok((slot.result, Ok(()))),
        Outcome::Ended(e) => Ok((slot.result, Err(Errno(e)))),
    }
}

/// co_scope_info.
pub fn info(handle: u64) -> Result<Info, Errno> {
    let core = find(handle)?;
    core.with(|s| {
        s.check(handle)?;
        let deadline = core.deadline.get();
        Ok(Info {
            cancelled: s.cancelled,
            policy: s.attr.policy,
            flags: s.attr.flags,
            running: s.pending,
            spawned: s.spawned,
            deadline: (deadline != NEVER).then_some(deadline),
            error: s.error,
            failed: s.failed,
            winner: s.winner,
            winner_result: s.winner_result,
        })
    })
}

/// co_scope_deadline: of the innermost scope that the caller is in.
pub fn deadline() -> Option<i64> {
    let at = with_me(|me| innermost(me.own).map_or(NEVER, |c| c.deadline.get()));
    (at != NEVER).then_some(at)
}

/// What a spawn needs of the scope.
#[derive(Debug)]
pub struct Place {
    /// The child's number; -1: numbers are not kept.
    pub number: i32,
    /// As opened.
    pub attr: Attr,
}

impl Core {
    /// A place for one more child. ESRCH, ECANCELED, EOVERFLOW, ENOMEM.
    pub fn reserve(&self, handle: u64) -> Result<Place, Errno> {
        loop {
            let (number, ready) = self.with(|s| {
                s.check(handle)?;
                if s.closing || s.cancelled {
                    return Err(Errno::ECANCELED);
                }
                let numbers = s.attr.flags & flags::NO_RESULTS == 0;
                let number = if numbers { s.spawned } else { 0 };
                if number > i32::MAX as u64 {
                    return Err(Errno::EOVERFLOW);
                }
                if numbers && !s.results.has(number as usize) {
                    return Ok((number as usize, None));
                }
                s.spawned += 1;
                s.pending += 1;
                let number = if numbers { number as i32 } else { -1 };
                Ok((0, Some(Place { number, attr: s.attr })))
            })?;
            if let Some(place) = ready {
                return Ok(place);
            }
            let chunk = results::make(number)?;
            let unused = self.with(|s| match s.check(handle) {
                Ok(()) => s.results.give(number, chunk),
                Err(_) => chunk,
            });
            drop(unused);
        }
    }

    /// It was not spawned.
    pub fn unreserve(&self, p: &Place) {
        let waiter = self.with(|s| {
            if p.number < 0 || s.spawned == p.number as u64 + 1 {
                s.spawned -= 1;
            } else if let Some(slot) = s.results.slot(p.number as usize) {
                // Others have been given numbers meanwhile.
                slot.outcome = Outcome::Never;
            }
            self.one_less(s)
        });
        self.wake(waiter);
    }
}
