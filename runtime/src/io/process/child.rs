//! Waiting for a child.
//!
//! ```text
//!   look, without waiting --> something: that is the result
//!      nothing: one child's end:  wait until its pidfd is readable (any engine, a plain thread)
//!               anything else:    a pause, 1 ms and growing to 10
//! ```
//! A pidfd stands for the process and not for its number, so of two who wait for one child the
//! second gets ECHILD even if the number belongs to a new child by then.
//!
//! Pauses are for what no descriptor tells: a child of several, a stop or a continuation, kernels
//! before Linux 5.4, other systems, and when there are no more descriptors.
//!
//! Rejected: a handler for SIGCHLD (it is the program's, and children of others would be woken for);
//! a thread of the pool that blocks in wait4 (it can't be called off, and would reap a child that
//! nobody waits for any more).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::{coroutine, pause, plain};
use crate::io::op::{close::close, poll::poll};
use crate::io::sys::process::{self as sys, Child};
use crate::io::sys::{R, memory};
use crate::io::table;
use crate::wait::{self, Deadline, Stop};
use std::ffi::c_int;

const PAUSE_NS: i64 = 1_000_000;
const PAUSE_MAX_NS: i64 = 10_000_000;

/// How the next look is come to.
struct Watch {
    pid: c_int,
    options: c_int,
    /// -1: none.
    pidfd: c_int,
    /// None is to be had.
    blind: bool,
    pause_ns: i64,
}

impl Watch {
    fn look(&self) -> Result<Option<Child>, Errno> {
        if self.pidfd >= 0 {
            return sys::try_wait_open(self.pidfd);
        }
        sys::try_wait(self.pid, self.options)
    }

    /// Waits until another look is worth it.
    fn wait(&mut self, deadline: Deadline) -> Result<(), Errno> {
        if self.pidfd < 0 && !self.blind {
            match sys::open(self.pid) {
                Ok(fd) => {
                    table::begins(fd);
                    self.pidfd = fd;
                    // It may have ended since the last look: another costs little.
                    return Ok(());
                }
                Err(_) => self.blind = true,
            }
        }
        if self.pidfd >= 0 {
            return match poll(self.pidfd, libc::POLLIN, deadline.left().unwrap_or(-1)) {
                Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Err(Stop::Timeout.errno(deadline)),
                r => r.map(drop),
            };
        }
        let ns = self.pause_ns;
        self.pause_ns = (2 * ns).min(PAUSE_MAX_NS);
        if coroutine().is_some() {
            return pause(deadline, ns).map_err(|stop| stop.errno(deadline));
        }
        plain::pause(deadline, ns)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.pidfd >= 0 {
            // Nothing is to be done about a failure.
            let _ = close(self.pidfd);
        }
    }
}

/// Whether a result can be written, before there is one to be lost. NULL: it is not wanted.
fn check_room<T: Copy>(to: *mut T) -> Result<(), Errno> {
    if to.is_null() {
        return Ok(());
    }
    // SAFETY: the types that this is called with are valid whatever their bytes.
    let there = unsafe { memory::fetch(to)? };
    memory::store(to, &there, size_of::<T>())
}

fn give<T: Copy>(to: *mut T, value: &T) -> Result<(), Errno> {
    if to.is_null() { Ok(()) } else { memory::store(to, value, size_of::<T>()) }
}

/// co_process_wait. `status` and `usage` are NULL or have room.
pub fn wait(
    pid: c_int,
    status: *mut c_int,
    options: c_int,
    usage: *mut libc::rusage,
    timeout_ns: i64,
) -> R {
    if options & !(libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED) != 0 {
        return Err(Errno::EINVAL);
    }
    let deadline = match Deadline::new(timeout_ns)? {
        _ if options & libc::WNOHANG != 0 => Deadline::Now,
        deadline => deadline,
    };
    wait::check().map_err(|stop| stop.errno(deadline))?;
    check_room(status)?;
    check_room(usage)?;
    let blind = pid <= 0 || options & !libc::WNOHANG != 0;
    let mut watch = Watch { pid, options, pidfd: -1, blind, pause_ns: PAUSE_NS };
    loop {
        if let Some(child) = watch.look()? {
            give(status, &child.status)?;
            give(usage, &child.usage)?;
            return Ok(i64::from(child.pid));
        }
        if deadline == Deadline::Now {
            return Err(Errno::EAGAIN);
        }
        if deadline.left() == Some(0) {
            return Err(Errno::ETIMEDOUT);
        }
        watch.wait(deadline)?;
    }
}
