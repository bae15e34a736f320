//! What tells which descriptors are ready.
//!
//! Two of them: [`epoll`] by itself on Linux, and the `polling` crate elsewhere (kqueue) and on
//! kernels before 5.11, which have no epoll_pwait2. Why not the crate everywhere: its wait makes five
//! system calls on Linux (arm a timer descriptor, re-arm its registration, epoll_wait, read the
//! notifier, re-arm that) where epoll_pwait2 is one; and it can't ask for EPOLLRDHUP, without which a
//! receive can't be spared (see the parent).
//!
//! The engine `offload` is `ready` with a third, [`poll`], for systems where neither can be had.

use crate::err::Errno;
use crate::prim::atomic::{AtomicBool, Ordering::*};
use crate::sched::driver::Waker;
use std::ffi::{c_int, c_short};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

#[cfg(target_os = "linux")]
mod epoll;
mod poll;
mod portable;

/// A descriptor has become ready.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Which.
    pub fd: c_int,
    /// To read; also for urgent data, an end, an error.
    pub read: bool,
    /// To write; also for an error.
    pub write: bool,
    /// An end or an error or urgent data is, or may be, part of it.
    pub ends: bool,
}

/// See the module.
#[derive(Debug)]
pub enum Poller {
    /// Linux.
    #[cfg(target_os = "linux")]
    Epoll(epoll::Epoll),
    /// Elsewhere.
    Portable(portable::Portable),
    /// `offload`.
    Poll(poll::Poll),
}

/// Makes later pollers of this process portable ones, for tests.
pub static PORTABLE: AtomicBool = AtomicBool::new(false);

macro_rules! each {
    ($self:expr, $p:ident => $do:expr) => {
        match $self {
            #[cfg(target_os = "linux")]
            Poller::Epoll($p) => $do,
            Poller::Portable($p) => $do,
            Poller::Poll($p) => $do,
        }
    };
}

impl Poller {
    /// EMFILE and the like.
    pub fn new() -> Result<Poller, Errno> {
        #[cfg(target_os = "linux")]
        if !PORTABLE.load(Relaxed) {
            match epoll::Epoll::new() {
                Err(Errno::ENOSYS) => {}
                r => return r.map(Poller::Epoll),
            }
        }
        portable::Portable::new().map(Poller::Portable)
    }

    /// The one that needs nothing but poll(2). EMFILE and the like.
    pub fn simple() -> Result<Poller, Errno> {
        poll::Poll::new().map(Poller::Poll)
    }

    /// Before each wait for `events` of a descriptor, which is in already if `known`. EPERM: it can't
    /// be waited for.
    pub fn arm(&mut self, fd: c_int, events: c_short, known: bool) -> Result<(), Errno> {
        match self {
            Poller::Poll(p) => p.arm(fd, events),
            _ if known => Ok(()),
            _ => self.add(fd),
        }
    }

    /// Puts a descriptor in, for both directions, edge-triggered; what is ready already is an edge.
    /// EPERM: it can't be waited for.
    pub fn add(&self, fd: c_int) -> Result<(), Errno> {
        let added = match self {
            #[cfg(target_os = "linux")]
            Poller::Epoll(p) => p.add(fd),
            Poller::Portable(p) => p.add(fd),
            // Each wait puts it in.
            Poller::Poll(_) => Ok(()),
        };
        match added {
            // A number that was closed, while a duplicate of its description keeps it in the
            // poller.
            Err(Errno::EEXIST) => self.modify(fd),
            r => r,
        }
    }

    /// Has what is ready delivered again. ENOENT: it is not in.
    pub fn modify(&self, fd: c_int) -> Result<(), Errno> {
        each!(self, p => p.modify(fd))
    }

    /// Waits (None: for ever) and replaces `events` by what has become ready; empty after the
    /// timeout, a wake, or a signal. `waited`: whether anybody waits for a descriptor.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        waited: impl Fn(c_int) -> bool,
        events: &mut Vec<Event>,
    ) {
        events.clear();
        match self {
            #[cfg(target_os = "linux")]
            Poller::Epoll(p) => p.wait(timeout, events),
            Poller::Portable(p) => p.wait(timeout, events),
            Poller::Poll(p) => p.wait(timeout, waited, events),
        }
    }

    /// Whether [`Event::ends`] is exact.
    pub fn tells_of_ends(&self) -> bool {
        !matches!(self, Poller::Portable(_) | Poller::Poll(_))
    }

    /// Ends a wait.
    pub fn waker(&self) -> Arc<dyn Waker> {
        each!(self, p => p.waker())
    }

    /// Readable while a wait would return at once. (Not [`Poller::simple`]'s, which tells of wakes
    /// only.)
    pub fn fd(&self) -> RawFd {
        each!(self, p => p.fd())
    }
}
