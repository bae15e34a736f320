//! Receiving and accepting ahead: the user says (CO_IO_AHEAD) that all calls that take something
//! from a descriptor will be of this kind, and that it is closed with co_io_close. The runtime may
//! then take what comes before it is asked for. `uring` does (`uring::ahead`); the others have
//! nothing to win and only hold the user to it, so that a program that mixes is told so (EBUSY)
//! whatever the engine.
//!
//! The table's entry says which vCPU is the **home**: there, the first such call was made.
//!
//! A call without the flag takes what has come already and, once there is no more, ends it.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::buffer::Held;
use crate::io::engine::slots::{Kind, Rec, at_home, state};
use crate::io::engine::{self, EngineKind, is_ahead, kind};
use crate::io::table::{self, Enter, Entry};
use crate::sched::VCpu;
use crate::wait::{self, Deadline};
use std::ffi::c_int;

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// What a socket receives, in a buffer.
    Bytes,
    /// A listener's connections.
    Socket,
}

/// What a call asks of the home.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// What it takes.
    pub want: Want,
    /// Of accept: as the call that begins has them.
    pub flags: c_int,
    /// It goes on receiving ahead.
    pub keep: bool,
    /// It does not wait.
    pub now: bool,
    /// Which of the number's lives it is about.
    pub generation: u32,
}

/// A Rec's result: nothing is received ahead, take it in the ordinary way.
pub const GO_ON: i32 = i32::MIN;

/// Takes what has come ahead, or waits for it. None: the ordinary way. EBUSY on a plain thread if
/// coroutines receive ahead.
pub fn take(
    fd: c_int,
    want: Want,
    keep: bool,
    flags: c_int,
    deadline: Deadline,
) -> Result<Option<(i64, Option<Held>)>, Errno> {
    let Some(_) = engine::coroutine() else {
        return if is_ahead(fd) { Err(Errno::EBUSY) } else { Ok(None) };
    };
    let entry = table::entry(fd)?;
    if !keep && entry.ahead().is_none() {
        return Ok(None);
    }
    wait::check().map_err(|stop| stop.errno(deadline))?;
    loop {
        // Anew each time: a migratable coroutine may have moved while it waited.
        let Some(vcpu) = engine::coroutine() else { return Err(Errno::EPERM) };
        match entry.enter(vcpu.id()) {
            Enter::Open => {}
            Enter::Closing => return Err(Errno::EBADF),
            Enter::Last => {
                // Without giving up the vCPU: a close would not find this call meanwhile.
                entry.life();
                continue;
            }
        }
        let generation = entry.generation();
        let home = match entry.ahead() {
            Some(home) => home,
            None if !keep => return Ok(None),
            None if entry.begin_ahead(vcpu.id()) => vcpu.id(),
            None => continue,
        };
        if kind(vcpu) != EngineKind::Uring {
            if !keep {
                entry.end_ahead(home);
            }
            return Ok(None);
        }
        let ask = Ask { want, flags, keep, now: deadline == Deadline::Now, generation };
        if let Some(taken) = ask_home(vcpu, entry, home, fd, &ask, deadline)? {
            return Ok(taken);
        }
    }
}

type Taken = Option<(i64, Option<Held>)>;

/// None: the home has gone meanwhile; begin again.
fn ask_home(
    vcpu: &VCpu,
    entry: &Entry,
    home: usize,
    fd: c_int,
    ask: &Ask,
    deadline: Deadline,
) -> Result<Option<Taken>, Errno> {
    let rec_kind = if ask.keep { Kind::Ahead } else { Kind::AheadEnd };
    let rec = Rec::with_home(vcpu, fd, rec_kind, home)?;
    if !at_home(&rec, |v, rec| begin(v, rec, ask)) {
        entry.end_ahead(home);
        return Ok(None);
    }
    let mut stopped = None;
    if rec.is(state::DONE) {
        engine::count(vcpu, |_| {});
    } else {
        // To end it takes a cancel and its completion, which is soon, even for who won't wait.
        let until = if ask.now { Deadline::Never } else { deadline };
        stopped = wait::until(until, || rec.is(state::DONE | state::CLOSED)).err();
    }
    if !rec.is(state::DONE) {
        at_home(&rec, leave);
    }
    if rec.is(state::DONE) {
        if let Some(stop) = stopped {
            wait::give_back(stop);
        }
        return match rec.res.get() {
            GO_ON => Ok(Some(None)),
            e if e < 0 => Err(Errno(-e)),
            n => Ok(Some(Some((i64::from(n), rec.buffer.get())))),
        };
    }
    Err(stopped.map_or(Errno::EBADF, |stop| stop.errno(deadline)))
}

#[cfg(target_os = "linux")]
use engine::uring::leave_ahead as leave;

#[cfg(target_os = "linux")]
fn begin(home: &VCpu, rec: &Rec, ask: &Ask) {
    // SAFETY: `ask_home` waits until it is DONE, or takes it out.
    unsafe { engine::uring::take_ahead(home, rec, ask) }
}

/// Where there is no ring nobody gets here: see `take`.
#[cfg(not(target_os = "linux"))]
fn begin(_home: &VCpu, rec: &Rec, _ask: &Ask) {
    rec.res.set(GO_ON);
    rec.set(state::DONE);
}

#[cfg(not(target_os = "linux"))]
fn leave(_home: &VCpu, _rec: &Rec) {}
