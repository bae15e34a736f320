//! The `polling` crate's poller, which is named in this module only. Its timeouts have nanoseconds
//! where the system has them (timerfd, kevent).
#![allow(unsafe_code)]

use super::Event;
use crate::err::Errno;
use crate::sched::driver::Waker;
use polling::PollMode;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub struct Portable {
    poller: Arc<polling::Poller>,
    events: polling::Events,
}

struct Notify(Arc<polling::Poller>);

impl Waker for Notify {
    fn wake(&self) {
        // It writes to a descriptor of its own, which can't be full or closed.
        let _ = self.0.notify();
    }
}

impl Portable {
    /// EMFILE and the like.
    pub fn new() -> Result<Portable, Errno> {
        let poller = polling::Poller::new().map_err(|e| Errno::from_io(&e))?;
        Ok(Portable { poller: Arc::new(poller), events: polling::Events::new() })
    }

    /// See `Poller`.
    pub fn add(&self, fd: c_int) -> Result<(), Errno> {
        let interest = polling::Event::all(fd as usize);
        // SAFETY: the crate wants a descriptor taken out before it is closed. For epoll and kqueue
        // that is not needed: a close does it. The number is what a caller of the API gave; one
        // that is not open gives EBADF.
        let r = unsafe { self.poller.add_with_mode(fd, interest, PollMode::Edge) };
        r.map_err(|e| Errno::from_io(&e))
    }

    /// See `Poller`.
    pub fn modify(&self, fd: c_int) -> Result<(), Errno> {
        // SAFETY: used for the call only; one that is not open gives EBADF.
        let source = unsafe { BorrowedFd::borrow_raw(fd) };
        let r =
            self.poller.modify_with_mode(source, polling::Event::all(fd as usize), PollMode::Edge);
        r.map_err(|e| Errno::from_io(&e))
    }

    /// See `Poller`.
    pub fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) {
        self.events.clear();
        if self.poller.wait(&mut self.events, timeout).is_ok() {
            events.extend(self.events.iter().map(|e| Event {
                fd: e.key as c_int,
                read: e.readable,
                write: e.writable,
                ends: true,
            }));
        }
    }

    /// See `Poller`.
    pub fn waker(&self) -> Arc<dyn Waker> {
        Arc::new(Notify(self.poller.clone()))
    }

    /// See `Poller`.
    pub fn fd(&self) -> RawFd {
        self.poller.as_raw_fd()
    }
}
