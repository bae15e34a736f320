//! Signals: the handler, which notes that one has come and rings, and what it takes to put it in
//! place.
#![allow(unsafe_code)]

use super::{R, uninterrupted};
use crate::err::Errno;
use crate::prim::atomic::{AtomicI32, AtomicU64, Ordering::*};
use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, zeroed};
use std::ptr::null_mut;

/// A bit for each signal that has come since [`arrived`] was asked.
static ARRIVED: AtomicU64 = AtomicU64::new(0);
/// The end of the pipe that the handler writes to; set before a handler is put in place, and never
/// closed.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// What was done about a signal before.
pub struct Former(libc::sigaction);

impl std::fmt::Debug for Former {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Former").field(&self.0.sa_sigaction).finish()
    }
}

/// The bit of a signal. EINVAL for what is none, what no handler can be had for (SIGKILL, SIGSTOP),
/// and faults of the running code, which nobody could come back from.
pub fn bit(signo: c_int) -> Result<u64, Errno> {
    let never =
        [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];
    if !(1..=64).contains(&signo) || never.contains(&signo) {
        return Err(Errno::EINVAL);
    }
    Ok(1 << (signo - 1))
}

/// The signals that have come since this was last asked.
pub fn arrived() -> u64 {
    // Acquire: pairs with the handler's fetch_or: what came before the signal is visible.
    ARRIVED.swap(0, Acquire)
}

/// Async-signal-safe: an atomic and a write to a pipe that does not block.
extern "C" fn handler(signo: c_int) {
    let errno = errno_at();
    // SAFETY: the thread's own errno, which the interrupted code must find as it was.
    let before = unsafe { *errno };
    // Release: pairs with `arrived`.
    ARRIVED.fetch_or(1 << (signo - 1), Release);
    ring();
    // SAFETY: as above.
    unsafe { *errno = before };
}

/// Has whoever reads the bell look. A full pipe has been rung already.
pub fn ring() {
    let one = 1u8;
    // SAFETY: one byte. The descriptor is the pipe's for ever.
    unsafe { libc::write(BELL.load(Relaxed), (&raw const one).cast::<c_void>(), 1) };
}

fn errno_at() -> *mut c_int {
    // SAFETY: gives the address of the calling thread's errno.
    #[cfg(any(target_os = "linux", target_os = "dragonfly"))]
    return unsafe { libc::__errno_location() };
    // SAFETY: as above.
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    return unsafe { libc::__error() };
    // SAFETY: as above.
    #[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
    return unsafe { libc::__errno() };
}

/// Makes the bell; what it gives is to be read from. EMFILE and the like.
pub fn make_bell() -> Result<c_int, Errno> {
    let mut fds = [-1; 2];
    // SAFETY: room for two.
    Errno::check(i64::from(unsafe { libc::pipe(fds.as_mut_ptr()) }))?;
    for fd in fds {
        // SAFETY: touches no memory of ours; the descriptors are new.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    super::set_flags(fds[1], super::flags(fds[1])? | libc::O_NONBLOCK)?;
    BELL.store(fds[1], Relaxed);
    Ok(fds[0])
}

/// Blocks until the bell has been rung since the last time, or a signal comes.
pub fn hear(bell: c_int) {
    let mut some = [0u8; 64];
    // SAFETY: as much room as is said. EINTR is as good as a ring.
    unsafe { libc::read(bell, some.as_mut_ptr().cast::<c_void>(), some.len()) };
}

/// The calling thread takes these signals, whatever other threads block, and no others.
pub fn take_only(bits: u64) {
    // SAFETY: a full set is valid; affects the calling thread only.
    unsafe {
        let mut mask = zeroed();
        libc::sigfillset(&raw mut mask);
        for signo in (1..=64).filter(|s| bits >> (s - 1) & 1 != 0) {
            libc::sigdelset(&raw mut mask, signo);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, null_mut());
    }
}

/// Puts the handler in place. EINVAL: the system keeps that signal to itself.
pub fn take(signo: c_int) -> Result<Former, Errno> {
    let mut former = MaybeUninit::uninit();
    // SAFETY: a zeroed sigaction is valid; `former` is written when this succeeds. SA_RESTART:
    // system calls that the program makes don't learn of it; SA_ONSTACK: a coroutine's stack may be
    // small.
    unsafe {
        let mut act = zeroed::<libc::sigaction>();
        act.sa_sigaction = handler as *const () as usize;
        act.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&raw mut act.sa_mask);
        let r = libc::sigaction(signo, &raw const act, former.as_mut_ptr());
        Errno::check(i64::from(r))?;
        Ok(Former(former.assume_init()))
    }
}

/// Puts back what was there, unless somebody has put something else there meanwhile.
pub fn give_back(signo: c_int, former: &Former) -> R {
    // SAFETY: valid sigactions, one of them written by the first call.
    unsafe {
        let mut now = zeroed::<libc::sigaction>();
        Errno::check(i64::from(libc::sigaction(signo, std::ptr::null(), &raw mut now)))?;
        if now.sa_sigaction != handler as *const () as usize {
            return Ok(0);
        }
        uninterrupted(|| i64::from(libc::sigaction(signo, &raw const former.0, null_mut())))
    }
}
