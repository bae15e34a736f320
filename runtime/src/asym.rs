//! L0: asymmetric fences: one side runs often and pays nothing, the other runs rarely and pays for
//! both.
//!
//! ```text
//! light side (hot)            heavy side (rare)
//!   x = 1                       y = 1
//!   light()                     heavy()
//!   read y                      read x
//! ```
//! As if both were SeqCst fences: at least one side reads the other's 1. `light` only keeps the
//! compiler from reordering; `heavy` is membarrier(2), which makes every running thread of the
//! process pass a full barrier. (Linux has it since 4.14; the idea is in P1202 of the C++ committee
//! and in folly's AsymmetricMemoryBarrier.)
//!
//! [`enable`] is asked once, before there are threads: where it says no, nothing may rely on the
//! light side.
//!
//! Rejected: mprotect of a page (its interrupts to the other CPUs are an accident of x86); a signal
//! to each thread (handlers belong to the program).
#![allow(unsafe_code)]

use crate::prim::atomic::Ordering::*;

/// The hot side.
#[inline(always)]
pub fn light() {
    // SeqCst: pairs with heavy. A model has a true fence on both sides.
    #[cfg(loom)]
    crate::prim::atomic::fence(SeqCst);
    // SeqCst: as above, for the compiler.
    #[cfg(not(loom))]
    std::sync::atomic::compiler_fence(SeqCst);
}

/// The rare side; some microseconds. False: the system refuses it by now, and there was no fence.
#[cfg(loom)]
#[must_use]
pub fn heavy() -> bool {
    // SeqCst: pairs with light.
    crate::prim::atomic::fence(SeqCst);
    true
}

#[cfg(not(loom))]
pub use system::{enable, enabled, heavy};

#[cfg(not(loom))]
mod system {
    use std::sync::atomic::{AtomicBool, Ordering::*};

    static ENABLED: AtomicBool = AtomicBool::new(false);

    /// Whether the light side can be relied on.
    #[inline(always)]
    pub fn enabled() -> bool {
        ENABLED.load(Relaxed)
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: no pointers.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    fn membarrier(_: libc::c_int) -> bool {
        false
    }

    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    /// Asks the system for it. Cheap while the process has one thread.
    pub fn enable() {
        let on = membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED);
        ENABLED.store(on, Relaxed);
    }

    /// The rare side; some microseconds. False: the system refuses it by now (a filter that was set
    /// up later), there was no fence, and nothing new will rely on one.
    #[must_use]
    #[cold]
    pub fn heavy() -> bool {
        let done = membarrier(PRIVATE_EXPEDITED);
        if !done {
            ENABLED.store(false, Relaxed);
        }
        done
    }
}
