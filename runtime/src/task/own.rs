//! What a coroutine, or a plain thread, carries along besides its stack: locals and an arena, the
//! scope that it is in, the values bound around it.
//!
//! ```text
//! Own   ext ------> Ext: locals | arena         made when first needed
//!       scope ----> Hook ... of the innermost scope (`scope` knows what it is)
//!       bindings -> the innermost binding        (`scope::values`)
//! ```
//! A coroutine's is in its control block; a plain thread's in a thread-local. Only the coroutine
//! or thread itself touches it. All three words are null when it begins, and are put in order when
//! it ends ([`Own::leave`]), on its own stack, if a flag says that there may be something:
//! coroutines that use none of this pay nothing for it, not even a cache line.
#![allow(unsafe_code)]

use super::arena::Arena;
use super::local::Locals;
use crate::err::Errno;
use std::alloc::{Layout, alloc};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{NonNull, null, null_mut};

/// Rounds of destructors at the end, as pthread has them: a destructor may set values again.
const ROUNDS: u32 = 4;

/// What begins a thing that must be left before its coroutine or thread ends.
#[derive(Debug)]
#[repr(C)]
pub struct Hook {
    /// Leaves it: afterwards `Own::scope` is another, or null.
    pub leave: unsafe fn(own: &Own),
}

/// What few coroutines have.
#[derive(Debug, Default)]
pub struct Ext {
    /// Values by key.
    pub locals: Locals,
    /// Memory until the end.
    pub arena: Arena,
}

/// See the module.
#[derive(Debug)]
pub struct Own {
    ext: Cell<*mut Ext>,
    /// Of the innermost scope; null: none.
    pub scope: Cell<*const Hook>,
    /// The innermost binding; null: none.
    pub bindings: Cell<*const c_void>,
}

impl Default for Own {
    fn default() -> Own {
        Own::new()
    }
}

impl Own {
    /// Nothing.
    pub const fn new() -> Own {
        let (ext, scope, bindings) = (Cell::new(null_mut()), Cell::new(null()), Cell::new(null()));
        Own { ext, scope, bindings }
    }

    /// What it has of locals and arena. Valid until [`Own::leave`].
    #[inline]
    pub fn ext(&self) -> Option<&Ext> {
        // SAFETY: null, or made by `ext_or_new` and freed only by `drop_ext`.
        unsafe { self.ext.get().as_ref() }
    }

    /// The same, made if need be. ENOMEM.
    pub fn ext_or_new(&self) -> Result<&Ext, Errno> {
        if self.ext.get().is_null() {
            // SAFETY: not of size 0; written before it is used.
            let p = NonNull::new(unsafe { alloc(Layout::new::<Ext>()) }).ok_or(Errno::ENOMEM)?;
            let p = p.cast::<Ext>();
            // SAFETY: fresh memory of that layout.
            unsafe { p.write(Ext::default()) };
            self.ext.set(p.as_ptr());
        }
        self.ext().ok_or(Errno::ENOMEM)
    }

    /// Its coroutine or thread ends: scopes are left, down to `scope`; destructors of locals run; the
    /// arena goes; bindings are those that it began with. Blocks as long as those do. Destructors
    /// may begin anew what is then left again, for a number of rounds.
    pub fn leave(&self, scope: *const Hook, bindings: *const c_void) {
        for _ in 0..ROUNDS {
            self.leave_scopes(scope);
            self.bindings.set(bindings);
            if !self.ext().is_some_and(|e| e.locals.destroy()) {
                break;
            }
        }
        self.leave_scopes(scope);
        self.bindings.set(bindings);
        let ext = self.ext.replace(null_mut());
        if !ext.is_null() {
            // SAFETY: a box of ext_or_new, and nobody else has its address.
            drop(unsafe { Box::from_raw(ext) });
        }
    }

    /// Leaves what was entered after `down_to`.
    pub fn leave_scopes(&self, down_to: *const Hook) {
        while !std::ptr::eq(self.scope.get(), down_to) {
            // SAFETY: null, or the hook of something that stays until it has been left.
            match unsafe { self.scope.get().as_ref() } {
                // SAFETY: it is the innermost one of its own.
                Some(h) => unsafe { (h.leave)(self) },
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_left_and_it_can_be_used_again() {
        unsafe fn leave(own: &Own) {
            own.scope.set(null());
        }
        static HOOK: Hook = Hook { leave };
        let own = Own::new();
        for _ in 0..2 {
            assert!(own.ext().is_none());
            assert!(own.ext_or_new().is_ok_and(|e| e.arena.alloc(10, 1).is_some()));
            own.scope.set(&raw const HOOK);
            own.bindings.set((&raw const HOOK).cast());
            own.leave(null(), null());
            assert!(own.scope.get().is_null() && own.bindings.get().is_null());
        }
    }
}
