//! poll: waiting for readiness itself.

use crate::err::Errno;
use crate::io::engine::{coroutine, polls_by_ring, run};
use crate::io::op::Op;
use crate::io::op::poll_many::poll_many;
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Poll {
    fd: c_int,
    events: c_short,
}

impl Poll {
    /// EINVAL: events that can't be waited for.
    pub fn new(fd: c_int, events: c_short) -> Result<Poll, Errno> {
        if events & !(sys::POLL_READ | libc::POLLOUT | libc::POLLERR | libc::POLLHUP) != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Poll { fd, events })
    }
}

impl Op for Poll {
    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        match sys::try_poll(self.fd, self.events) {
            Ok(0) => Try::Wait,
            r => Try::Done(r.map(i64::from)),
        }
    }
    fn events(&self) -> c_short {
        self.events
    }
    fn block(&mut self) -> R {
        // A file is always ready for what a file can.
        sys::try_poll(self.fd, self.events).map(i64::from)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::poll(self.fd, self.events)
    }
    fn is_mute(&self, r: &R) -> bool {
        matches!(r, Ok(0) | Err(Errno::EINVAL))
    }
    fn finish(&mut self, r: R) -> R {
        let asked = self.events | libc::POLLERR | libc::POLLHUP;
        r.map(|got| got & i64::from(asked))
    }
}

/// co_io_poll.
pub fn poll(fd: c_int, events: c_short, timeout_ns: i64) -> R {
    let poll = Poll::new(fd, events)?;
    if events & libc::POLLPRI != 0 && coroutine().is_some_and(polls_by_ring) {
        // The ring may not hear of it.
        return by_many(fd, events, timeout_ns);
    }
    match run(poll, timeout_ns) {
        // A file asked for what files never have: `ready` and the ring say so, each in its way, at
        // once. poll(2) waits.
        Ok(0) | Err(Errno::EINVAL) => by_many(fd, events, timeout_ns),
        r => r,
    }
}

fn by_many(fd: c_int, events: c_short, timeout_ns: i64) -> R {
    let mut one = libc::pollfd { fd, events, revents: 0 };
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    poll_many(&raw mut one, 1, timeout_ns)?;
    if one.revents & libc::POLLNVAL == 0 { Ok(i64::from(one.revents)) } else { Err(Errno::EBADF) }
}
