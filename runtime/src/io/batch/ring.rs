//! A batch's members on the ring.
#![allow(unsafe_code)]

use super::member::{Member, Stage};
use super::{Batch, FEW};
use crate::err::Errno;
use crate::io::engine::slots::{Kind, Rec, bits};
use crate::io::engine::uring::several::{self as uring, Outcome};
use crate::io::engine::uring::sqe;
use crate::io::engine::{AGAIN_NS, several};
use crate::io::sys::{self, Try};
use crate::sched::VCpu;
use crate::time;

pub use crate::io::engine::uring::several::submit;

/// Whether the ring knows a member's operation, well enough.
pub fn takes(m: &Member, vcpu: &VCpu) -> bool {
    uring::has(vcpu, m.traits.optional) && !m.op(|op| op.by_readiness())
}

/// Has the kernel call a member off, whose record must still be waited for.
pub fn cancel(m: &Member) {
    if let Some(rec) = m.rec() {
        uring::cancel(rec);
    }
}

impl Batch {
    /// Begins a member, or goes on with it: mostly by an entry.
    pub fn begin_on_ring(&self, at: usize, vcpu: &VCpu, now: bool) {
        let m = &self.members[at];
        if m.poll_next.replace(false) {
            return self.poll_by_ring(at, vcpu);
        }
        let mut notes = 0;
        if m.traits.receives && !now {
            match uring::notes(vcpu, m.fd) {
                Ok(n) => notes = n,
                Err(e) => return self.fail(at, e),
            }
        }
        let mut tried = false;
        if now || self.is_tried_first(m) || notes & bits::MORE != 0 {
            match m.op(|op| op.attempt()) {
                Try::Done(r) => {
                    if notes & bits::MORE != 0 && !m.op(|op| op.left_more(&r)) {
                        uring::forget(vcpu, m.fd);
                    }
                    self.over(at, r, true);
                    return several::count(vcpu, 1);
                }
                Try::Again | Try::Wait | Try::Blocks if now => {
                    return self.would_wait(at);
                }
                Try::Again => return m.stage.set(Stage::Paused(time::now() + AGAIN_NS)),
                Try::Wait | Try::Blocks if m.op(|op| op.by_readiness()) => {
                    return self.poll_by_ring(at, vcpu);
                }
                Try::Wait | Try::Blocks => tried = true,
            }
        }
        if !may_enter(m, vcpu) {
            return self.over(at, Err(Errno::ESPIPE), true);
        }
        let entry = m.op(|op| op.sqe(tried || notes & bits::DRAINED != 0));
        self.push(at, vcpu, entry, Stage::Ring);
    }

    /// What mostly can be done at once is, since a send costs no more than its entry and its
    /// completion, and what is linked to it can begin. Not reads and writes of files if there are
    /// more than a few.
    fn is_tried_first(&self, m: &Member) -> bool {
        let first = || self.members.len() < FEW || !m.op(|op| op.is_positional());
        m.traits.try_first && !m.to_be_whole.get() && first()
    }

    /// Has the ring tell when a member's descriptor is ready.
    pub fn poll_by_ring(&self, at: usize, vcpu: &VCpu) {
        let m = &self.members[at];
        match sys::is_file(m.fd) {
            // Always ready, it says. (A file in O_NONBLOCK mode may have the ring go on for ever.)
            Ok(true) => self.to_pool(at, vcpu),
            Ok(false) => {
                let entry = sqe::poll(m.fd, m.op(|op| op.events()));
                self.push(at, vcpu, entry, Stage::Polled);
            }
            Err(e) => self.fail(at, e),
        }
    }

    fn push(&self, at: usize, vcpu: &VCpu, entry: sqe::Sqe, stage: Stage) {
        let m = &self.members[at];
        let pushed = new_rec(m, vcpu).and_then(|rec| {
            // SAFETY: members stay where they are until all are over, and a record is waited for
            // before that.
            unsafe { uring::begin(vcpu, entry, rec) }
        });
        match pushed {
            Ok(()) => {
                m.stage.set(stage);
                self.pushed.set(self.pushed.get() + 1);
            }
            Err(e) => self.fail(at, e),
        }
    }

    /// Begins a unit as linked entries. False: the ring can't.
    pub fn begin_unit_on_ring(&self, at: usize, vcpu: &VCpu) -> bool {
        let unit = self.unit(at);
        let ready = |m: &Member| {
            let known = takes(m, vcpu);
            known && may_enter(m, vcpu) && new_rec(m, vcpu).is_ok()
        };
        if !unit.iter().all(ready) {
            return false;
        }
        let rec = |i: usize| match unit[i].rec() {
            Some(rec) => rec,
            None => unreachable!("made above"),
        };
        let entry = |i: usize| unit[i].op(|op| op.sqe(false));
        // SAFETY: as in `push`.
        let pushed = unsafe { uring::begin_linked(vcpu, unit.len(), rec, entry) };
        if pushed.is_ok() {
            unit.iter().for_each(|m| m.stage.set(Stage::Ring));
            self.pushed.set(self.pushed.get() + unit.len());
            // Each has a completion of its own.
            self.dissolve(at);
        }
        pushed.is_ok()
    }

    /// The kernel is done with a member.
    pub fn collect_from_ring(&self, at: usize) {
        let m = &self.members[at];
        let Some(rec) = m.rec() else { return };
        match uring::outcome(rec) {
            Outcome::Own(r) => {
                let r = m.op(|op| op.finish(r));
                self.done(at, r);
            }
            _ if uring::closed(rec) => self.fail(at, Errno::EBADF),
            // An entry whose chain has been broken by the one before it, or was because that one
            // has to be tried again.
            Outcome::CalledOff(_) if self.is_behind(at) => {
                if self.members[at - 1].stage.get() == Stage::Over {
                    self.over(at, Err(Errno::ECANCELED), false);
                } else {
                    m.stage.set(Stage::Behind);
                }
            }
            Outcome::CalledOff(r) => match self.stop.get() {
                Some(why) => self.called_off(at, why),
                // By the kernel, for reasons of its own.
                None => self.over(at, m.op(|op| op.finish(r)), true),
            },
            Outcome::GoesOn => match self.stop.get() {
                Some(why) => self.called_off(at, why),
                None => {
                    m.poll_next.set(true);
                    m.stage.set(Stage::Due);
                }
            },
        }
    }

    /// A member's descriptor is ready, or the wait for it has been called off.
    pub fn collect_poll(&self, at: usize) {
        let m = &self.members[at];
        let Some(rec) = m.rec() else { return };
        let outcome = uring::outcome(rec);
        if uring::closed(rec) {
            self.fail(at, Errno::EBADF);
        } else if let Some(why) = self.stop.get() {
            self.called_off(at, why);
        } else {
            let _ = outcome;
            m.stage.set(Stage::Due);
        }
    }
}

/// Whether the ring gives a member the result that the system call would.
fn may_enter(m: &Member, vcpu: &VCpu) -> bool {
    !m.op(|op| op.is_positional()) || uring::has_positions(vcpu, m.fd)
}

fn new_rec<'a>(m: &'a Member, vcpu: &VCpu) -> Result<&'a Rec, Errno> {
    let kind = if m.traits.receives { Kind::Receive } else { Kind::Kernel };
    // SAFETY: whenever a member is begun its former record has been unlinked.
    Rec::new(vcpu, m.fd, kind).and_then(|rec| unsafe { m.set_rec(rec) })
}
