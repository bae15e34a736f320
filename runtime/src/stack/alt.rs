//! The stack that a thread's signal handlers run on: one for an overflow of another stack can't run
//! on that.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::zeroed;

/// Room enough for a language runtime's own handler behind ours.
const ALT_BYTES: usize = 256 << 10;
/// Room enough for our handlers: a signal frame (3.5 KiB with AVX-512), an unwinder, and the dynamic
/// linker, which binds the unwinder's functions when they are first called. Rust's threads have 8 KiB.
const ENOUGH: usize = 64 << 10;

/// A thread's alternate signal stack, while this lives; a thread that has a large one already keeps
/// it.
#[derive(Debug)]
pub struct AltStack {
    /// Null: none of ours.
    ours: *mut c_void,
    before: libc::stack_t,
}

impl AltStack {
    /// For the calling thread. Without memory it goes without: an overflow then ends the process
    /// without a word.
    #[allow(clippy::new_without_default)]
    pub fn new() -> AltStack {
        // SAFETY: plain system calls on a mapping of our own.
        unsafe {
            let mut before: libc::stack_t = zeroed();
            let none = std::ptr::null_mut();
            if libc::sigaltstack(std::ptr::null(), &raw mut before) == 0
                && before.ss_flags & libc::SS_DISABLE == 0
                && before.ss_size >= ENOUGH
            {
                return AltStack { ours: none, before };
            }
            let (prot, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
            let p = libc::mmap(none, ALT_BYTES, prot, flags, -1, 0);
            if p == libc::MAP_FAILED {
                return AltStack { ours: none, before };
            }
            let ss = libc::stack_t { ss_sp: p, ss_flags: 0, ss_size: ALT_BYTES };
            libc::sigaltstack(&raw const ss, std::ptr::null_mut());
            AltStack { ours: p, before }
        }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        if !self.ours.is_null() {
            // SAFETY: what the thread had before, if anything, and the mapping that new() made, no
            // longer used as a signal stack.
            unsafe {
                libc::sigaltstack(&raw const self.before, std::ptr::null_mut());
                libc::munmap(self.ours, ALT_BYTES);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present() -> libc::stack_t {
        // SAFETY: asks only.
        unsafe {
            let mut now: libc::stack_t = zeroed();
            assert_eq!(libc::sigaltstack(std::ptr::null(), &raw mut now), 0);
            now
        }
    }

    #[test]
    fn a_small_one_is_replaced_and_comes_back_a_large_one_stays() {
        let before = present();
        let first = AltStack::new();
        assert!(present().ss_flags & libc::SS_DISABLE == 0 && present().ss_size >= ENOUGH);
        let second = AltStack::new();
        assert!(second.ours.is_null());
        drop((second, first));
        let after = present();
        assert_eq!((after.ss_sp, after.ss_size), (before.ss_sp, before.ss_size));
        assert_eq!(after.ss_flags, before.ss_flags);
    }
}
