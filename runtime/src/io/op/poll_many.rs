//! poll on several descriptors. What is ready is in every case what poll(2) says; the engines only
//! tell when to ask it again:
//!
//! ```text
//!   round:  poll(2) without waiting --> something: that is the result
//!             nothing: wait for all at once (`engine::many`; a plain thread: in poll(2) itself)
//! ```
//! poll(2) sees the caller's array before anything else does, so that a bad address is its EFAULT. Of an
//! array of no entries the address does not matter: poll(2) would refuse some.
//! A descriptor that co_io_close is closing has POLLNVAL, as if it were closed already: the close
//! waits for us.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::many::{Waits, Woken};
use crate::io::engine::{self, LAST_NS, coroutine, pause, plain, polls_by_ring};
use crate::io::sys::{self, R};
use crate::io::table::{self, Enter};
use crate::sched::VCpu;
use crate::wait::{self, Deadline, Stop};
use libc::pollfd;
use std::ffi::c_uint;

/// See `hears_all`.
const LOOK_NS: i64 = 10_000_000;

/// What poll(2) said about all of them.
enum Look {
    /// So many have events.
    Some(i64),
    None,
    /// One is in the last step of its close: its number means nothing for a moment.
    Last,
}

/// co_io_poll_many. `fds` has `n` entries.
pub fn poll_many(fds: *mut pollfd, n: c_uint, timeout_ns: i64) -> R {
    let deadline = Deadline::new(timeout_ns)?;
    wait::check().map_err(|stop| stop.errno(deadline))?;
    let ready = if n == 0 { 0 } else { sys::poll_array(fds, n)? };
    let fds = array(fds, n);
    if coroutine().is_none() {
        if ready > 0 {
            return Ok(ready);
        }
        return plain::poll_many(fds, deadline);
    }
    let mut closed = Vec::new();
    let mut mute = Vec::new();
    loop {
        // Anew each time: a migratable coroutine may have moved while it waited.
        let Some(vcpu) = coroutine() else { return Err(Errno::EPERM) };
        match look(vcpu, fds, &closed)? {
            Look::Some(n) => {
                engine::count(vcpu, |_| {});
                return Ok(n);
            }
            Look::None | Look::Last if deadline == Deadline::Now => return Err(Errno::EAGAIN),
            Look::Last => {
                pause(deadline, LAST_NS).map_err(|stop| stop.errno(deadline))?;
                continue;
            }
            Look::None => {}
        }
        let waits = begin(vcpu, fds, &mute)?;
        let until = if hears_all(vcpu, fds) { deadline } else { soon(deadline) };
        match waits.wait(vcpu, until) {
            Woken::Stopped(Stop::Timeout) if until != deadline => closed.extend(waits.closed()),
            Woken::Look => closed.extend(waits.closed()),
            Woken::Mute(at) => mute.push(at),
            Woken::Failed(e) => return Err(e),
            Woken::Stopped(stop) => {
                closed.extend(waits.closed());
                let Some(vcpu) = coroutine() else { return Err(Errno::EPERM) };
                // What has happened before the stop is reported.
                return match look(vcpu, fds, &closed) {
                    Ok(Look::Some(n)) => {
                        wait::give_back(stop);
                        Ok(n)
                    }
                    _ => Err(stop.errno(deadline)),
                };
            }
        }
    }
}

/// What poll(2) has read and written.
fn array<'a>(fds: *mut pollfd, n: c_uint) -> &'a mut [pollfd] {
    match n {
        0 => &mut [],
        // SAFETY: `n` entries that are there, and the caller of the API vouches for nobody else
        // using them.
        _ => unsafe { std::slice::from_raw_parts_mut(fds, n as usize) },
    }
}

/// Asks poll(2), then enters every descriptor that is open. Until the next switch a close that
/// begins finds the vCPU's bit; and a number that was closed and opened in between is new to the
/// engine, which therefore tells at once if it is ready.
fn look(vcpu: &VCpu, fds: &mut [pollfd], closed: &[usize]) -> Result<Look, Errno> {
    sys::poll_array(fds.as_mut_ptr(), fds.len() as c_uint)?;
    for &at in closed {
        fds[at].revents = libc::POLLNVAL;
    }
    let (mut n, mut last) = (0, false);
    for p in fds.iter_mut() {
        if p.fd >= 0 && p.revents != libc::POLLNVAL {
            let entry = table::entry(p.fd)?;
            // Without giving up the vCPU: a close would not find this call meanwhile.
            entry.life();
            match entry.enter(vcpu.id()) {
                Enter::Open => {}
                Enter::Closing => p.revents = libc::POLLNVAL,
                Enter::Last => last = true,
            }
        }
        n += i64::from(p.revents != 0);
    }
    Ok(match (n, last) {
        (0, false) => Look::None,
        (0, true) => Look::Last,
        (n, _) => Look::Some(n),
    })
}

/// The ring does not hear of a condition that is nothing but POLLPRI, such as a terminal's in packet
/// mode: then we look from time to time.
fn hears_all(vcpu: &VCpu, fds: &[pollfd]) -> bool {
    !polls_by_ring(vcpu) || fds.iter().all(|p| p.events & libc::POLLPRI == 0)
}

fn soon(deadline: Deadline) -> Deadline {
    let soon = crate::time::now().saturating_add(LOOK_NS);
    match deadline {
        Deadline::At(t) if t <= soon => deadline,
        _ => Deadline::At(soon),
    }
}

fn begin(vcpu: &VCpu, fds: &[pollfd], mute: &[usize]) -> Result<Waits, Errno> {
    let mut waits = Waits::new(fds.iter().filter(|p| p.fd >= 0).count())?;
    for (at, p) in fds.iter().enumerate().filter(|(_, p)| p.fd >= 0) {
        if mute.contains(&at) {
            waits.add_close(vcpu, p.fd, at)?;
        } else {
            waits.add(vcpu, p.fd, p.events, at)?;
        }
    }
    Ok(waits)
}
