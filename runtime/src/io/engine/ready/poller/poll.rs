//! poll(2), which every POSIX system has: for the engine `offload`. Slow: each wait hands the
//! system the whole list of what is waited for.
//!
//! ```text
//!   fds  [ signal | fd, events | fd, events | ... ]    by number; the vCPU polls them itself
//! ```
//! poll tells levels where the engine counts on edges. So an entry is there for what calls wait for
//! and no longer: a wait puts it in (`arm`), what has come is taken out, and what nobody waits for
//! any more leaves before the next poll.
//!
//! Rejected: a thread for each wait (the pool has a limit, and who waits behind it is never told);
//! one thread that polls on the vCPU's behalf (while it polls, it keeps a file open that the program
//! closes meanwhile, so the peer is not told of the end).

use super::Event;
use crate::err::Errno;
use crate::io::sys::{self, Signal};
use crate::sched::driver::Waker;
use std::ffi::{c_int, c_short};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

/// Errors and ends, which poll reports unasked.
const ENDS: c_short = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
/// What a reader wants to hear of.
const READ: c_short = sys::POLL_READ | ENDS;
const WRITE: c_short = libc::POLLOUT | ENDS;
/// The longest sleep when the system would not poll the list: see `one_by_one`.
const LOOK: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Debug)]
pub struct Poll {
    fds: Vec<libc::pollfd>,
    signal: Arc<Signal>,
}

impl Waker for Signal {
    fn wake(&self) {
        self.raise();
    }
}

impl Poll {
    /// EMFILE and the like.
    pub fn new() -> Result<Poll, Errno> {
        let signal = Arc::new(Signal::new()?);
        let mut fds = Vec::new();
        fds.try_reserve(16).map_err(|_| Errno::ENOMEM)?;
        fds.push(libc::pollfd { fd: signal.fd(), events: libc::POLLIN, revents: 0 });
        Ok(Poll { fds, signal })
    }

    fn find(&self, fd: c_int) -> Result<usize, usize> {
        self.fds[1..].binary_search_by_key(&fd, |p| p.fd).map(|at| at + 1).map_err(|at| at + 1)
    }

    /// See `Poller`.
    pub fn arm(&mut self, fd: c_int, events: c_short) -> Result<(), Errno> {
        // poll calls files always ready.
        if sys::is_file(fd)? {
            return Err(Errno::EPERM);
        }
        // Asked for or not, errors are reported; the bit keeps the entry, with nothing else, for those
        // who wait for them only.
        let events = events | libc::POLLERR;
        match self.find(fd) {
            Ok(at) => self.fds[at].events |= events,
            Err(at) => {
                self.fds.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                self.fds.insert(at, libc::pollfd { fd, events, revents: 0 });
            }
        }
        Ok(())
    }

    /// See `Poller`. The next poll looks at whatever has the number then.
    pub fn modify(&self, fd: c_int) -> Result<(), Errno> {
        sys::flags(fd).map(drop)
    }

    /// See `Poller`.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        waited: impl Fn(c_int) -> bool,
        events: &mut Vec<Event>,
    ) {
        let signal = self.signal.fd();
        self.fds.retain(|p| p.fd == signal || waited(p.fd));
        let ns = timeout.map(|t| t.as_nanos().min(i64::MAX as u128) as i64);
        match Errno::check(i64::from(sys::poll_ns(&mut self.fds, ns))) {
            Ok(0) | Err(Errno::EINTR) => return,
            Ok(_) => {}
            Err(_) => self.one_by_one(timeout),
        }
        if self.fds[0].revents != 0 {
            self.signal.lower();
        }
        for p in &mut self.fds[1..] {
            let got = std::mem::take(&mut p.revents);
            if got == 0 {
                continue;
            }
            let ends = got & ENDS != 0;
            events.push(Event { fd: p.fd, read: got & READ != 0, write: got & WRITE != 0, ends });
            p.events &= if ends { 0 } else { !got };
        }
        self.fds.retain(|p| p.events != 0);
    }

    /// The list is longer than RLIMIT_NOFILE allows, or the kernel has no memory for it: waits for
    /// the signal, briefly, and looks at the entries each by itself.
    fn one_by_one(&mut self, timeout: Option<Duration>) {
        let brief = timeout.map_or(LOOK, |t| t.min(LOOK)).as_nanos() as i64;
        for (i, p) in self.fds.iter_mut().enumerate() {
            p.revents = 0;
            let wait = if i == 0 { brief } else { 0 };
            // What can't be told now is asked again soon.
            let _ = sys::poll_ns(std::slice::from_mut(p), Some(wait));
        }
    }

    /// See `Poller`.
    pub fn waker(&self) -> Arc<dyn Waker> {
        self.signal.clone()
    }

    /// See `Poller`: of a wake only.
    pub fn fd(&self) -> RawFd {
        self.signal.fd()
    }
}
