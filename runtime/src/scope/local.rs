//! Locals and arena of the caller: see `task::local` and `task::arena`.

use crate::err::Errno;
use crate::sched::with_me;
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

/// co_local_get.
#[inline]
pub fn local_get(key: u64) -> *mut c_void {
    with_me(|me| me.own.ext().map_or(null_mut(), |e| e.locals.get(key)))
}

/// co_local_set.
pub fn local_set(key: u64, value: *mut c_void) -> Result<(), Errno> {
    with_me(|me| me.ext()?.locals.set(key, value))
}

/// co_arena_alloc.
#[inline]
pub fn arena_alloc(size: usize, align: usize) -> Option<NonNull<u8>> {
    with_me(|me| me.ext().ok()?.arena.alloc(size, align))
}

/// co_arena_used.
pub fn arena_used() -> usize {
    with_me(|me| me.own.ext().map_or(0, |e| e.arena.used()))
}

/// co_arena_reset.
pub fn arena_reset() {
    with_me(|me| {
        if let Some(e) = me.own.ext() {
            e.arena.reset();
        }
    });
}
