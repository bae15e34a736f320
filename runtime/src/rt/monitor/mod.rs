//! The monitor: one thread that looks at all vCPUs every few milliseconds.
//!
//! ```text
//! each look, for each vCPU     in foreign code: done for it what can be done without its thread
//!                              in one coroutine for too long: `stall` finds out, and reports
//! for each group               all held up: `spare` has another vCPU stand in
//! ```
//! It looks while some vCPU is awake. When nothing has happened for a second it sleeps until a vCPU
//! wakes (`sched::watch`): so an idle process costs no CPU, and a process at work pays for a system
//! call of its own no more than once a second.
//!
//! What it does for a vCPU in foreign code comes within two looks, a millisecond apart: a bracket that
//! is over by then costs nothing but its own two words.

mod spare;
mod stall;

pub use stall::{Hook, Stall, Stalls, found};

use crate::blocking;
use crate::err::Errno;
use crate::os_thread::{Name, OsThread};
use crate::sched::{Group, VCpu, registry, watch};
use crate::time;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::Duration;

/// Between two looks while a vCPU is in foreign code.
const FOREIGN_PERIOD: Duration = Duration::from_millis(1);
/// Between two looks when nobody asks for stalls, for a while after the last bracket.
const NO_STALLS_PERIOD: Duration = Duration::from_millis(5);
/// Nanoseconds without anything to look at, after which it sleeps.
const QUIET: i64 = 1_000_000_000;

/// The thread, until it is dropped.
#[derive(Debug)]
pub struct Monitor {
    stop: Arc<AtomicBool>,
    thread: Option<OsThread>,
}

impl Monitor {
    /// Starts it. EAGAIN: no thread to be had; ENOMEM.
    pub fn start(stalls: Option<Stalls>) -> Result<Monitor, Errno> {
        stall::forget();
        let stop = Arc::new(AtomicBool::new(false));
        let looker = Looker { stop: stop.clone(), stalls, foreign: BTreeSet::new() };
        let thread = OsThread::start(Name::new("photonrt-watch"), 256 << 10, move || {
            blocking::block_signals();
            looker.run();
        })?;
        Ok(Monitor { stop, thread: Some(thread) })
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        watch::rouse();
        if let Some(t) = self.thread.take() {
            t.join();
        }
    }
}

struct Looker {
    stop: Arc<AtomicBool>,
    stalls: Option<Stalls>,
    /// Ids of the vCPUs that were in foreign code at the last look.
    foreign: BTreeSet<usize>,
}

impl Looker {
    fn run(mut self) {
        let mut last = time::now();
        // Nothing has gone on yet: a program that only starts and ends has no look taken.
        watch::nap(self.period(), || !self.stop.load(Relaxed));
        while !self.stop.load(Relaxed) {
            let groups = registry::all();
            let now = self.stalls.as_mut().map_or(0, Stalls::begin);
            for g in &groups {
                self.look(g, now);
            }
            drop(groups);
            if !self.foreign.is_empty() || self.stalls.is_some() && anybody_awake() {
                last = time::now();
            }
            let running = || !self.stop.load(Relaxed);
            if time::now() - last < QUIET {
                watch::nap(self.period(), running);
            } else if self.stalls.is_some() {
                watch::rest(watch::ANY, || running() && !anybody_awake());
            } else {
                watch::rest(watch::FOREIGN, || running() && !anybody_foreign());
            }
        }
    }

    fn period(&self) -> Duration {
        match &self.stalls {
            _ if !self.foreign.is_empty() => FOREIGN_PERIOD,
            Some(stalls) => stalls.period(),
            None => NO_STALLS_PERIOD,
        }
    }

    fn look(&mut self, group: &Arc<Group>, now: i64) {
        for v in group.all() {
            if !v.is_foreign() {
                self.foreign.remove(&v.id());
            } else if !self.foreign.insert(v.id()) {
                v.serve_foreign();
            }
            let stalls = self.stalls.as_mut();
            v.set_stalled(stalls.is_some_and(|s| s.look(v, group.external, now)));
        }
        let held_up = |v: &VCpu| self.foreign.contains(&v.id()) || v.is_stalled();
        spare::look(group, held_up);
    }
}

fn anybody(what: impl Fn(&crate::sched::VCpu) -> bool) -> bool {
    registry::all().iter().any(|g| g.all().any(&what))
}

fn anybody_awake() -> bool {
    anybody(|v| !v.asleep())
}

fn anybody_foreign() -> bool {
    anybody(crate::sched::VCpu::is_foreign)
}
