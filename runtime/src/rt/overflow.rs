//! Stack overflow: says which coroutine it was, then lets the signal do what it would have done.
//!
//! A fault in the guard below a coroutine's stack comes as SIGSEGV (SIGBUS on macOS). The handler
//! must run on another stack: threads that run the program's code have an alternate one
//! (`stack::AltStack`). It does only what a signal handler may: looks the address up without a lock,
//! writes a line, passes the signal on.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::sched::{POOL, foreign, running};
use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, zeroed};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::*};

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

static INSTALLED: Mutex<bool> = Mutex::new(false);
/// Whether BEFORE may be read.
static HAVE_BEFORE: AtomicBool = AtomicBool::new(false);
static mut BEFORE: [MaybeUninit<libc::sigaction>; 2] = [MaybeUninit::uninit(); 2];

/// Installs the handlers, remembering those before.
pub fn install() -> Result<(), Errno> {
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if *installed {
        return Ok(());
    }
    for (i, sig) in SIGNALS.into_iter().enumerate() {
        // SAFETY: valid structs; BEFORE is written under the lock, before the handler that reads it
        // is installed.
        unsafe {
            let mut act: libc::sigaction = zeroed();
            let mut before: libc::sigaction = zeroed();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = handler;
            act.sa_sigaction = handler as usize;
            act.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut act.sa_mask);
            Errno::check(i64::from(libc::sigaction(sig, std::ptr::null(), &raw mut before)))?;
            (&raw mut BEFORE).cast::<libc::sigaction>().add(i).write(before);
            // Release: pairs with the handler's acquire.
            HAVE_BEFORE.store(true, Release);
            Errno::check(i64::from(libc::sigaction(sig, &raw const act, std::ptr::null_mut())))?;
        }
    }
    *installed = true;
    Ok(())
}

/// Puts back what was there, unless somebody has put something else over it.
pub fn remove() {
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !std::mem::take(&mut *installed) {
        return;
    }
    for (i, sig) in SIGNALS.into_iter().enumerate() {
        // SAFETY: valid structs; BEFORE was written by install.
        unsafe {
            let mut now: libc::sigaction = zeroed();
            libc::sigaction(sig, std::ptr::null(), &raw mut now);
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = handler;
            if now.sa_sigaction == handler as usize {
                let before = (&raw const BEFORE).cast::<libc::sigaction>().add(i);
                libc::sigaction(sig, before, std::ptr::null_mut());
            }
        }
    }
}

extern "C" fn handler(sig: c_int, info: *mut libc::siginfo_t, ctx: *mut c_void) {
    // SAFETY: the system gives a valid siginfo; BEFORE is only read.
    unsafe {
        let addr = (*info).si_addr() as usize;
        if POOL.find_guard(addr).is_some() {
            report();
        }
        let i = usize::from(sig != libc::SIGSEGV);
        // Acquire: pairs with install's release.
        if !HAVE_BEFORE.load(Acquire) {
            return;
        }
        let before = (&raw const BEFORE).cast::<libc::sigaction>().add(i);
        match (*before).sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => {
                // Back to the faulting instruction, which now does what it would have done without
                // us.
                libc::sigaction(sig, before, std::ptr::null_mut());
            }
            f if (*before).sa_flags & libc::SA_SIGINFO != 0 => {
                let f: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    std::mem::transmute(f);
                f(sig, info, ctx);
            }
            f => {
                let f: extern "C" fn(c_int) = std::mem::transmute(f);
                f(sig);
            }
        }
    }
}

/// One line on standard error, without allocating.
fn report() {
    let mut line = [0u8; 160];
    let mut len = 0;
    let mut put = |bytes: &[u8]| {
        for b in bytes {
            if len < line.len() {
                line[len] = *b;
                len += 1;
            }
        }
    };
    put(b"photonrt: stack overflow in coroutine ");
    if let Some(t) = running().map(|r| r.1).or_else(foreign::task) {
        let name = t.name();
        let end = name.iter().position(|b| *b == 0).unwrap_or(0);
        let mut hex = [0u8; 16];
        let handle = t.handle();
        for (i, h) in hex.iter_mut().enumerate() {
            *h = b"0123456789abcdef"[(handle >> (60 - 4 * i)) as usize & 15];
        }
        put(b"\"");
        put(&name[..end]);
        put(b"\" (");
        put(&hex);
        put(b")");
    } else {
        put(b"(none is running)");
    }
    put(b"\n");
    // SAFETY: the buffer is valid. Nothing to do if it can't be written.
    let _ = unsafe { libc::write(2, line.as_ptr().cast(), len) };
}
