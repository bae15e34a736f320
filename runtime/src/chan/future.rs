//! Futures: a value, or an error, that is there once and for all, completed from wherever it comes:
//! the bridge from interfaces that call back.
//!
//! A core as a channel's, with room for one element: `closed` says that it is complete, `error` how.
//! Who waits is given the value by who completes it, who comes later takes a copy.
#![allow(unsafe_code)]

use super::core::{Core, FUTURE, address, at, end, grant, granted, make};
use super::store::copy;
use super::transfer;
use crate::err::Errno;
use crate::sched::VCpu;
use crate::wait::caller::here;
use crate::wait::queue::{Grants, Node};
use crate::wait::step::{self, Call, Outcome, Place};
use crate::wait::{Deadline, Stop, holding};

#[inline(always)]
pub(super) fn core(f: u64) -> Result<&'static Core, Errno> {
    // A channel's handle leads nowhere.
    at(f ^ FUTURE)
}

/// co_future_new. EINVAL: a value over [`super::MAX_ELEMENT`]. ENOMEM.
pub fn new(size: usize) -> Result<u64, Errno> {
    make(size, 1, FUTURE)
}

/// co_future_free. EBADF.
pub fn free(f: u64) -> Result<(), Errno> {
    core(f)?;
    end(f)
}

/// co_future_complete, with the value or the error. EBADF. EALREADY: it is complete.
///
/// # Safety
/// The value is null or of the future's size.
pub unsafe fn complete(f: u64, result: Result<*const u8, Errno>) -> Result<(), Errno> {
    let (core, v) = (core(f)?, here());
    let held = core.enter(f, v)?;
    if core.closed.get() {
        return Err(Errno::EALREADY);
    }
    let size = core.size();
    match result {
        Ok(value) if value.is_null() && size != 0 => return Err(Errno::EINVAL),
        // SAFETY: the caller's; a ring of one place.
        Ok(value) => unsafe { copy(value, core.store.ring_put(size), size) },
        Err(e) => core.error.set(e.0),
    }
    core.closed.set(true);
    let mut grants = Grants::default();
    grants.take_all(&core.receivers, result.err().map_or(super::core::DONE, grant));
    drop(held);
    grants.wake_with(v, |waiter| {
        let to = address(waiter);
        if let (Ok(value), false) = (result, to.is_null()) {
            // SAFETY: the waiter waits for its grant, and the caller's.
            unsafe { copy(value, to, size) };
        }
    });
    Ok(())
}

/// A wait. Made from its caller's promise: `out` is null or has room for a value.
#[derive(Clone, Copy, Debug)]
struct Wait {
    core: &'static Core,
    f: u64,
    out: *mut u8,
}

impl Call for Wait {
    fn attempt(self, v: Option<&'static VCpu>, now: bool, place: Place<'_>) -> Outcome {
        let Wait { core, f, out } = self;
        holding(&core.word, v, || {
            if let Err(e) = core.check(f) {
                return Some(Err(e));
            }
            if core.closed.get() {
                // SAFETY: the maker's promise.
                return Some(unsafe { value(core, out) });
            }
            if now {
                return Some(Err(Errno::EAGAIN));
            }
            // SAFETY: granted, or taken out by `stopped`, before the call is done.
            unsafe { core.receivers.push(place.node(out.expose_provenance())) };
            None
        })
    }

    fn granted(what: u32) -> Result<(), Errno> {
        granted(what)
    }

    fn stopped(self, node: &Node, s: Stop, d: Deadline) -> Result<(), Errno> {
        transfer::stopped(self.core, &self.core.receivers, node, s, d)
    }
}

/// co_future_wait. EBADF, the future's error, and what ends a wait.
///
/// # Safety
/// `out` is null or has room for a value.
pub unsafe fn wait(f: u64, out: *mut u8, timeout_ns: i64) -> Result<(), Errno> {
    step::run(Wait { core: core(f)?, f, out }, timeout_ns)
}

/// Under the guard, of a complete one: its value, or its error.
///
/// # Safety
/// `out` is null or has room for a value.
pub(super) unsafe fn value(core: &Core, out: *mut u8) -> Result<(), Errno> {
    match core.error.get() {
        0 => {
            let size = core.size();
            if !out.is_null() {
                // SAFETY: the one place of the ring; the caller's.
                unsafe { copy(core.store.ring_get(size), out, size) };
            }
            Ok(())
        }
        e => granted(grant(Errno(e))),
    }
}
