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
//! answers. A call that never had to wait is not in the list: it is one system call, which may meet
//! a close at the same moment as it may in any program.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::slots::Closer;
use crate::io::engine::{AGAIN_NS, LAST_NS};
use crate::io::op::Op;
use crate::io::sys::{self, R, Signal, Try};
use crate::io::table::{self, Enter};
use crate::time;
use crate::wait::Deadline;
use std::cell::RefCell;
use std::ffi::c_int;
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
    SIGNAL.with_borrow_mut(|own| {
        if own.is_none() {
            *own = Signal::new().ok().map(Arc::new);
        }
        own.clone()
    })
}

/// An entry of the list, as long as its call lasts.
struct Listed {
    fd: c_int,
    number: u64,
    signal: Option<Arc<Signal>>,
}

impl Listed {
    /// None: the last step of a close is under way, begin again. EBADF: it is being closed.
    fn new(fd: c_int) -> Result<Option<Listed>, Errno> {
        let signal = own_signal();
        let entry = table::entry(fd)?;
        let mut w = waits();
        match entry.enter_plain() {
            Enter::Closing => return Err(Errno::EBADF),
            Enter::Last => return Ok(None),
            Enter::Open => {}
        }
        w.all.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        w.last += 1;
        let number = w.last;
        w.all.push(Wait { fd, number, signal: signal.clone(), closed: false, closer: 0 });
        Ok(Some(Listed { fd, number, signal }))
    }

    fn closed(&self) -> bool {
        waits().all.iter().any(|w| w.number == self.number && w.closed)
    }

    /// Waits until the descriptor may be ready. EBADF: it is being closed.
    fn wait(&self, events: std::ffi::c_short, deadline: Deadline) -> Result<(), Errno> {
        let left = left(deadline)?;
        let r = match &self.signal {
            Some(s) => sys::poll_or(self.fd, events, s.fd(), left),
            None => sys::poll(self.fd, events, Some(left.unwrap_or(LOOK_NS).min(LOOK_NS))),
        };
        match r {
            _ if self.closed() => Err(Errno::EBADF),
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(e) => Err(e),
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut w = waits();
        let left =
            w.all.iter().position(|w| w.number == self.number).map(|at| w.all.swap_remove(at));
        drop(w);
        let Some(left) = left else { return };
        if let (true, Some(s)) = (left.closed, &self.signal) {
            s.lower();
        }
        if left.closer != 0 {
            // SAFETY: the closer waits for this answer.
            unsafe { (*(left.closer as *const Closer)).ack() };
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
fn left(deadline: Deadline) -> Result<Option<i64>, Errno> {
    match deadline {
        Deadline::Never => Ok(None),
        Deadline::Now => Err(Errno::EAGAIN),
        Deadline::At(t) => match t - time::now() {
            ns if ns <= 0 => Err(Errno::ETIMEDOUT),
            ns => Ok(Some(ns)),
        },
    }
}

fn pause(deadline: Deadline, ns: i64) -> Result<(), Errno> {
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
    let mut listed = None;
    loop {
        match op.attempt() {
            Try::Done(r) => return r,
            Try::Wait | Try::Blocks if now => return Err(Errno::EAGAIN),
            Try::Blocks => return op.block(),
            Try::Wait if sys::is_file(op.fd())? => return op.block(),
            Try::Wait => {}
            Try::Again => {
                pause(deadline, AGAIN_NS)?;
                continue;
            }
        }
        let waited = match &listed {
            None => match Listed::new(op.fd()) {
                // In the list now: try once more.
                Ok(Some(l)) => {
                    listed = Some(l);
                    Ok(())
                }
                Ok(None) => pause(deadline, LAST_NS),
                Err(e) => Err(e),
            },
            Some(l) => l.wait(op.events(), deadline),
        };
        if let Err(e) = waited {
            return op.partial().ok_or(e);
        }
    }
}
