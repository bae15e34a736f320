//! An external or custom group's own parts: the descriptor that a host's event loop waits for, and the
//! ways in.
//!
//! ```text
//! fd (epoll or kqueue) --+-- the engine's descriptor: I/O and wakes
//!                        +-- a timer, set to the next deadline when co_group_poll returns
//! ```
#![allow(unsafe_code)]

use super::drain;
use crate::err::Errno;
use crate::sched::{self, Ran, VCpu};
use crate::time;
use std::ffi::c_void;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::*};
use std::time::Duration;

/// How long one who waits for tokens leaves those alone who run one.
const NAP: Duration = Duration::from_micros(100);

/// See the module.
pub struct External {
    queue: OwnedFd,
    #[cfg(target_os = "linux")]
    timer: OwnedFd,
    /// Somebody has the vCPU to himself.
    polled: AtomicBool,
    /// What the timer is set to; i64::MAX: it is not.
    armed: AtomicI64,
    /// Of a custom group.
    host: Option<Host>,
}

/// Who runs a custom group's coroutines.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Called with `ctx`, a token, and whose it is.
    pub on_ready: unsafe extern "C" fn(ctx: *mut c_void, token: u64, co: u64),
    /// The host's.
    pub ctx: usize,
}

impl Host {
    fn give(&self, token: u64, co: u64) {
        // SAFETY: who created the group vouched for both.
        unsafe { (self.on_ready)(self.ctx as *mut c_void, token, co) }
    }
}

/// The vCPU, until this is dropped.
struct Alone<'a>(&'a External, &'static VCpu);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.1.unbind();
        // Release: pairs with the acquire in alone.
        self.0.polled.store(false, Release);
    }
}

fn owned(fd: i32) -> Result<OwnedFd, Errno> {
    let fd = Errno::check(i64::from(fd))? as i32;
    // SAFETY: just made, nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl External {
    /// For an engine's descriptor. EMFILE, ENOMEM.
    #[cfg(target_os = "linux")]
    pub fn new(engine: RawFd, host: Option<Host>) -> Result<External, Errno> {
        // SAFETY: plain system calls.
        let (queue, timer) = unsafe {
            let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
            (
                owned(libc::epoll_create1(libc::EPOLL_CLOEXEC))?,
                owned(libc::timerfd_create(libc::CLOCK_MONOTONIC, flags))?,
            )
        };
        for fd in [engine, timer.as_raw_fd()] {
            let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
            // SAFETY: both descriptors are open, `ev` is valid.
            let r =
                unsafe { libc::epoll_ctl(queue.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut ev) };
            Errno::check(i64::from(r))?;
        }
        let (polled, armed) = (AtomicBool::new(false), AtomicI64::new(i64::MAX));
        Ok(External { queue, timer, polled, armed, host })
    }

    /// For an engine's descriptor. EMFILE, ENOMEM.
    #[cfg(not(target_os = "linux"))]
    pub fn new(engine: RawFd, host: Option<Host>) -> Result<External, Errno> {
        // SAFETY: a plain system call.
        let queue = owned(unsafe { libc::kqueue() })?;
        let (polled, armed) = (AtomicBool::new(false), AtomicI64::new(i64::MAX));
        let x = External { queue, polled, armed, host };
        x.change(engine as usize, libc::EVFILT_READ, libc::EV_ADD, 0)?;
        Ok(x)
    }

    #[cfg(not(target_os = "linux"))]
    fn change(&self, ident: usize, filter: i16, flags: u16, data: isize) -> Result<(), Errno> {
        let fflags = if filter == libc::EVFILT_TIMER { libc::NOTE_NSECONDS } else { 0 };
        let ev = libc::kevent { ident, filter, flags, fflags, data, udata: std::ptr::null_mut() };
        let none = std::ptr::null_mut();
        // SAFETY: one change, no events wanted.
        let r = unsafe {
            libc::kevent(self.queue.as_raw_fd(), &raw const ev, 1, none, 0, std::ptr::null())
        };
        Errno::check(i64::from(r)).map(|_| ())
    }

    /// The descriptor for the host.
    pub fn fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }

    /// Has it readable at that time; none: no timer.
    #[cfg(target_os = "linux")]
    fn set_timer(&self, at: Option<i64>) {
        let ns = at.map_or(0, |t| t.max(1));
        let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let value = libc::timespec { tv_sec: ns / 1_000_000_000, tv_nsec: ns % 1_000_000_000 };
        let spec = libc::itimerspec { it_interval: zero, it_value: value };
        let none = std::ptr::null_mut();
        // SAFETY: `spec` is valid. It can't fail with these arguments.
        unsafe {
            libc::timerfd_settime(
                self.timer.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &raw const spec,
                none,
            )
        };
    }

    /// Has it readable at that time; none: no timer.
    #[cfg(not(target_os = "linux"))]
    fn set_timer(&self, at: Option<i64>) {
        let _ = match at {
            Some(t) => {
                let left = (t - time::now()).max(0) as isize;
                self.change(1, libc::EVFILT_TIMER, libc::EV_ADD | libc::EV_ONESHOT, left)
            }
            // ENOENT: there was none.
            None => self.change(1, libc::EVFILT_TIMER, libc::EV_DELETE, 0),
        };
    }

    /// Has the descriptor readable when the next timer is due.
    fn arm(&self, next: Option<i64>) {
        let at = next.unwrap_or(i64::MAX);
        // A time that has come up has been served, so the next is another.
        if self.armed.swap(at, Relaxed) != at {
            self.set_timer(next);
        }
    }

    /// The vCPU for the caller alone, bound to its thread. EBUSY: another has it.
    fn alone(&self, v: &'static VCpu) -> Result<Alone<'_>, Errno> {
        // Acquire: pairs with the release of the thread that had it before.
        if self.polled.swap(true, Acquire) {
            return Err(Errno::EBUSY);
        }
        v.bind();
        Ok(Alone(self, v))
    }

    /// co_group_poll.
    pub fn poll(&self, v: &'static VCpu, timeout: Option<i64>) -> Result<i64, Errno> {
        if let Some(host) = self.host {
            return self.poll_tokens(v, host, timeout);
        }
        let _alone = self.alone(v)?;
        let n = sched::External { timeout }.poll(v, drain::idle, |next| self.arm(next));
        Ok(n as i64)
    }

    /// For a custom group: while this waits, others may run its coroutines.
    fn poll_tokens(
        &self,
        v: &'static VCpu,
        host: Host,
        timeout: Option<i64>,
    ) -> Result<i64, Errno> {
        let until = timeout.map(|t| time::now().saturating_add(t));
        loop {
            let alone = match self.alone(v) {
                Ok(alone) => alone,
                Err(e) if until.is_some_and(|u| time::now() >= u) => return Err(e),
                // A token is being run, after which there may be more.
                Err(_) => {
                    std::thread::sleep(NAP);
                    continue;
                }
            };
            let n = v.poll_tokens(drain::idle, &|token, co| host.give(token, co));
            self.arm(v.next_timer());
            let ending = v.group().ending.load(Relaxed);
            drop(alone);
            let left = until.map(|u| u - time::now());
            if n > 0 || ending || left.is_some_and(|l| l <= 0) {
                return Ok(n as i64);
            }
            // Up to the millisecond after.
            let ms = left.map_or(-1, |l| (l / 1_000_000 + 1).min(i64::from(i32::MAX)) as i32);
            let mut p = libc::pollfd { fd: self.fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid entry. A signal or an error only makes it look again.
            let _ = unsafe { libc::poll(&raw mut p, 1, ms) };
        }
    }

    /// co_token_run.
    pub fn run_token(&self, v: &'static VCpu, token: u64) -> Result<Ran, Errno> {
        let host = self.host.ok_or(Errno::ESRCH)?;
        let _alone = self.alone(v)?;
        let ran = v.run_token(token, drain::idle, &|token, co| host.give(token, co))?;
        self.arm(v.next_timer());
        Ok(ran)
    }
}
