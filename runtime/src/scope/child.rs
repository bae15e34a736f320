//! A scope's children: spawning them, their course, their end.
#![allow(unsafe_code)]

use super::cancel;
use super::core::{Core, Frame, Kind, find, frame, policy};
use super::link::Link;
use super::results::Outcome;
use crate::err::Errno;
use crate::sched::{self, Env, Me, with_me};
use crate::stack;
use crate::task::own::{Hook, Own};
use crate::task::{Attr, Entry, flags};
use std::cell::Cell;
use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering::*;

/// A child's record, at the top of its stack.
#[derive(Debug)]
#[repr(C)]
pub struct Child {
    frame: Frame,
    /// Under the scope's guard.
    link: Link,
    /// Its handle, once it has begun.
    co: Cell<u64>,
    pub scope: &'static Core,
    number: i32,
    /// 0, or the errno that it has failed with.
    error: Cell<i32>,
    entry: Entry,
    arg: *mut c_void,
    /// Where from here the copied environment is; 0: it has none, `arg` is what to pass.
    env: usize,
}

/// The bottom of a child's chain is left by the child's end alone.
unsafe fn leave(own: &Own) {
    own.scope.set(null());
}

impl Child {
    /// Under the scope's guard: it has been told of a cancel.
    pub fn told(&self) {
        self.link.take_out();
        // SAFETY: it stays on its stack until it has taken itself out.
        unsafe { self.scope.told.push(&self.link) };
    }

    pub fn co(&self) -> u64 {
        self.co.get()
    }

    /// The copied environment, or null.
    fn environment(&self) -> *mut c_void {
        match self.env {
            0 => null_mut(),
            // SAFETY: the copy goes on behind the record.
            at => unsafe { std::ptr::from_ref(self).cast_mut().byte_add(at).cast() },
        }
    }

    /// Begins its course: `me` is its coroutine.
    fn begin(&self, me: Me) {
        let co = me.task.map_or(0, |t| t.handle());
        me.own.scope.set((&raw const self.frame).cast());
        me.own.bindings.set(self.scope.bindings.get());
        self.co.set(co);
        if let Some(t) = me.task {
            // What co_env gives.
            t.env.store(self.environment().cast(), Relaxed);
        }
        let cancelled = self.scope.with(|s| {
            let list = if s.cancelled { &self.scope.told } else { &self.scope.children };
            // SAFETY: it stays on this stack until `end`.
            unsafe { list.push(&self.link) };
            s.cancelled
        });
        if cancelled {
            let asked = sched::cancel(co);
            debug_assert!(asked.is_ok());
        }
    }

    /// Its entry has returned: leaves what it has opened and not closed, destroys its locals.
    fn leave(&self, me: Me) {
        let bottom: *const Hook = (&raw const self.frame).cast();
        if !std::ptr::eq(me.own.scope.get(), bottom) {
            me.own.leave_scopes(bottom);
            if self.error.get() == 0 {
                self.error.set(Errno::EBUSY.0);
            }
        }
        me.own.leave(bottom, self.scope.bindings.get());
        me.own.scope.set(null());
        me.own.bindings.set(null());
    }

    /// The last touch of the scope.
    fn end(&self, result: *mut c_void) {
        let (core, error) = (self.scope, self.error.get());
        let mut decides = false;
        let mut waiter = core.with(|s| {
            self.link.take_out();
            if self.number >= 0
                && let Some(slot) = s.results.slot(self.number as usize)
            {
                slot.result = result;
                slot.outcome = Outcome::Ended(error);
            }
            if !s.cancelled {
                if error == 0 && s.winner < 0 {
                    s.winner = self.number.max(0);
                    s.winner_result = result;
                    decides = s.attr.policy == policy::FIRST;
                } else if error != 0 && s.error == 0 {
                    s.error = error;
                    s.failed = self.number;
                    decides = s.attr.policy == policy::FAIL_FAST;
                }
            }
            // While it decides, it is still counted, so the scope stays.
            if decides { 0 } else { core.one_less(s) }
        });
        if decides {
            cancel::walk(core, Errno::ECANCELED);
            waiter = core.with(|s| core.one_less(s));
        }
        core.wake(waiter);
    }
}

unsafe extern "C" fn child_main(arg: *mut c_void) -> *mut c_void {
    // SAFETY: the copy that `spawn` has made on this stack.
    let child = unsafe { &*arg.cast::<Child>() };
    let arg = if child.env == 0 { child.arg } else { child.environment() };
    with_me(|me| child.begin(me));
    // SAFETY: the spawner vouched for entry and argument.
    let result = unsafe { (child.entry)(arg) };
    // It may have ended in the midst of foreign code.
    sched::foreign::end();
    with_me(|me| child.leave(me));
    child.end(result);
    null_mut()
}

impl Core {
    /// Under the guard: a child that has not been told of a cancel.
    pub fn first_child(&self) -> Option<&Child> {
        let link = std::ptr::from_ref(self.children.first()?);
        // SAFETY: what is linked there is a child's `link`, and children take themselves out.
        Some(unsafe { &*link.byte_sub(offset_of!(Child, link)).cast::<Child>() })
    }

    /// Under the guard: an inner scope alike.
    pub fn first_inner(&self) -> Option<&'static Core> {
        let link = std::ptr::from_ref(self.inner.first()?);
        // SAFETY: what is linked there is a Core's `place`, and Cores stay.
        Some(unsafe { &*link.byte_sub(offset_of!(Core, place)).cast::<Core>() })
    }

    /// Under the guard of the scope around.
    pub fn told(&'static self, outer: &Core) {
        self.place.take_out();
        // SAFETY: a Core stays where it is.
        unsafe { outer.told.push(&self.place) };
    }
}

/// co_scope_spawn: the child's number; 0 if they are not kept.
pub fn spawn(handle: u64, attr: &Attr, entry: Entry, arg: *mut c_void) -> Result<i32, Errno> {
    let place = |child: &Child| {
        let (from, size) = (std::ptr::from_ref(child).cast(), size_of::<Child>());
        Ok((Env { from, size, align: align_of::<Child>() }, Vec::new()))
    };
    spawn_with(handle, attr, (entry, arg), 0, place)
}

/// co_scope_spawn_copy.
pub fn spawn_copy(handle: u64, attr: &Attr, entry: Entry, env: Env) -> Result<i32, Errno> {
    if !env.align.is_power_of_two() || env.align > 4096 || (env.size > 0 && env.from.is_null()) {
        return Err(Errno::EINVAL);
    }
    let at = size_of::<Child>().next_multiple_of(env.align);
    let size = at.checked_add(env.size).ok_or(Errno::E2BIG)?;
    // Larger than any stack's half is refused before it is copied for nothing.
    if env.size > stack::class_bytes(stack::CLASSES as u8 - 1) / 2 {
        return Err(Errno::E2BIG);
    }
    let copy = |child: &Child| {
        let mut bytes: Vec<u8> = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(size, 0);
        // SAFETY: both fit into `bytes`; the caller vouched for `from`.
        unsafe {
            let to = bytes.as_mut_ptr();
            std::ptr::copy_nonoverlapping(std::ptr::from_ref(child).cast(), to, size_of::<Child>());
            if env.size > 0 {
                std::ptr::copy_nonoverlapping(env.from, to.add(at), env.size);
            }
        }
        let align = env.align.max(align_of::<Child>());
        Ok((Env { from: bytes.as_ptr(), size, align }, bytes))
    };
    spawn_with(handle, attr, (entry, null_mut()), at, copy)
}

/// `lay` says what is copied onto the new stack, and keeps that alive.
fn spawn_with(
    handle: u64,
    attr: &Attr,
    (entry, arg): (Entry, *mut c_void),
    env: usize,
    lay: impl FnOnce(&Child) -> Result<(Env, Vec<u8>), Errno>,
) -> Result<i32, Errno> {
    if attr.flags & flags::DETACHED != 0 {
        return Err(Errno::EINVAL);
    }
    let core = find(handle)?;
    let place = core.reserve(handle)?;
    let hook = Hook { leave };
    let child = Child {
        frame: Frame { hook, kind: Kind::Child, below: Cell::new(null()) },
        link: Link::new(),
        co: Cell::new(0),
        scope: core,
        number: place.number,
        error: Cell::new(0),
        entry,
        arg,
        env,
    };
    let attr = Attr {
        flags: attr.flags | flags::DETACHED | flags::NEAR,
        group: if attr.group == 0 { place.attr.group } else { attr.group },
        stack_size: if attr.stack_size == 0 { place.attr.stack_size } else { attr.stack_size },
        ..*attr
    };
    let spawned = lay(&child)
        .and_then(|(env, _alive)| sched::spawn(&attr, (child_main, null_mut()), Some(env)));
    match spawned {
        Ok(_) => Ok(place.number.max(0)),
        Err(e) => {
            core.unreserve(&place);
            Err(e)
        }
    }
}

/// The record of the calling child.
fn own_child(own: &Own) -> Option<&Child> {
    // SAFETY: the caller's own chain, whose members stay until they are left.
    unsafe {
        let mut f = frame(own.scope.get())?;
        while f.kind == Kind::Open {
            f = frame(f.below.get())?;
        }
        Some(&*std::ptr::from_ref(f).cast::<Child>())
    }
}

/// co_scope_fail: the calling child's error, an errno or 0.
pub fn fail(err: i32) {
    with_me(|me| {
        if let Some(child) = own_child(me.own) {
            child.error.set(err);
        }
    });
}

/// co_scope_self: the scope that the caller is a child of; 0: none.
pub fn own_scope() -> u64 {
    with_me(|me| own_child(me.own).map_or(0, |c| c.scope.with(|s| s.handle)))
}
