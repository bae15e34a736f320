//! A pool's state, under its guard: who is at work, who waits, and each step from one to the other.
//!
//! ```text
//! submit --+--> idle worker           takes the job at once
//!          +--> new worker            while there are fewer than `max`
//!          +--> stored (a ring)       while there is room: nobody waits for this job
//!          +--> submitters            until there is room
//! call ----+--> idle, new, or callers --> busy: its node, until the job has ended
//! ```
//! What waits, in whichever of the three, has a number, and the lowest is next: first come, first
//! served. The ring has room for jobs whose submitter may go on; a caller waits anyway, and lies on
//! its own stack. While anything waits, all workers are at work; or else one could not be had, and
//! the pool's alarm tries again.
#![allow(unsafe_code)]

use super::job::{Idle, Job, Stage, Waiting};
use crate::err::Errno;
use crate::sched::alarm::Alarm;
use crate::sched::{VCpu, vcpu};
use crate::time;
use crate::wait::queue::{Grants, Node, Queue, Who};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::Ordering::*;

/// What nodes are granted. It is done: a call, a wait; taken: a submission; to be run: by a worker.
pub(super) const DONE: u32 = 1;
/// The job of a call that was stopped has not been run; a worker is not needed.
pub(super) const NEVER: u32 = 2;
/// The pool takes nothing any more.
pub(super) const REFUSED: u32 = 3;

/// Idle workers that are looked at for one on the submitter's own vCPU.
const NEAR: usize = 8;
/// Nanoseconds after which a worker is tried again that could not be had.
const AGAIN: i64 = 1_000_000;

/// A job that waits by itself.
#[derive(Debug)]
pub(super) struct Stored {
    job: Job,
    number: u64,
}

/// What a pool was made with.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Settings {
    pub max: u32,
    pub queue: u32,
    /// The group's handle, and whether it is the pool's own.
    pub group: u64,
    pub own_group: bool,
    pub stack_size: u64,
    /// For the workers' `task::Attr`.
    pub flags: u32,
    /// Nanoseconds that a worker stays idle; none: for ever.
    pub idle_ns: Option<i64>,
    /// Ended by zeros.
    pub name: [u8; 32],
}

/// Where a new job goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Placed {
    /// An idle worker has it.
    Taken,
    /// A worker has been counted for it: spawn that.
    Spawn,
    /// Nowhere yet.
    Full,
}

/// What a worker does next.
#[derive(Debug)]
#[must_use]
pub(super) enum Turn {
    /// This.
    Job(Job),
    /// Nothing: it is in the queue of the idle.
    Idle,
    /// It ends, and has been counted out.
    End,
}

/// What is to be done when the guard has been let go.
#[derive(Default, Debug)]
pub(super) struct After {
    pub grants: Grants,
    /// A vCPU to wake, for the alarm.
    home: Option<&'static VCpu>,
    /// The pool is to be freed.
    pub gone: bool,
}

impl After {
    /// All but freeing the pool. `v`: the caller's vCPU, if it is a coroutine.
    #[inline]
    pub fn carry_out(self, v: Option<&'static VCpu>) {
        self.grants.wake(v);
        if let Some(v) = self.home {
            v.wake();
        }
    }
}

/// See the module.
#[derive(Default, Debug)]
pub(super) struct State {
    /// 0: there is no such pool (any more).
    pub handle: u64,
    pub set: Settings,
    /// Its group's.
    vcpus: Vec<&'static VCpu>,
    pub alarm: Option<&'static Alarm>,
    armed: bool,
    /// Coroutines, those that are just being spawned among them;
    pub workers: u32,
    /// those of them that wait for a job;
    pub idlers: u32,
    /// and the fewest that did since the alarm last looked.
    low: u32,
    idle: Queue,
    stored: VecDeque<Stored>,
    submitters: Queue,
    callers: Queue,
    /// Submitters and callers.
    pub waiting: u32,
    /// Calls whose job a worker has.
    busy: Queue,
    next_number: u64,
    /// Jobs that have ended.
    pub completed: u64,
    /// It takes no new jobs.
    pub closing: bool,
    /// Its group has ended: its last worker, which is elsewhere, frees it.
    abandoned: bool,
    /// Its group is to end: nobody stays idle.
    pub leaving: bool,
    /// Who waits for nothing to be under way; and for no worker to be left.
    quiet: Queue,
    closers: Queue,
}

/// A ring with that much room. ENOMEM.
pub(super) fn room(jobs: u32) -> Result<VecDeque<Stored>, Errno> {
    let mut stored = VecDeque::new();
    stored.try_reserve_exact(jobs as usize).map_err(|_| Errno::ENOMEM)?;
    Ok(stored)
}

/// The vCPU that an idle worker was last on.
fn owner(node: &Node) -> Option<&'static VCpu> {
    match node.who() {
        Who::Task(t) => vcpu((t.owner.load(Relaxed) as usize).wrapping_sub(1)),
        Who::Thread(_) => None,
    }
}

impl State {
    pub fn begin(
        &mut self,
        handle: u64,
        set: Settings,
        alarm: &'static Alarm,
        vcpus: Vec<&'static VCpu>,
        stored: VecDeque<Stored>,
    ) {
        *self = State { handle, set, alarm: Some(alarm), vcpus, stored, ..State::default() };
    }

    #[cfg(test)]
    pub fn begin_without_alarm(&mut self, handle: u64, set: Settings, stored: VecDeque<Stored>) {
        *self = State { handle, set, stored, ..State::default() };
    }

    #[cfg(test)]
    pub fn is_armed(&self) -> bool {
        self.armed
    }

    /// The end, when nobody is left: what remains, to be dropped without the guard.
    #[must_use]
    pub fn end(&mut self) -> State {
        std::mem::take(self)
    }

    /// ESRCH unless it is that pool.
    pub fn check(&self, handle: u64) -> Result<(), Errno> {
        if self.handle == handle { Ok(()) } else { Err(Errno::ESRCH) }
    }

    /// The same, and it takes jobs. EPIPE.
    pub fn open(&self, handle: u64) -> Result<(), Errno> {
        self.check(handle)?;
        if self.closing { Err(Errno::EPIPE) } else { Ok(()) }
    }

    /// Jobs in the ring.
    pub fn stored(&self) -> usize {
        self.stored.len()
    }

    /// Whether something waits for a worker.
    fn waits(&self) -> bool {
        !self.stored.is_empty() || self.waiting != 0
    }

    fn is_quiet(&self) -> bool {
        self.workers == self.idlers && !self.waits()
    }

    /// Whether all that it had to do when it was closed has been done.
    pub fn is_over(&self) -> bool {
        self.closing && self.workers == 0 && !self.waits()
    }

    fn arm(&mut self, at: i64, after: &mut After) {
        self.armed = true;
        after.home = after.home.or(self.alarm.and_then(|a| a.ask(at)));
    }

    /// An idle worker that can begin soon, last in, first out: on the vCPU of who brings the job (if
    /// that is one of the group), or on one that sleeps. What is woken on a busy vCPU waits for its
    /// turn there, while one that is spawned goes where there is time.
    fn nearest(&self, v: Option<&VCpu>, call: bool) -> Option<&Node> {
        let first = self.idle.first()?;
        let nodes = || std::iter::successors(Some(first), |n| self.idle.after(n)).take(NEAR);
        let inside = v.filter(|v| v.group().handle == self.set.group);
        if let Some(v) = inside {
            let own = nodes().find(|n| owner(n).is_some_and(|o| std::ptr::eq(o, v)));
            // A caller makes way for its job.
            if own.is_some() || call {
                return own;
            }
        }
        let asleep = nodes().find(|n| owner(n).is_some_and(VCpu::asleep));
        let elsewhere = inside.is_some() || self.vcpus.iter().any(|v| v.asleep());
        asleep.or(if elsewhere { None } else { Some(first) })
    }

    /// A job has come; `v` is the vCPU of who brought it.
    pub fn place(&mut self, job: Job, v: Option<&VCpu>, after: &mut After) -> Placed {
        if self.waits() {
            return Placed::Full;
        }
        let mut node = self.nearest(v, job.caller().is_some());
        if node.is_none() && self.workers == self.set.max {
            node = self.idle.first();
        }
        let placed = match node {
            // Its thread is in foreign code, who knows for how long: a new one in its stead.
            Some(n) if owner(n).is_some_and(VCpu::is_foreign) => {
                after.grants.take(&self.idle, n, NEVER);
                self.fewer_idle(1);
                Placed::Spawn
            }
            Some(n) => {
                self.hand_to(n, job, after);
                self.fewer_idle(1);
                Placed::Taken
            }
            None if self.workers < self.set.max => {
                self.workers += 1;
                Placed::Spawn
            }
            None => return Placed::Full,
        };
        if let Some(call) = job.caller() {
            self.give(call);
        }
        placed
    }

    /// An idle worker is to run this.
    fn hand_to(&self, node: &Node, job: Job, after: &mut After) {
        Idle::of(node).job.set(Some(job));
        after.grants.take(&self.idle, node, DONE);
    }

    fn fewer_idle(&mut self, n: u32) {
        self.idlers -= n;
        self.low = self.low.min(self.idlers);
    }

    /// A call's job is a worker's.
    fn give(&self, call: &Waiting) {
        call.stage.set(Stage::Given);
        // SAFETY: its caller stays until it is granted.
        unsafe { self.busy.push(&call.node) };
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// A submitted job is stored, if there is room.
    pub fn store(&mut self, job: Job) -> bool {
        let room = self.submitters.is_empty() && self.stored.len() < self.set.queue as usize;
        if room {
            let number = self.number();
            self.stored.push_back(Stored { job, number });
        }
        room
    }

    /// One waits: for a job's end (`call`), or for room.
    pub fn enqueue(&mut self, w: &Waiting, call: bool) {
        w.number.set(self.number());
        self.waiting += 1;
        let queue = if call { &self.callers } else { &self.submitters };
        // SAFETY: who waits stays until it is granted or has taken itself out.
        unsafe { queue.push(&w.node) };
    }

    /// A submitter waits no longer. False: it has been granted.
    pub fn leave(&mut self, w: &Waiting, after: &mut After) -> bool {
        let queued = w.node.queued();
        if queued {
            self.submitters.remove(&w.node);
            self.waiting -= 1;
            self.look(after);
        }
        queued
    }

    /// A caller has been stopped: how far its job was.
    pub fn stop_call(&mut self, w: &Waiting, after: &mut After) -> Stage {
        let stage = w.stage.get();
        match stage {
            Stage::Queued => {
                self.callers.remove(&w.node);
                self.waiting -= 1;
                self.look(after);
            }
            Stage::Given => w.stage.set(Stage::Stopped),
            _ => {}
        }
        stage
    }

    /// No worker could be spawned for a job that was placed so, or for what waits (none). True: one
    /// that is idle, if not near, has it instead.
    pub fn not_spawned(&mut self, job: Option<Job>, after: &mut After) -> bool {
        let instead = job.and_then(|job| Some((job, self.idle.first()?)));
        if let Some((job, node)) = instead {
            self.hand_to(node, job, after);
        } else if let Some(call) = job.as_ref().and_then(Job::caller) {
            self.busy.remove(&call.node);
        }
        let taken = instead.is_some();
        self.fewer_idle(u32::from(taken));
        self.one_less(after);
        taken
    }

    fn one_less(&mut self, after: &mut After) {
        self.workers -= 1;
        if self.waits() && self.workers < self.set.max {
            self.arm(time::now() + AGAIN, after);
        }
        self.look(after);
    }

    /// Tells those that wait for quiet, if there is.
    fn look(&self, after: &mut After) {
        if self.is_quiet() {
            after.grants.take_all(&self.quiet, DONE);
        }
        if self.is_over() {
            after.grants.take_all(&self.closers, DONE);
            after.gone |= self.abandoned;
        }
    }

    /// What has waited longest.
    pub fn next(&mut self, after: &mut After) -> Option<Job> {
        let number = |q: &Queue| q.first().map_or(u64::MAX, |n| Waiting::of(n).number.get());
        let (caller, submitter) = (number(&self.callers), number(&self.submitters));
        let stored = self.stored.front().map_or(u64::MAX, |s| s.number);
        if stored < caller.min(submitter) {
            let job = self.stored.pop_front()?.job;
            // Room for the first submitter, which came after all that are stored.
            if let Some(node) = self.submitters.first() {
                let (job, number) = (Waiting::of(node).job.get(), submitter);
                self.stored.push_back(Stored { job, number });
                self.waiting -= 1;
                after.grants.take(&self.submitters, node, DONE);
            }
            return Some(job);
        }
        let queue = if caller < submitter { &self.callers } else { &self.submitters };
        let node = queue.first()?;
        let waiting = Waiting::of(node);
        let job = waiting.job.get();
        if caller < submitter {
            queue.remove(node);
            self.give(waiting);
        } else {
            after.grants.take(queue, node, DONE);
        }
        self.waiting -= 1;
        Some(job)
    }

    /// A worker begins a call's job, as the coroutine `co`. False: it is not to be run.
    pub fn start(&self, call: &Waiting, co: u64) -> bool {
        let wanted = call.stage.get() == Stage::Given;
        if wanted {
            call.stage.set(Stage::Begun(co));
        }
        wanted
    }

    /// A worker is done with a job: `ran` is what it returned, none if it was not to be run.
    pub fn done(&mut self, job: Job, ran: Option<*mut c_void>, after: &mut After) {
        self.completed += u64::from(ran.is_some());
        if let Some(call) = job.caller() {
            call.stage.set(Stage::Over);
            call.result.set(ran.unwrap_or_default());
            after.grants.take(&self.busy, &call.node, if ran.is_some() { DONE } else { NEVER });
        }
    }

    /// What a worker does next; `stay`: it may wait for more.
    pub fn turn(&mut self, idle: &Idle, fit: bool, stay: bool, after: &mut After) -> Turn {
        if fit && let Some(job) = self.next(after) {
            return Turn::Job(job);
        }
        if !fit || !stay || self.closing || self.leaving {
            self.one_less(after);
            return Turn::End;
        }
        // SAFETY: it stays until it is granted or has taken itself out.
        unsafe { self.idle.push_front(&idle.node) };
        self.idlers += 1;
        if !self.armed
            && let Some(ns) = self.set.idle_ns
        {
            self.low = 0;
            self.arm(time::now().saturating_add(ns), after);
        }
        self.look(after);
        Turn::Idle
    }

    /// An idle worker ends of itself. False: it has been granted.
    pub fn retire(&mut self, idle: &Idle, after: &mut After) -> bool {
        let queued = idle.node.queued();
        if queued {
            self.idle.remove(&idle.node);
            self.fewer_idle(1);
            self.one_less(after);
        }
        queued
    }

    /// The alarm: true if a worker has been counted and is to be spawned for what waits. Those that
    /// have been idle all the time since it last looked go.
    pub fn tick(&mut self, after: &mut After) -> bool {
        self.armed = false;
        let spawn = self.waits() && self.workers < self.set.max;
        if spawn {
            self.workers += 1;
        }
        let low = std::mem::replace(&mut self.low, 0);
        self.dismiss(low, after);
        self.low = self.idlers;
        if self.idlers > 0
            && let Some(ns) = self.set.idle_ns
        {
            self.arm(time::now().saturating_add(ns), after);
        }
        spawn
    }

    /// So many of the idle go, those first that have been for longest.
    pub fn dismiss(&mut self, n: u32, after: &mut After) {
        for _ in 0..n {
            let Some(node) = self.idle.last() else { break };
            after.grants.take(&self.idle, node, NEVER);
            self.fewer_idle(1);
            self.workers -= 1;
        }
        self.look(after);
    }

    /// It takes nothing any more; what it has taken is done.
    pub fn close(&mut self, after: &mut After) {
        self.closing = true;
        for queue in [&self.submitters, &self.callers] {
            while let Some(node) = queue.first() {
                Waiting::of(node).stage.set(Stage::Over);
                after.grants.take(queue, node, REFUSED);
            }
        }
        self.waiting = 0;
        self.dismiss(u32::MAX, after);
    }

    /// Its group has ended, and with it all that was not elsewhere.
    pub fn abandon(&mut self, after: &mut After) {
        self.abandoned = true;
        self.stored.clear();
        self.close(after);
    }

    /// Queues one who waits for quiet, or (`end`) for the end. False: there is.
    pub fn wait_for(&self, end: bool, node: &Node) -> bool {
        let (there, queue) =
            if end { (self.is_over(), &self.closers) } else { (self.is_quiet(), &self.quiet) };
        if !there {
            // SAFETY: who waits stays until it is granted or has taken itself out.
            unsafe { queue.push(node) };
        }
        !there
    }

    /// One who waited so gives up. False: it has been granted.
    pub fn give_up(&self, end: bool, node: &Node) -> bool {
        let queued = node.queued();
        if queued {
            if end { self.closers.remove(node) } else { self.quiet.remove(node) }
        }
        queued
    }
}
