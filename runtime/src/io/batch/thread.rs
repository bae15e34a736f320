//! A batch of a plain thread: everything is tried; what would block on a file is then done, one
//! after the other; the rest is waited for by one poll(2), beside the thread's signal (see
//! `engine::plain`). What blocks on a file is not ended by the timeout, as in the single calls.

use super::Batch;
use super::member::{Member, Stage, run_unit};
use crate::err::Errno;
use crate::io::engine::plain::{self, Listed};
use crate::io::engine::{AGAIN_NS, LAST_NS};
use crate::io::sys::{self, Try};
use crate::io::table::Enter;
use crate::time;
use crate::wait::{Deadline, Stop};
use libc::pollfd;

/// Carries out all members; why it was ended, if it was. ENOMEM: nothing has begun.
pub fn carry_out(b: &Batch, deadline: Deadline) -> Result<Option<Stop>, Errno> {
    let mut watched: Vec<pollfd> = Vec::new();
    watched.try_reserve_exact(b.members.len() + 1).map_err(|_| Errno::ENOMEM)?;
    let stopped = work(b, deadline, &mut watched).err();
    let why = stopped.map_or(Errno::ECANCELED, |stop| stop.errno(deadline));
    b.stop.set(Some(why));
    for (at, m) in b.members.iter().enumerate() {
        if !matches!(m.stage.get(), Stage::Over | Stage::Behind) {
            b.called_off(at, why);
        }
    }
    Ok(stopped)
}

fn work(b: &Batch, deadline: Deadline, watched: &mut Vec<pollfd>) -> Result<(), Stop> {
    loop {
        for (at, m) in b.members.iter().enumerate() {
            if m.is_due() {
                begin(b, at, deadline == Deadline::Now || m.now);
            }
        }
        if b.satisfied() {
            return Ok(());
        }
        if !block(b) {
            if plain::left(deadline).is_err() {
                return Err(Stop::Timeout);
            }
            wait(b, b.next_wake(deadline), watched);
        }
    }
}

/// Begins a member, or goes on with it.
fn begin(b: &Batch, at: usize, now: bool) {
    let m = &b.members[at];
    if let Some(ns) = m.timer {
        return b.run_timer(at, ns, now);
    }
    if let Some(e) = m.refused.get() {
        return b.over(at, Err(e), true);
    }
    match m.enter(None) {
        Ok(Enter::Open) => {}
        Ok(_) if now => return b.would_wait(at),
        Ok(_) => return m.stage.set(Stage::Paused(time::now() + LAST_NS)),
        Err(e) => return b.fail(at, e),
    }
    if (m.unit.get() > 1 || m.traits.blocks || m.to_be_whole.get()) && !now {
        return m.stage.set(Stage::Pool);
    }
    b.dissolve(at);
    match m.op(|op| op.attempt()) {
        Try::Done(r) => b.over(at, r, true),
        Try::Again | Try::Wait | Try::Blocks if now => b.would_wait(at),
        Try::Again => m.stage.set(Stage::Paused(time::now() + AGAIN_NS)),
        Try::Blocks => m.stage.set(Stage::Pool),
        Try::Wait => match sys::is_file(m.fd) {
            Ok(true) => m.stage.set(Stage::Pool),
            Ok(false) => m.stage.set(Stage::Watched),
            Err(e) => b.fail(at, e),
        },
    }
}

/// Carries out what blocks, unit after unit. False: there is nothing.
fn block(b: &Batch) -> bool {
    let mut any = false;
    for (at, m) in b.members.iter().enumerate() {
        if m.stage.get() == Stage::Pool && !b.satisfied() {
            any = true;
            run_unit(b.unit(at));
            b.unit_has_run(at);
        }
    }
    any
}

/// Waits until a descriptor may be ready or is being closed, or the time is up. What has been heard
/// of is due then.
fn wait(b: &Batch, until: Deadline, watched: &mut Vec<pollfd>) {
    let waits = |at: &usize| b.members[*at].stage.get() == Stage::Watched;
    let place = pollfd { fd: -1, events: 0, revents: 0 };
    watched.clear();
    for at in (0..b.members.len()).filter(waits) {
        let events = b.members[at].op(|op| op.events());
        watched.push(pollfd { fd: b.members[at].fd, events, ..place });
    }
    let fds = || b.members.iter().filter(|m| m.stage.get() == Stage::Watched);
    let listed = match Listed::new(fds().flat_map(Member::descriptors)) {
        Ok(Some(listed)) => listed,
        // Whatever ails it ails it for a moment only, but for a time that has come.
        _ => {
            let _time_is_up = plain::pause(until, LAST_NS);
            return;
        }
    };
    watched.push(place);
    // In the list: what was closed before has another life now, the rest is told.
    let heard = listed.wait_many(watched, until);
    let all = match heard {
        // More than the system can poll at once: all are tried.
        Err(Errno::EINVAL | Errno::ENOMEM) => plain::pause(until, AGAIN_NS).is_ok(),
        _ => false,
    };
    for (at, p) in (0..b.members.len()).filter(waits).zip(watched.iter()) {
        if p.revents & libc::POLLNVAL != 0 || !b.members[at].is_alive() {
            b.fail(at, Errno::EBADF);
        } else if all || p.revents != 0 {
            b.members[at].stage.set(Stage::Due);
        }
    }
}
