//! A coroutine that waits for several descriptors at once.
//!
//! ```text
//!   Waits  [ Rec | Rec | Rec ]     one heap block, it does not grow while a record is linked
//!            |     |     |
//!          slot  slot  slot        of their descriptors; on `uring` each with a POLL_ADD in the kernel
//! ```
//! All are begun before the coroutine parks, the first that happens wakes it, and all are taken
//! back before it goes on: on `ready` out of their lists, on `uring` by a cancel for each that is
//! still in the kernel, and the wait for its completion. So afterwards no list and no kernel knows
//! of them. No thread, whatever the number.
//!
//! A wait tells that something has happened, not what: the caller looks for itself, by the same
//! means on each engine.
//!
//! Rejected: an epoll instance of its own for each wait, polled in its stead (three system calls
//! more, and closes could not be told apart); one cancel for all records (they would share their
//! user_data, which is the record's address).
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::slots::{Kind, Rec, at_home, state};
use crate::io::engine::{Engine, with};
use crate::sched::VCpu;
use crate::wait::{self, Deadline, Stop};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::{sqe, was_called_off};

struct Wait {
    rec: Rec,
    events: c_short,
    /// The caller's number for it.
    at: usize,
}

/// See the module.
pub struct Waits {
    all: Vec<Wait>,
}

/// What ended a wait.
#[derive(Debug)]
#[must_use]
pub enum Woken {
    /// Something happened; or nothing, a wake being a hint.
    Look,
    /// A deadline, a cancel or an interrupt.
    Stopped(Stop),
    /// The engine has no readiness for this one: begin again with [`Waits::add_close`] for it.
    Mute(usize),
    /// A wait could not be begun: ENOMEM and the like.
    Failed(Errno),
}

impl Waits {
    /// Room for `n`. ENOMEM.
    pub fn new(n: usize) -> Result<Waits, Errno> {
        let mut all = Vec::new();
        all.try_reserve_exact(n).map_err(|_| Errno::ENOMEM)?;
        Ok(Waits { all })
    }

    /// One more, of the coroutine on `vcpu`, which has entered the descriptor's bit in the table.
    pub fn add(&mut self, vcpu: &VCpu, fd: c_int, events: c_short, at: usize) -> Result<(), Errno> {
        let rec = Rec::new(vcpu, fd, Kind::of_events(events))?;
        self.push(Wait { rec, events, at })
    }

    /// The same for a descriptor that only its close can happen to.
    pub fn add_close(&mut self, vcpu: &VCpu, fd: c_int, at: usize) -> Result<(), Errno> {
        let rec = Rec::new(vcpu, fd, Kind::Close)?;
        self.push(Wait { rec, events: 0, at })
    }

    fn push(&mut self, wait: Wait) -> Result<(), Errno> {
        if self.all.len() == self.all.capacity() {
            return Err(Errno::ENOMEM);
        }
        self.all.push(wait);
        Ok(())
    }

    /// Waits on `vcpu`, where the caller is a coroutine and has not switched since `add`.
    pub fn wait(&self, vcpu: &VCpu, deadline: Deadline) -> Woken {
        let mut begun = 0;
        let failed = with(vcpu, |e| {
            for w in &self.all {
                // SAFETY: what has been begun is taken back below; the block does not move.
                if let Err(err) = unsafe { begin(e, w) } {
                    return Some((w.at, err));
                }
                begun += 1;
            }
            None
        });
        let begun = &self.all[..begun];
        let happened = |w: &Wait| w.rec.is(state::DONE | state::CLOSED);
        let stopped = match failed {
            None => wait::until(deadline, || begun.iter().any(happened)).err(),
            Some(_) => None,
        };
        take_back(begun);
        match (failed, stopped) {
            (Some((at, Errno::EPERM)), _) => Woken::Mute(at),
            // Closed behind our back: the caller will see.
            (Some((_, Errno::EBADF)), _) => Woken::Look,
            (Some((_, e)), _) => Woken::Failed(e),
            (None, Some(stop)) => Woken::Stopped(stop),
            (None, None) => begun.iter().find_map(complaint).unwrap_or(Woken::Look),
        }
    }

    /// The callers' numbers of those whose descriptor is being closed.
    pub fn closed(&self) -> impl Iterator<Item = usize> {
        self.all.iter().filter(|w| w.rec.is(state::CLOSED)).map(|w| w.at)
    }
}

/// # Safety
/// The record stays where it is until it has been taken back.
unsafe fn begin(e: &mut Engine, w: &Wait) -> Result<(), Errno> {
    // SAFETY: the caller's; a poll points to no memory.
    unsafe {
        match (e, w.rec.kind()) {
            (e, Kind::Close) => e.slots().link(&w.rec),
            #[cfg(target_os = "linux")]
            (Engine::Uring(u), _) => u.begin(sqe::poll(w.rec.fd(), w.events), &w.rec),
            (Engine::Ready(r), _) => r.begin(&w.rec, plain_names(w.events)),
        }
    }
}

/// The same events by the names that a poller goes by.
fn plain_names(events: c_short) -> c_short {
    let other_names = [
        (libc::POLLRDNORM, libc::POLLIN),
        (libc::POLLRDBAND, libc::POLLPRI),
        (libc::POLLWRNORM | libc::POLLWRBAND, libc::POLLOUT),
    ];
    let named = |(other, name): (c_short, c_short)| if events & other == 0 { 0 } else { name };
    other_names.into_iter().map(named).fold(events, |all, name| all | name)
}

fn take_back(begun: &[Wait]) {
    let Some(first) = begun.first() else { return };
    // All have the same home: where they were begun, without a switch in between.
    let mut in_kernel = false;
    at_home(&first.rec, |v, _| {
        with(v, |e| begun.iter().for_each(|w| in_kernel |= call_off(e, &w.rec)));
    });
    if in_kernel {
        let mut done = 0;
        let is_done = |w: &&Wait| w.rec.kind() == Kind::Close || w.rec.is(state::DONE);
        wait::until_done(|| {
            done += begun[done..].iter().take_while(is_done).count();
            done == begun.len()
        });
    }
}

/// True: the completion of the kernel, which takes it out of its list, is to be waited for.
fn call_off(e: &mut Engine, rec: &Rec) -> bool {
    match e {
        #[cfg(target_os = "linux")]
        Engine::Uring(u) if rec.kind() != Kind::Close => {
            u.cancel(rec);
            true
        }
        e => {
            e.slots().unlink(rec);
            false
        }
    }
}

/// A poll that the kernel refused.
#[cfg(target_os = "linux")]
fn complaint(w: &Wait) -> Option<Woken> {
    let res = w.rec.res.get();
    if res >= 0 || was_called_off(res) {
        return None;
    }
    Some(match Errno(-res) {
        Errno::EBADF => Woken::Look,
        // It has nothing to wait on: a file asked for what a file never has.
        Errno::EINVAL | Errno::EPERM | Errno::EOPNOTSUPP => Woken::Mute(w.at),
        e => Woken::Failed(e),
    })
}

#[cfg(not(target_os = "linux"))]
fn complaint(_w: &Wait) -> Option<Woken> {
    None
}
