//! I/O calls on a thread that is no coroutine: they block it. Try, wait with poll(2), try again; a
//! file just blocks.
//!
//! A close must reach these waits too. So a call that has to wait puts itself into a list first,
//! with a pipe of its thread that it polls beside the descriptor that it waits for, and stays there
//! until it returns:
//! ```text
//!   WAITS: [ fd, number, signal, closed, closer ] ...    under a mutex held across no system call
//! ```
//! A close marks the entries of its descriptor and raises their signals; each entry that leaves
//! answers. A call on two descriptors has two entries. A call that never had to wait is not in the
//! list: it is one system call, which may meet a close at the same moment as it may in any program.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::slots::Closer;
use crate::io::engine::{AGAIN_NS, LAST_NS, is_ahead};
use crate::io::op::Op;
use crate::io::sys::{self, R, Signal, Try};
use crate::io::table::{self, Enter, Entry};
use crate::time;
use crate::wait::Deadline;
use libc::pollfd;
use std::cell::RefCell;
use std::ffi::{c_int, c_short};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a thread that got no pipe looks whether its descriptor is being closed.
const LOOK_NS: i64 = 10_000_000;

struct Wait {
    fd: c_int,
    /// Tells entries apart.
    number: u64,
    signal: Option<Arc<Signal>>,
    closed: bool,
    /// The address of the [`Closer`] to answer when the entry leaves; 0: none.
    closer: usize,
}

struct Waits {
    all: Vec<Wait>,
    last: u64,
}

static WAITS: Mutex<Waits> = Mutex::new(Waits { all: Vec::new(), last: 0 });

fn waits() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static SIGNAL: RefCell<Option<Arc<Signal>>> = const { RefCell::new(None) };
}

/// The calling thread's signal, made when it is first needed; none if it can't be had.
fn own_signal() -> Option<Arc<Signal>> {
    let made = || Signal::new().ok().map(Arc::new);
    let own = SIGNAL.try_with(|own| {
        let mut own = own.borrow_mut();
        if own.is_none() {
            *own = made();
        }
        own.clone()
    });
    // The thread is ending, and a destructor does I/O: one for this call.
    own.unwrap_or_else(|_| made())
}

/// Entries of the list, as long as their call lasts.
pub struct Listed {
    numbers: Range<u64>,
    signal: Option<Arc<Signal>>,
}

impl Listed {
    /// An entry for each descriptor. None: the last step of a close is under way, begin again. What
    /// is being closed is listed as closed.
    pub fn new(fds: impl Iterator<Item = c_int> + Clone) -> Result<Option<Listed>, Errno> {
        let signal = own_signal();
        let mut w = waits();
        w.all.try_reserve(fds.clone().count()).map_err(|_| Errno::ENOMEM)?;
        let first = w.last + 1;
        // From here on its drop takes out what has been put in.
        let mut listed = Listed { numbers: first..first, signal };
        for fd in fds {
            let closed = match table::entry(fd).map(Entry::enter_plain) {
                Ok(Enter::Open) => false,
                Ok(Enter::Closing) => true,
                other => {
                    drop(w);
                    return other.map(|_| None);
                }
            };
            w.last += 1;
            let (number, signal) = (w.last, listed.signal.clone());
            w.all.push(Wait { fd, number, signal, closed, closer: 0 });
            listed.numbers.end = number + 1;
        }
        Ok(Some(listed))
    }

    /// Calls `each` with the descriptors that are being closed.
    fn closed(&self, each: impl FnMut(c_int)) {
        let w = waits();
        let own = w.all.iter().filter(|w| w.closed && self.numbers.contains(&w.number));
        own.map(|w| w.fd).for_each(each);
    }

    /// The same as a condition.
    fn any_closed(&self) -> bool {
        let mut any = false;
        self.closed(|_| any = true);
        any
    }

    /// Waits until the descriptor may be ready. EBADF: it is being closed.
    fn wait(&self, fd: c_int, events: c_short, deadline: Deadline) -> Result<(), Errno> {
        let left = left(deadline)?;
        let r = match &self.signal {
            Some(s) => sys::poll_or(fd, events, s.fd(), left),
            None => sys::poll(fd, events, Some(left.unwrap_or(LOOK_NS).min(LOOK_NS))),
        };
        if let (Ok(0), Some(s)) = (r, &self.signal) {
            // A close may raise it late, when the entry that it meant has left: nobody else would
            // ever lower it. One that means ours has marked it before it raises.
            s.lower();
        }
        match r {
            _ if self.any_closed() => Err(Errno::EBADF),
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Waits until one of several may be ready, whose events are then in `fds`; the last of these is
    /// a place for the signal.
    pub fn wait_many(&self, fds: &mut [pollfd], deadline: Deadline) -> Result<(), Errno> {
        let left = if self.any_closed() { Some(0) } else { left(deadline)? };
        let (n, left) = match &self.signal {
            Some(s) => {
                let place = fds.last_mut().ok_or(Errno::EINVAL)?;
                *place = pollfd { fd: s.fd(), events: libc::POLLIN, revents: 0 };
                (fds.len(), left)
            }
            None => (fds.len() - 1, Some(left.unwrap_or(LOOK_NS).min(LOOK_NS))),
        };
        match Errno::check(i64::from(sys::poll_ns(&mut fds[..n], left))) {
            Ok(_) => {}
            // What the array says then means nothing.
            Err(Errno::EINTR) => fds.iter_mut().for_each(|p| p.revents = 0),
            Err(e) => return Err(e),
        }
        self.closed(|fd| {
            let same = fds.iter_mut().filter(|p| p.fd == fd);
            same.for_each(|p| p.revents = libc::POLLNVAL);
        });
        Ok(())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut closed = Vec::new();
        waits().all.retain(|w| {
            let own = self.numbers.contains(&w.number);
            if own && w.closed {
                closed.push(w.closer);
            }
            !own
        });
        if let (false, Some(s)) = (closed.is_empty(), &self.signal) {
            s.lower();
        }
        for closer in closed.into_iter().filter(|&c| c != 0) {
            // SAFETY: the closer waits for this answer.
            unsafe { (*(closer as *const Closer)).ack() };
        }
    }
}

/// Ends the waits of plain threads for the closer's descriptor; each will answer it.
pub fn end_calls(closer: &Closer) {
    let mut signals = Vec::new();
    for w in waits().all.iter_mut().filter(|w| w.fd == closer.fd) {
        w.closed = true;
        w.closer = std::ptr::from_ref(closer) as usize;
        closer.ask();
        signals.extend(w.signal.clone());
    }
    signals.iter().for_each(|s| s.raise());
}

/// Nanoseconds that are left; None: for ever. An error: none.
pub fn left(deadline: Deadline) -> Result<Option<i64>, Errno> {
    match deadline {
        Deadline::Never => Ok(None),
        Deadline::Now => Err(Errno::EAGAIN),
        Deadline::At(t) => match t - time::now() {
            ns if ns <= 0 => Err(Errno::ETIMEDOUT),
            ns => Ok(Some(ns)),
        },
    }
}

/// Sleeps; an error: the deadline has come.
pub fn pause(deadline: Deadline, ns: i64) -> Result<(), Errno> {
    let ns = left(deadline)?.unwrap_or(ns).min(ns);
    std::thread::sleep(Duration::from_nanos(ns as u64));
    Ok(())
}

/// Carries out a call.
pub fn run<O: Op>(mut op: O, deadline: Deadline) -> R {
    let now = deadline == Deadline::Now;
    if O::BLOCKS && !now {
        return op.block();
    }
    if O::TAKES && is_ahead(op.fd()) {
        return Err(Errno::EBUSY);
    }
    let mut listed = None;
    let second = (op.fd2() >= 0).then_some(op.fd2());
    loop {
        if op.outlived() {
            return op.partial().ok_or(Errno::EBADF);
        }
        match op.attempt() {
            Try::Done(r) => return r,
            Try::Wait | Try::Blocks if now => return op.partial().ok_or(Errno::EAGAIN),
            Try::Blocks => return op.block(),
            Try::Wait if sys::is_file(op.fd())? => return op.block(),
            Try::Wait => {}
            Try::Again => {
                pause(deadline, AGAIN_NS)?;
                continue;
            }
        }
        let waited = match &listed {
            None => match Listed::new(std::iter::once(op.fd()).chain(second)) {
                Ok(Some(l)) if l.any_closed() => Err(Errno::EBADF),
                // In the list now: try once more.
                Ok(Some(l)) => {
                    listed = Some(l);
                    Ok(())
                }
                Ok(None) => pause(deadline, LAST_NS),
                Err(e) => Err(e),
            },
            Some(l) => l.wait(op.fd(), op.events(), deadline),
        };
        if let Err(e) = waited {
            return op.partial().ok_or(e);
        }
    }
}

/// poll(2) on several descriptors, none of which was ready a moment ago.
pub fn poll_many(fds: &mut [pollfd], deadline: Deadline) -> R {
    if deadline == Deadline::Now {
        return Err(Errno::EAGAIN);
    }
    let listed = loop {
        match Listed::new(fds.iter().map(|p| p.fd).filter(|&fd| fd >= 0))? {
            Some(l) => break l,
            None => pause(deadline, LAST_NS)?,
        }
    };
    // With a place for the signal, which is none of the caller's business.
    let mut watched = Vec::new();
    watched.try_reserve_exact(fds.len() + 1).map_err(|_| Errno::ENOMEM)?;
    watched.extend_from_slice(fds);
    watched.push(pollfd { fd: -1, events: 0, revents: 0 });
    loop {
        let waited = listed.wait_many(&mut watched, deadline);
        let mut n = 0;
        for (to, from) in fds.iter_mut().zip(&watched) {
            to.revents = from.revents;
            n += i64::from(from.revents != 0);
        }
        match waited {
            Err(e) if n == 0 => return Err(e),
            _ if n > 0 => return Ok(n),
            _ => {}
        }
    }
}
