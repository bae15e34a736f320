//! epoll, with nanoseconds. The bell is an eventfd, edge-triggered: each write to it is an edge,
//! and nobody reads it.
#![allow(unsafe_code)]

use super::Event;
use crate::arch::syscall::syscall;
use crate::err::Errno;
use crate::io::engine::bell::Bell;
use crate::sched::driver::Waker;
use std::ffi::c_int;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

/// Descriptors reported by one system call.
const BATCH: usize = 256;
const ENDS: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR | libc::EPOLLPRI) as u32;
const READ: u32 = libc::EPOLLIN as u32 | ENDS;
const WRITE: u32 = (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) as u32;
const ALL: u32 =
    (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLPRI | libc::EPOLLET) as u32;

/// See the module.
pub struct Epoll {
    fd: c_int,
    bell: Arc<Bell>,
    buffer: Box<[libc::epoll_event]>,
}

impl std::fmt::Debug for Epoll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoll").field("fd", &self.fd).finish_non_exhaustive()
    }
}

impl Epoll {
    /// ENOSYS: a kernel without epoll_pwait2.
    pub fn new() -> Result<Epoll, Errno> {
        // SAFETY: touches no memory of ours.
        let fd =
            Errno::check(i64::from(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }))? as c_int;
        let none = libc::epoll_event { events: 0, u64: 0 };
        let bell = Bell::new().inspect_err(|_| {
            // Nothing is to be done about a failure of this.
            let _ = crate::io::sys::close(fd);
        })?;
        let epoll = Epoll { fd, bell: Arc::new(bell), buffer: vec![none; BATCH].into() };
        // Only to read: it is always writable.
        let bell = (libc::EPOLLIN | libc::EPOLLET) as u32;
        epoll.control(libc::EPOLL_CTL_ADD, epoll.bell.fd(), bell)?;
        // SAFETY: no events are asked for more than there is room.
        let r =
            unsafe { epoll.pwait2(std::ptr::from_ref(&none).cast_mut(), 0, Some(Duration::ZERO)) };
        match r {
            // No room at all is invalid: the call exists.
            Ok(_) | Err(Errno::EINVAL) => Ok(epoll),
            // Also what a sandbox that does not know the call gives.
            Err(_) => Err(Errno::ENOSYS),
        }
    }

    fn control(&self, how: c_int, fd: c_int, events: u32) -> Result<(), Errno> {
        let mut e = libc::epoll_event { events, u64: fd as u64 };
        // SAFETY: one valid event.
        Errno::check(i64::from(unsafe { libc::epoll_ctl(self.fd, how, fd, &raw mut e) })).map(drop)
    }

    /// See `Poller`.
    pub fn add(&self, fd: c_int) -> Result<(), Errno> {
        self.control(libc::EPOLL_CTL_ADD, fd, ALL)
    }

    /// See `Poller`.
    pub fn modify(&self, fd: c_int) -> Result<(), Errno> {
        self.control(libc::EPOLL_CTL_MOD, fd, ALL)
    }

    /// # Safety
    /// `room` is for `n` events.
    unsafe fn pwait2(
        &self,
        room: *mut libc::epoll_event,
        n: usize,
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        let t = timeout.map(|t| libc::timespec {
            tv_sec: i32::try_from(t.as_secs()).unwrap_or(i32::MAX).into(),
            tv_nsec: t.subsec_nanos().into(),
        });
        let t = t.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let (room, t) = (room.expose_provenance(), t.expose_provenance());
        // SAFETY: the caller's; a timeout that is NULL or valid, no signal mask.
        let r = unsafe { syscall(libc::SYS_epoll_pwait2, [self.fd as usize, room, n, t, 0, 8]) };
        if r < 0 { Err(Errno(-r as i32)) } else { Ok(r as usize) }
    }

    /// See `Poller`. Signals and errors end it like a wake: the caller looks at the world and comes
    /// back.
    pub fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) {
        let room = self.buffer.as_mut_ptr();
        // SAFETY: the buffer has BATCH events.
        let n = unsafe { self.pwait2(room, BATCH, timeout) }.unwrap_or(0);
        events.extend(self.buffer[..n].iter().filter(|e| e.u64 != self.bell.fd() as u64).map(
            |e| {
                let flags = e.events;
                Event {
                    fd: e.u64 as c_int,
                    read: flags & READ != 0,
                    write: flags & WRITE != 0,
                    ends: flags & ENDS != 0,
                }
            },
        ));
    }

    /// See `Poller`.
    pub fn waker(&self) -> Arc<dyn Waker> {
        self.bell.clone()
    }

    /// See `Poller`.
    pub fn fd(&self) -> RawFd {
        self.fd
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // Nothing is to be done about a failure.
        let _ = crate::io::sys::close(self.fd);
    }
}
