//! Scoped values: bound while a function runs, seen by it, by what it calls, and by the children of
//! scopes that it opens.
//!
//! ```text
//! Own.bindings --> Binding --> Binding --> ...      on the stacks of the calls that bound them
//!                    key, value, owner, depth
//! ```
//! Children begin with the bindings that were in force where their scope was opened, by reference.
//! So those must outlive the scope: a binding that ends first closes the scopes that were opened
//! under it, which `depth` tells (what is bound deeper is not looked at: it may be gone). Nothing
//! else can end a call, for nothing here unwinds.
//!
//! A look-up walks the chain. Rejected: a map copied at each binding (an allocation), a cache (the
//! chains that programs make are a few long).
#![allow(unsafe_code)]

use super::core::{Core, Kind, frame, identity};
use crate::err::Errno;
use crate::sched::{Me, with_me};
use crate::task::Entry;
use crate::task::own::Own;
use std::ffi::c_void;

/// See the module. As C sees it: room in the caller's memory.
#[derive(Debug)]
#[repr(C)]
pub struct Binding {
    key: *const c_void,
    value: *mut c_void,
    outer: *const Binding,
    owner: u64,
    depth: u32,
}

fn innermost(own: &Own) -> *const Binding {
    own.bindings.get().cast()
}

/// How many bindings are in force.
pub fn depth(own: &Own) -> u32 {
    // SAFETY: null, or a binding that has not ended.
    unsafe { innermost(own).as_ref() }.map_or(0, |b| b.depth)
}

fn find(own: &Own, mut take: impl FnMut(&Binding) -> bool) -> Option<&Binding> {
    // SAFETY: the chain's members have not ended.
    let mut at = unsafe { innermost(own).as_ref() };
    while let Some(b) = at {
        if take(b) {
            return Some(b);
        }
        // SAFETY: as above.
        at = unsafe { b.outer.as_ref() };
    }
    None
}

fn bind(me: Me, key: *const c_void, value: *mut c_void) -> Binding {
    let outer = innermost(me.own);
    Binding { key, value, outer, owner: identity(me), depth: depth(me.own) + 1 }
}

/// Ends a binding of that depth: what is below it is in force again. EBUSY: scopes were open that
/// it has closed, or bindings under it had not been ended.
fn unbind(own: &Own, b: *const Binding, depth: u32, outer: *const Binding) -> Result<(), Errno> {
    let mut clean = std::ptr::eq(innermost(own), b);
    // SAFETY: the caller's own chain of scopes.
    while let Some(f) = unsafe { frame(own.scope.get()) } {
        let opened_under = f.kind == Kind::Open && {
            // SAFETY: a frame of that kind is part of a Core.
            unsafe { &*std::ptr::from_ref(f).cast::<Core>() }.depth.get() >= depth
        };
        if !opened_under {
            break;
        }
        clean = false;
        own.leave_scopes(f.below.get());
    }
    own.bindings.set(outer.cast());
    if clean { Ok(()) } else { Err(Errno::EBUSY) }
}

/// co_value_call: what `entry` returned, and whether it has left scopes or bindings behind (EBUSY).
///
/// # Safety
/// `entry` may be called with `arg`.
pub unsafe fn value_call(
    key: *const c_void,
    value: *mut c_void,
    entry: Entry,
    arg: *mut c_void,
) -> Result<(*mut c_void, Result<(), Errno>), Errno> {
    if key.is_null() {
        return Err(Errno::EINVAL);
    }
    with_me(|me| {
        let b = bind(me, key, value);
        me.own.bindings.set((&raw const b).cast());
        // SAFETY: the caller's.
        let result = unsafe { entry(arg) };
        Ok((result, unbind(me.own, &raw const b, b.depth, b.outer)))
    })
}

/// co_value_begin.
///
/// # Safety
/// `b` stays where it is, and is left alone, until its end.
pub unsafe fn value_begin(
    b: *mut Binding,
    key: *const c_void,
    value: *mut c_void,
) -> Result<(), Errno> {
    if b.is_null() || key.is_null() {
        return Err(Errno::EINVAL);
    }
    with_me(|me| {
        if find(me.own, |x| std::ptr::eq(x, b)).is_some() {
            return Err(Errno::EBUSY);
        }
        me.mark()?;
        // SAFETY: the caller's.
        unsafe { b.write(bind(me, key, value)) };
        me.own.bindings.set(b.cast_const().cast());
        Ok(())
    })
}

/// co_value_end.
pub fn value_end(b: *const Binding) -> Result<(), Errno> {
    with_me(|me| {
        // SAFETY: null, or a binding that has not ended.
        let top = unsafe { innermost(me.own).as_ref() };
        let b = top.filter(|top| std::ptr::eq(*top, b)).ok_or(Errno::EINVAL)?;
        if b.owner != identity(me) {
            return Err(Errno::EPERM);
        }
        unbind(me.own, b, b.depth, b.outer)
    })
}

/// co_value_get: none if nothing is bound.
#[inline]
pub fn value_get(key: *const c_void) -> Option<*mut c_void> {
    with_me(|me| find(me.own, |b| std::ptr::eq(b.key, key)).map(|b| b.value))
}
