//! A batch of a coroutine: what is due begins, on whichever engine its vCPU has; the coroutine
//! parks until something has news.
//!
//! A migratable coroutine may be on another vCPU after each wait: engines are asked for anew, and a
//! record is dealt with at its home (`slots::at_home`).
#![allow(unsafe_code)]

use super::Batch;
use super::member::{Calls, Stage};
use crate::blocking::{FILES, Job};
use crate::err::Errno;
use crate::io::engine::ready::several as ready;
use crate::io::engine::slots::{Kind, Rec, state};
use crate::io::engine::{self, AGAIN_NS, LAST_NS, several};
use crate::io::sys::Try;
use crate::io::table::Enter;
use crate::sched::VCpu;
use crate::time;
use crate::wait::{self, Deadline, Stop};

#[cfg(target_os = "linux")]
use super::ring;

/// Carries out all members; why it was ended, if it was.
pub fn carry_out(b: &Batch, deadline: Deadline) -> Option<Stop> {
    let stopped = wait::check().err().or_else(|| work(b, deadline).err());
    if b.left.get() > 0 {
        b.call_off(match stopped {
            Some(Stop::Timeout) => Stop::Timeout.errno(deadline),
            _ => Errno::ECANCELED,
        });
    }
    stopped
}

fn work(b: &Batch, deadline: Deadline) -> Result<(), Stop> {
    let now = deadline == Deadline::Now;
    loop {
        b.pass(now);
        if b.satisfied() {
            return Ok(());
        }
        let until = b.next_wake(deadline);
        let mut parked = false;
        let waited = wait::until(until, || {
            let news = (0..b.members.len()).any(|at| b.has_news(at));
            parked |= !news;
            news
        });
        match engine::coroutine() {
            Some(vcpu) if parked => several::begin_count(vcpu),
            Some(vcpu) => several::count(vcpu, b.pushed.get()),
            None => {}
        }
        match waited {
            Err(Stop::Timeout) if until != deadline => {}
            r => r?,
        }
    }
}

impl Batch {
    fn has_news(&self, at: usize) -> bool {
        let m = &self.members[at];
        match m.stage.get() {
            Stage::Pool => m.job_done() || !m.deaf.get() && self.unit_is_closing(at),
            _ => m.has_news(),
        }
    }

    fn unit_is_closing(&self, at: usize) -> bool {
        self.unit(at).iter().any(|m| m.rec_is(state::CLOSED))
    }

    /// Looks at each member once.
    fn pass(&self, now: bool) {
        self.pushed.set(0);
        for (at, m) in self.members.iter().enumerate() {
            self.collect(at);
            if m.is_due() {
                self.begin(at, now || m.now);
            }
        }
        #[cfg(target_os = "linux")]
        if self.pushed.get() >= super::FEW
            && let Some(vcpu) = engine::coroutine()
            && several::has_ring(vcpu)
        {
            ring::submit(vcpu);
        }
    }

    /// Begins a member, or goes on with it.
    fn begin(&self, at: usize, now: bool) {
        let m = &self.members[at];
        if let Some(ns) = m.timer {
            return self.run_timer(at, ns, now);
        }
        if let Some(e) = m.refused.get() {
            return self.over(at, Err(e), true);
        }
        // Anew each time: a migratable coroutine may have moved while it waited.
        let Some(vcpu) = engine::coroutine() else { return self.over(at, Err(Errno::EPERM), true) };
        match m.enter(Some(vcpu)) {
            Ok(Enter::Open) => {}
            Ok(_) if now => return self.would_wait(at),
            Ok(_) => return m.stage.set(Stage::Paused(time::now() + LAST_NS)),
            Err(e) => return self.fail(at, e),
        }
        if m.unit.get() > 1 {
            if !now && self.begin_unit(at, vcpu) {
                return;
            }
            self.dissolve(at);
        }
        #[cfg(target_os = "linux")]
        if several::has_ring(vcpu) && ring::takes(m, vcpu) {
            return self.begin_on_ring(at, vcpu, now);
        }
        self.try_and_wait(at, vcpu, now);
    }

    /// Begins all of a unit. False: it has to be done one by one.
    fn begin_unit(&self, at: usize, vcpu: &VCpu) -> bool {
        if self.unit(at).iter().any(|m| !matches!(m.enter(Some(vcpu)), Ok(Enter::Open))) {
            return false;
        }
        #[cfg(target_os = "linux")]
        if several::has_ring(vcpu) {
            return self.begin_unit_on_ring(at, vcpu);
        }
        self.to_pool(at, vcpu);
        true
    }

    /// Tries a member; if it would block it waits for its descriptor, or goes to the pool.
    fn try_and_wait(&self, at: usize, vcpu: &VCpu, now: bool) {
        let m = &self.members[at];
        if (m.traits.blocks || m.to_be_whole.get()) && !now {
            return self.to_pool(at, vcpu);
        }
        let notes = m.traits.receives && !several::has_ring(vcpu);
        if now || !notes || !ready::drained(vcpu, m.fd) {
            match m.op(|op| op.attempt()) {
                Try::Done(r) => {
                    if notes && m.op(|op| op.took_all(&r)) {
                        ready::took_all(vcpu, m.fd);
                    }
                    self.over(at, r, true);
                    return several::count(vcpu, 1);
                }
                Try::Again | Try::Wait | Try::Blocks if now => {
                    return self.would_wait(at);
                }
                Try::Again => return m.stage.set(Stage::Paused(time::now() + AGAIN_NS)),
                Try::Blocks => return self.to_pool(at, vcpu),
                Try::Wait => {}
            }
        }
        #[cfg(target_os = "linux")]
        if several::has_ring(vcpu) {
            return self.poll_by_ring(at, vcpu);
        }
        self.watch(at, vcpu);
    }

    /// Waits for a member's descriptor by the poller.
    fn watch(&self, at: usize, vcpu: &VCpu) {
        let m = &self.members[at];
        let events = m.op(|op| op.events());
        let kind = ready::kind(events, m.traits.receives);
        // SAFETY: whenever a member is begun its former record has been unlinked.
        let rec = match Rec::new(vcpu, m.fd, kind).and_then(|rec| unsafe { m.set_rec(rec) }) {
            Ok(rec) => rec,
            Err(e) => return self.over(at, Err(e), true),
        };
        // SAFETY: members stay where they are until all are over, and a record is unlinked before.
        match unsafe { ready::begin(vcpu, rec, events) } {
            Ok(()) => m.stage.set(Stage::Watched),
            // What a poller refuses is always ready, or never says so.
            Err(Errno::EPERM) => self.to_pool(at, vcpu),
            Err(e) => self.fail(at, e),
        }
    }

    /// Has the pool carry out a unit.
    pub fn to_pool(&self, at: usize, vcpu: &VCpu) {
        let unit = self.unit(at);
        let Some(task) = vcpu.task() else { return self.fail(at, Errno::EPERM) };
        for (i, m) in unit.iter().enumerate() {
            let linked = Rec::new(vcpu, m.fd, Kind::Job).and_then(|rec| {
                // SAFETY: as in `watch`.
                unsafe { several::link(vcpu, m.set_rec(rec)?) }
            });
            if let Err(e) = linked {
                unlink(&unit[..i]);
                return self.fail(at, e);
            }
        }
        let m = &self.members[at];
        m.ran.set(0);
        m.deaf.set(false);
        // SAFETY: the last job of this member is done or withdrawn; this one is before it goes.
        let submitted = unsafe {
            m.set_job(Job::new(&FILES, task, Calls::new(unit))).and_then(|job| job.submit())
        };
        if let Err(e) = submitted {
            unlink(unit);
            return self.fail(at, e);
        }
        unit.iter().for_each(|m| m.stage.set(Stage::Along));
        m.stage.set(Stage::Pool);
    }

    /// Takes a member's news.
    fn collect(&self, at: usize) {
        if !self.has_news(at) {
            return;
        }
        let m = &self.members[at];
        match m.stage.get() {
            Stage::Watched => {
                let closed = m.rec_is(state::CLOSED);
                unlink(std::slice::from_ref(m));
                if closed {
                    self.fail(at, Errno::EBADF);
                } else if let Some(why) = self.stop.get() {
                    self.called_off(at, why);
                } else {
                    m.stage.set(Stage::Due);
                }
            }
            Stage::Pool if m.job_done() => {
                unlink(self.unit(at));
                self.unit_has_run(at);
            }
            Stage::Pool => self.end_unit(at),
            #[cfg(target_os = "linux")]
            Stage::Ring => self.collect_from_ring(at),
            #[cfg(target_os = "linux")]
            Stage::Polled => self.collect_poll(at),
            _ => {}
        }
    }

    /// A descriptor of a unit is being closed. If no thread has begun it, that member is told.
    fn end_unit(&self, at: usize) {
        let m = &self.members[at];
        if !m.job().is_some_and(Job::withdraw) {
            return m.deaf.set(true);
        }
        unlink(self.unit(at));
        if m.unit.get() == 1 {
            return self.over(at, Err(Errno::EBADF), true);
        }
        self.unit(at).iter().for_each(|m| m.stage.set(Stage::Behind));
        m.stage.set(Stage::Due);
        // One by one they find out which of them it is.
        self.dissolve(at);
    }

    /// Calls off all that is left, and waits until nobody holds anything of it.
    fn call_off(&self, why: Errno) {
        self.stop.set(Some(why));
        for (at, m) in self.members.iter().enumerate() {
            match m.stage.get() {
                Stage::Due | Stage::Paused(_) => self.called_off(at, why),
                Stage::Watched => {
                    unlink(std::slice::from_ref(m));
                    self.called_off(at, why);
                }
                Stage::Pool if m.job().is_some_and(Job::withdraw) => {
                    unlink(self.unit(at));
                    self.unit(at).iter().for_each(|m| m.stage.set(Stage::Behind));
                    self.called_off(at, why);
                }
                #[cfg(target_os = "linux")]
                Stage::Ring | Stage::Polled => ring::cancel(m),
                _ => {}
            }
        }
        while self.left.get() > 0 {
            wait::until_done(|| self.members.iter().enumerate().all(|(i, _)| !self.is_held(i)));
            (0..self.members.len()).for_each(|at| self.collect(at));
        }
    }

    /// Whether somebody else still works on a member.
    fn is_held(&self, at: usize) -> bool {
        let m = &self.members[at];
        match m.stage.get() {
            Stage::Ring | Stage::Polled => !m.rec_is(state::DONE),
            Stage::Pool => !m.job_done(),
            _ => false,
        }
    }
}

/// Takes the records of members out of their lists.
fn unlink(members: &[super::Member]) {
    members.iter().filter_map(super::Member::rec).for_each(several::unlink);
}
