//! Backtraces: the calls that a stack is in, and their text.
//!
//! Addresses are collected by the unwinder of the C++ ABI, which reads the tables that compilers emit
//! for exceptions. It is safe in a signal handler as far as it finds those tables without a lock, as
//! glibc since 2.35 does (`_dl_find_object`) and musl always; with an older one a signal that arrives
//! inside dlopen could wait for that for ever. Code without tables (a just-in-time compiler's) ends
//! the walk.
//!
//! The text has a line for each call: the file and the offset in it, which addr2line takes, and a name
//! where the file exports one.
//!
//! Rejected: frame pointers (C is compiled without them); the standard library's backtraces (they
//! allocate while they collect, and are of the caller only).
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::fmt::Write as _;

/// As many calls are kept.
pub const DEPTH: usize = 48;

unsafe extern "C" {
    fn _Unwind_Backtrace(
        trace: extern "C" fn(context: *mut c_void, arg: *mut c_void) -> c_int,
        arg: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

/// The addresses of a stack's calls, the innermost first.
#[derive(Clone, Copy, Debug)]
pub struct Backtrace {
    frames: [usize; DEPTH],
    len: usize,
}

impl Default for Backtrace {
    fn default() -> Backtrace {
        Backtrace { frames: [0; DEPTH], len: 0 }
    }
}

struct Walk<'a> {
    to: &'a mut Backtrace,
    /// Where to begin; 0: at once.
    from: usize,
}

extern "C" fn step(context: *mut c_void, arg: *mut c_void) -> c_int {
    const GO_ON: c_int = 0;
    const NORMAL_STOP: c_int = 4;
    // SAFETY: the unwinder's context, and what `collect` passes on.
    let (ip, walk) = unsafe { (_Unwind_GetIP(context), &mut *arg.cast::<Walk>()) };
    if walk.from != 0 && ip != walk.from {
        return GO_ON;
    }
    walk.from = 0;
    if ip == 0 || walk.to.len == DEPTH {
        return NORMAL_STOP;
    }
    walk.to.frames[walk.to.len] = ip;
    walk.to.len += 1;
    GO_ON
}

impl Backtrace {
    /// Of the calling stack, in a signal handler too; from the call at the address `from` on (0: the
    /// innermost), or that address alone if it isn't found.
    pub fn collect(&mut self, from: usize) {
        self.len = 0;
        let mut walk = Walk { to: self, from };
        // SAFETY: `step` gets what it expects, while it is alive.
        unsafe { _Unwind_Backtrace(step, (&raw mut walk).cast()) };
        if self.len == 0 && from != 0 {
            self.frames[0] = from;
            self.len = 1;
        }
    }

    /// The addresses.
    pub fn frames(&self) -> &[usize] {
        &self.frames[..self.len]
    }

    /// A line for each. Not in a signal handler.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (i, &ip) in self.frames().iter().enumerate() {
            // What lies on the stack is where the call will return to, and the call is before that.
            let call = if i == 0 { ip } else { ip - 1 };
            let _ = writeln!(out, "  #{i:<2} {ip:#018x} {}", place(call));
        }
        out
    }
}

/// The file of an address, its offset there, and the exported function that it is in.
fn place(ip: usize) -> String {
    // SAFETY: all zero is valid, and is filled in.
    let info = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(std::ptr::without_provenance(ip), &raw mut info) == 0 {
            return "?".into();
        }
        info
    };
    let text = |p: *const std::ffi::c_char| {
        // SAFETY: dladdr gives null or texts of loaded files.
        (!p.is_null()).then(|| unsafe { CStr::from_ptr(p) }.to_string_lossy())
    };
    let file = text(info.dli_fname).unwrap_or("?".into());
    let mut out = format!("{file}+{:#x}", ip - info.dli_fbase.addr());
    if let Some(name) = text(info.dli_sname) {
        let _ = write!(out, " ({name}+{:#x})", ip - info.dli_saddr.addr());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn inner(b: &mut Backtrace) -> usize {
        b.collect(0);
        std::hint::black_box(b.frames().len())
    }

    #[test]
    fn the_caller_is_in_it() {
        let mut b = Backtrace::default();
        assert!(inner(&mut b) > 2);
        let at = inner as *const () as usize;
        assert!(b.frames().iter().any(|ip| (at..at + 4096).contains(ip)), "{b:?} {at:x}");
        assert_eq!(b.text().lines().count(), b.frames().len());
        let from = b.frames()[1];
        inner(&mut b);
        b.collect(from);
        assert_eq!(b.frames()[0], from);
    }
}
