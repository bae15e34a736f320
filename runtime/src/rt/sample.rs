//! A running coroutine's backtrace, for another thread: a signal has its thread collect it.
//!
//! ```text
//! monitor: IDLE -> ASKED, signal ... FILLED: reads it -> IDLE      or, in vain: ASKED -> IDLE
//! handler:         ASKED -> FILLING, collects, -> FILLED           in another coroutine: nothing
//! ```
//! The signal is SIGURG, as Go's runtime uses it: ignored unless somebody wants it, so that one too
//! many harms nobody. What was there before gets what is not ours. System calls that the signal ends
//! are restarted, except those that the system never restarts (sleeps and polls: EINTR).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::sched::watch::Glance;
use crate::sched::{VCpu, current};
use crate::stack::Backtrace;
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, zeroed};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::*};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SIGNAL: c_int = libc::SIGURG;

const IDLE: u32 = 0;
const ASKED: u32 = 1;
const FILLING: u32 = 2;
const FILLED: u32 = 3;

static STATE: AtomicU32 = AtomicU32::new(IDLE);
/// Of whom, while it is ASKED.
static OF: AtomicPtr<VCpu> = AtomicPtr::new(std::ptr::null_mut());
static ANSWER: Answer = Answer(UnsafeCell::new(None), UnsafeCell::new(None));

/// The glance that was asked for, and what was collected.
struct Answer(UnsafeCell<Option<Glance>>, UnsafeCell<Option<Backtrace>>);
// SAFETY: the monitor's, but for the handler's from ASKED to FILLED.
unsafe impl Sync for Answer {}

static INSTALLED: Mutex<bool> = Mutex::new(false);
static HAVE_BEFORE: AtomicBool = AtomicBool::new(false);
static mut BEFORE: MaybeUninit<libc::sigaction> = MaybeUninit::uninit();

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Installs the handler.
pub fn install() -> Result<(), Errno> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if *installed {
        return Ok(());
    }
    // SAFETY: valid structs; BEFORE is written under the lock, before the handler that reads it is
    // installed.
    unsafe {
        let mut act: libc::sigaction = zeroed();
        let mut before: libc::sigaction = zeroed();
        let handler: Handler = handler;
        act.sa_sigaction = handler as usize;
        act.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigemptyset(&raw mut act.sa_mask);
        Errno::check(i64::from(libc::sigaction(SIGNAL, std::ptr::null(), &raw mut before)))?;
        (&raw mut BEFORE).cast::<libc::sigaction>().write(before);
        // Release: pairs with the handler's acquire.
        HAVE_BEFORE.store(true, Release);
        Errno::check(i64::from(libc::sigaction(SIGNAL, &raw const act, std::ptr::null_mut())))?;
    }
    *installed = true;
    Ok(())
}

/// Puts back what was there, unless somebody has put something else over it.
pub fn remove() {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if !std::mem::take(&mut *installed) {
        return;
    }
    // SAFETY: valid structs; BEFORE was written by install.
    unsafe {
        let mut now: libc::sigaction = zeroed();
        libc::sigaction(SIGNAL, std::ptr::null(), &raw mut now);
        let handler: Handler = handler;
        if now.sa_sigaction == handler as usize {
            let before = (&raw const BEFORE).cast::<libc::sigaction>();
            libc::sigaction(SIGNAL, before, std::ptr::null_mut());
        }
    }
}

/// The monitor: has the vCPU's thread collect where it is, if it is where it was. Empty if it can't
/// be had.
pub fn take(v: &VCpu, glance: Glance, out: &mut Backtrace) {
    let installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*installed {
        return;
    }
    // SAFETY: IDLE: the answer is ours.
    unsafe {
        *ANSWER.0.get() = Some(glance);
        *ANSWER.1.get() = None;
    }
    OF.store(std::ptr::from_ref(v).cast_mut(), Relaxed);
    // Release: pairs with the handler's acquire: what is asked.
    STATE.store(ASKED, Release);
    v.signal(SIGNAL);
    for _ in 0..500 {
        // Acquire: pairs with the handler's release: the answer.
        if STATE.load(Acquire) == FILLED {
            break;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    // A thread that blocks the signal, or whose handler is another, has not begun: it never will.
    if STATE.compare_exchange(ASKED, IDLE, Relaxed, Relaxed).is_ok() {
        return;
    }
    // Acquire: as above.
    while STATE.load(Acquire) != FILLED {
        std::thread::sleep(Duration::from_micros(100));
    }
    // SAFETY: FILLED: ours again.
    if let Some(b) = unsafe { *ANSWER.1.get() } {
        *out = b;
    }
    STATE.store(IDLE, Relaxed);
}

extern "C" fn handler(sig: c_int, info: *mut libc::siginfo_t, ctx: *mut c_void) {
    let me = current().map_or(std::ptr::null_mut(), |v| std::ptr::from_ref(v).cast_mut());
    if !me.is_null()
        && STATE.load(Relaxed) == ASKED
        && OF.load(Relaxed) == me
        // Acquire: pairs with take's release.
        && STATE.compare_exchange(ASKED, FILLING, Acquire, Relaxed).is_ok()
    {
        // SAFETY: FILLING: the answer is ours.
        unsafe {
            let same = current().map(VCpu::glance) == *ANSWER.0.get();
            *ANSWER.1.get() = same.then(|| {
                let mut b = Backtrace::default();
                b.collect(interrupted(ctx));
                b
            });
        }
        // Release: pairs with take's acquire.
        return STATE.store(FILLED, Release);
    }
    // Acquire: pairs with install's release.
    if !HAVE_BEFORE.load(Acquire) {
        return;
    }
    // SAFETY: BEFORE is only read.
    unsafe {
        let before = (&raw const BEFORE).cast::<libc::sigaction>();
        match (*before).sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => {}
            f if (*before).sa_flags & libc::SA_SIGINFO != 0 => {
                let f: Handler = std::mem::transmute(f);
                f(sig, info, ctx);
            }
            f => {
                let f: extern "C" fn(c_int) = std::mem::transmute(f);
                f(sig);
            }
        }
    }
}

/// The address that a signal has interrupted; 0 where it isn't known.
fn interrupted(ctx: *mut c_void) -> usize {
    #[cfg(target_os = "linux")]
    // SAFETY: the system gives a valid context.
    unsafe {
        let c = &(*ctx.cast::<libc::ucontext_t>()).uc_mcontext;
        #[cfg(target_arch = "x86_64")]
        return c.gregs[libc::REG_RIP as usize] as usize;
        #[cfg(target_arch = "aarch64")]
        return c.pc as usize;
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = ctx;
        0
    }
}
