//! A timer's state, under its lock: each step, and what is to follow from it.
#![allow(unsafe_code)]

use super::TimerAttr;
use crate::err::Errno;
use crate::sched::VCpu;
use crate::sched::alarm::{Alarm, NEVER};
use crate::wait::queue::{Grants, Node, Queue};
use std::ffi::c_void;

/// What a timer calls: its handle, the expiries that the call stands for, and the user's argument.
pub type Callback = unsafe extern "C" fn(timer: u64, expiries: u64, arg: *mut c_void);

/// What the first of those that stop a timer is granted;
pub(super) const FIRST: u32 = 1;
/// and the others.
const LATER: u32 = 2;

/// Where the callback is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Runner {
    /// Nobody is to run it.
    #[default]
    None,
    /// A coroutine for it has been spawned, or is just being.
    Spawned,
    /// This coroutine is inside it.
    Inside(u64),
}

/// What is to follow when a run is over.
#[derive(Debug)]
#[must_use]
pub(super) enum Run {
    /// Another one: more has come.
    Again,
    /// Nothing.
    Idle,
    /// The timer's end, and of these the waiting.
    Over(Grants),
}

/// What one who stops the timer is to do.
#[derive(Debug)]
#[must_use]
pub(super) enum Stopped {
    /// End it.
    Idle,
    /// Wait for the run's end.
    Wait,
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    alarm: Option<&'static Alarm>,
    call: Option<(Callback, usize)>,
    pub group: u64,
    pub stack_size: u64,
    /// The next expiry; NEVER: not armed.
    at: i64,
    period: i64,
    /// Expiries that no run has taken.
    pending: u64,
    runner: Runner,
    /// Somebody has its handle.
    owned: bool,
    stoppers: Queue,
}

// SAFETY: the pointers of the queue are to waiters' nodes, which stay while they are in it.
unsafe impl Send for State {}

impl Default for State {
    fn default() -> State {
        State {
            alarm: None,
            call: None,
            group: 0,
            stack_size: 0,
            at: NEVER,
            period: 0,
            pending: 0,
            runner: Runner::None,
            owned: false,
            stoppers: Queue::default(),
        }
    }
}

impl State {
    /// A new timer, not armed.
    pub fn begin(
        &mut self,
        alarm: &'static Alarm,
        call: (Callback, usize),
        group: u64,
        attr: &TimerAttr,
        owned: bool,
    ) {
        *self = State {
            alarm: Some(alarm),
            call: Some(call),
            group,
            stack_size: attr.stack_size,
            period: attr.period,
            owned,
            ..State::default()
        };
    }

    /// Its end: the alarm is to be freed.
    #[must_use]
    pub fn end(&mut self) -> Option<&'static Alarm> {
        std::mem::take(self).alarm
    }

    /// Has it expire at `at` next. Gives the vCPU to wake, if any.
    #[must_use]
    pub fn arm(&mut self, at: i64) -> Option<&'static VCpu> {
        self.at = at;
        self.ask(at)
    }

    fn ask(&self, at: i64) -> Option<&'static VCpu> {
        if at == NEVER { None } else { self.alarm?.ask(at) }
    }

    /// No expiry that has not been taken by a run happens. Whether there was one to come.
    pub fn disarm(&mut self) -> bool {
        let armed = self.at != NEVER || self.pending != 0;
        self.at = NEVER;
        self.pending = 0;
        if let Some(a) = self.alarm {
            a.clear();
        }
        armed
    }

    /// The alarm has fired: counts what has expired by now, arms it for the next. True: a run is to
    /// be spawned.
    pub fn expire(&mut self, now: i64) -> (Option<&'static VCpu>, bool) {
        if self.at <= now {
            let n = match self.period {
                0 => 1,
                p => 1 + (now - self.at) / p,
            };
            self.pending += n as u64;
            self.at = match self.period {
                0 => NEVER,
                p => self.at.saturating_add(n.saturating_mul(p)).min(NEVER - 1),
            };
        }
        let run = self.pending != 0 && self.runner == Runner::None;
        if run {
            self.runner = Runner::Spawned;
        }
        (self.ask(self.at), run)
    }

    /// No coroutine could be had for a run.
    pub fn failed(&mut self, again: i64) -> (Option<&'static VCpu>, Run) {
        let run = match self.ran() {
            Run::Again => {
                self.runner = Runner::None;
                Run::Idle
            }
            other => other,
        };
        let at = if self.pending != 0 { again.min(self.at) } else { self.at };
        (self.ask(at), run)
    }

    /// A run begins, in the coroutine `me`: what to call and for how many expiries. None: it has
    /// been cancelled meanwhile.
    pub fn take(&mut self, me: u64) -> Option<(Callback, usize, u64)> {
        if self.pending == 0 || !self.stoppers.is_empty() {
            return None;
        }
        let (callback, arg) = self.call?;
        self.runner = Runner::Inside(me);
        Some((callback, arg, std::mem::take(&mut self.pending)))
    }

    /// A run is over.
    pub fn ran(&mut self) -> Run {
        self.runner = Runner::None;
        if !self.stoppers.is_empty() {
            let mut stopped = Grants::default();
            let mut what = FIRST;
            while let Some(node) = self.stoppers.first() {
                stopped.take(&self.stoppers, node, what);
                what = LATER;
            }
            return Run::Over(stopped);
        }
        if self.pending != 0 {
            self.runner = Runner::Spawned;
            return Run::Again;
        }
        if self.over() { Run::Over(Grants::default()) } else { Run::Idle }
    }

    /// Whether it has nothing more to do, and nobody could tell it to.
    pub fn over(&self) -> bool {
        !self.owned && self.at == NEVER && self.pending == 0 && self.runner == Runner::None
    }

    /// Whether a coroutine is inside the callback.
    pub fn active(&self) -> bool {
        matches!(self.runner, Runner::Inside(_))
    }

    /// The coroutine `me` (0: a plain thread) stops it, and may have to wait. EDEADLK: it is the
    /// one inside the callback.
    pub fn stop(&mut self, me: u64, node: &Node) -> Result<Stopped, Errno> {
        if me != 0 && self.runner == Runner::Inside(me) {
            return Err(Errno::EDEADLK);
        }
        self.disarm();
        if self.runner == Runner::None {
            return Ok(Stopped::Idle);
        }
        // SAFETY: who stops leaves when it is granted, or by `leave`.
        unsafe { self.stoppers.push(node) };
        Ok(Stopped::Wait)
    }

    /// One who stops it gives up. False: it has been granted.
    #[must_use]
    pub fn leave(&mut self, node: &Node) -> bool {
        let queued = node.queued();
        if queued {
            self.stoppers.remove(node);
        }
        queued
    }
}
