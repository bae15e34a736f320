//! The stack that a thread's signal handlers run on: one for an overflow of another stack can't run
//! on that.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::zeroed;

/// Room enough for a language runtime's own handler behind ours.
const ALT_BYTES: usize = 256 << 10;

/// A thread's alternate signal stack, while this lives; a thread that has one already keeps it.
#[derive(Debug)]
pub struct AltStack(*mut c_void);

impl AltStack {
    /// For the calling thread. Without memory it goes without: an overflow then ends the process
    /// without a word.
    #[allow(clippy::new_without_default)]
    pub fn new() -> AltStack {
        // SAFETY: plain system calls on a mapping of our own.
        unsafe {
            let mut old: libc::stack_t = zeroed();
            if libc::sigaltstack(std::ptr::null(), &raw mut old) == 0
                && old.ss_flags & libc::SS_DISABLE == 0
            {
                return AltStack(std::ptr::null_mut());
            }
            let (prot, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
            let p = libc::mmap(std::ptr::null_mut(), ALT_BYTES, prot, flags, -1, 0);
            if p == libc::MAP_FAILED {
                return AltStack(std::ptr::null_mut());
            }
            let ss = libc::stack_t { ss_sp: p, ss_flags: 0, ss_size: ALT_BYTES };
            libc::sigaltstack(&raw const ss, std::ptr::null_mut());
            AltStack(p)
        }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the mapping that new() made, no longer used as a signal stack.
            unsafe {
                let mut off: libc::stack_t = zeroed();
                off.ss_flags = libc::SS_DISABLE;
                libc::sigaltstack(&raw const off, std::ptr::null_mut());
                libc::munmap(self.0, ALT_BYTES);
            }
        }
    }
}
