//! An external group's own parts: the descriptor that a host's event loop waits for, and the way in.
//!
//! ```text
//! fd (epoll or kqueue) --+-- the engine's descriptor: I/O and wakes
//!                        +-- a timer, set to the next deadline when co_group_poll returns
//! ```
#![allow(unsafe_code)]

use super::drain;
use crate::err::Errno;
use crate::sched::{self, VCpu};
#[cfg(not(target_os = "linux"))]
use crate::time;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::*};

/// See the module.
pub struct External {
    queue: OwnedFd,
    #[cfg(target_os = "linux")]
    timer: OwnedFd,
    polled: AtomicBool,
}

fn owned(fd: i32) -> Result<OwnedFd, Errno> {
    let fd = Errno::check(i64::from(fd))? as i32;
    // SAFETY: just made, nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl External {
    /// For an engine's descriptor. EMFILE, ENOMEM.
    #[cfg(target_os = "linux")]
    pub fn new(engine: RawFd) -> Result<External, Errno> {
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
        Ok(External { queue, timer, polled: AtomicBool::new(false) })
    }

    /// For an engine's descriptor. EMFILE, ENOMEM.
    #[cfg(not(target_os = "linux"))]
    pub fn new(engine: RawFd) -> Result<External, Errno> {
        // SAFETY: a plain system call.
        let queue = owned(unsafe { libc::kqueue() })?;
        let x = External { queue, polled: AtomicBool::new(false) };
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
    fn arm(&self, at: Option<i64>) {
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
    fn arm(&self, at: Option<i64>) {
        let _ = match at {
            Some(t) => {
                let left = (t - time::now()).max(0) as isize;
                self.change(1, libc::EVFILT_TIMER, libc::EV_ADD | libc::EV_ONESHOT, left)
            }
            // ENOENT: there was none.
            None => self.change(1, libc::EVFILT_TIMER, libc::EV_DELETE, 0),
        };
    }

    /// co_group_poll.
    pub fn poll(&self, v: &'static VCpu, timeout: Option<i64>) -> Result<i64, Errno> {
        // Acquire: pairs with the release below, of the thread that polled before.
        if self.polled.swap(true, Acquire) {
            return Err(Errno::EBUSY);
        }
        v.bind();
        let n = sched::External { timeout }.poll(v, drain::idle, |next| self.arm(next));
        v.unbind();
        // Release: pairs with the acquire above.
        self.polled.store(false, Release);
        Ok(n as i64)
    }
}
