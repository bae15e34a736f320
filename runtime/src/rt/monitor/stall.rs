//! Stalls: coroutines that keep their vCPU for too long.
//!
//! A vCPU shows what it is at (`VCpu::glance`): the running coroutine and two counters that move with
//! every switch. What shows the same at every look for longer than the limit has not switched. That
//! alone may be no fault of the coroutine's: on a crowded machine its thread may be waiting for a
//! CPU. So what counts is the time that the coroutine has cost its vCPU: the thread's CPU time, and the
//! looks at which the system had it blocked (/proc; without that, CPU time alone). If the monitor itself
//! came late, it begins anew: then nobody had a CPU, or the process was stopped.
//!
//! A stall is reported once, when it is found: to the program's function, or on standard error.
#![allow(unsafe_code)]

use crate::rt::sample;
use crate::sched::VCpu;
use crate::sched::watch::Glance;
use crate::stack::Backtrace;
use crate::task::label;
use crate::time;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::Duration;

/// Stalls found since the runtime began.
static FOUND: AtomicU64 = AtomicU64::new(0);

/// See co_stats_t.
pub fn found() -> u64 {
    FOUND.load(Relaxed)
}

/// The runtime begins.
pub fn forget() {
    FOUND.store(0, Relaxed);
}

/// A report.
#[derive(Debug)]
pub struct Stall {
    /// The coroutine.
    pub co: u64,
    /// Its group.
    pub group: u64,
    /// Its vCPU there.
    pub vcpu: u32,
    /// Whether its thread is blocked in the system.
    pub blocked: bool,
    /// Nanoseconds since it was first seen.
    pub duration: i64,
    /// Its name, ended by zero.
    pub name: [u8; 32],
    /// Where it is, if it could be asked.
    pub backtrace: Backtrace,
}

/// Who is told, in place of standard error: `call` with its two words.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    /// Called on the monitor's thread.
    pub call: fn(&Stall, [*mut c_void; 2]),
    /// For the call.
    pub data: [*mut c_void; 2],
}

// SAFETY: the words are passed on and not looked at; whoever gave them said that a call on the
// monitor's thread is all right.
unsafe impl Send for Hook {}

/// The look-out for stalls.
#[derive(Debug)]
pub struct Stalls {
    limit: i64,
    hook: Option<Hook>,
    /// By vCPU id.
    seen: BTreeMap<usize, Seen>,
    last: i64,
}

#[derive(Debug)]
struct Seen {
    glance: Glance,
    since: i64,
    /// The thread's CPU time at that time.
    cpu: Option<i64>,
    /// When it was looked at last; nanoseconds for which it was blocked, as far as looks tell.
    looked: i64,
    blocked: i64,
    reported: bool,
    /// What was measured does not count.
    anew: bool,
}

impl Stalls {
    /// What keeps its vCPU for longer than `limit` nanoseconds is reported.
    pub fn new(limit: i64, hook: Option<Hook>) -> Stalls {
        Stalls { limit, hook, seen: BTreeMap::new(), last: time::now() }
    }

    /// Between two looks.
    pub fn period(&self) -> Duration {
        Duration::from_nanos((self.limit / 2).clamp(1_000_000, 50_000_000) as u64)
    }

    /// A round of looks begins; gives the time.
    pub fn begin(&mut self) -> i64 {
        let now = time::now();
        if now - self.last > 4 * self.period().as_nanos() as i64 {
            self.seen.values_mut().for_each(|s| s.anew = true);
        }
        self.last = now;
        now
    }

    /// Looks at a vCPU, in a round that began at `now`. Whether it is stalled.
    pub fn look(&mut self, v: &VCpu, external: bool, now: i64) -> bool {
        let glance = v.glance();
        let same = |s: &Seen| s.glance == glance && glance.in_task && !v.is_foreign();
        let reported = match self.seen.get_mut(&v.id()) {
            Some(s) if same(s) && !s.anew => {
                return s.again(v, external, now, self.limit, self.hook);
            }
            Some(s) => same(s) && s.reported,
            None => false,
        };
        let cpu = if glance.in_task { v.cpu_time() } else { None };
        let first =
            Seen { glance, since: now, cpu, looked: now, blocked: 0, reported, anew: false };
        self.seen.insert(v.id(), first);
        reported
    }
}

impl Seen {
    /// Another look has shown the same.
    fn again(
        &mut self,
        v: &VCpu,
        external: bool,
        now: i64,
        limit: i64,
        hook: Option<Hook>,
    ) -> bool {
        let s = self;
        if s.reported {
            return true;
        }
        let is_blocked = v.is_blocked();
        if is_blocked {
            s.blocked += now - s.looked;
        }
        s.looked = now;
        let used = match (s.cpu, v.cpu_time()) {
            (Some(before), Some(cpu)) => cpu - before,
            // Nothing is known of it: then by the clock.
            _ => now - s.since,
        };
        if now - s.since < limit || used + s.blocked < limit {
            return false;
        }
        s.reported = true;
        let duration = now - s.since;
        report(hook, v, s.glance, (is_blocked, external), duration);
        true
    }
}

fn report(
    hook: Option<Hook>,
    v: &VCpu,
    glance: Glance,
    (blocked, external): (bool, bool),
    duration: i64,
) {
    let Some(t) = glance.task() else { return };
    let mut stall = Stall {
        co: t.handle(),
        group: t.group.load(Relaxed),
        vcpu: v.number.get(),
        blocked,
        duration,
        name: t.name(),
        backtrace: Backtrace::default(),
    };
    if v.glance() != glance {
        // It has just gone on: what was read may be another's.
        return;
    }
    // The host's thread may have no other stack for a handler than the coroutine's.
    if !external {
        sample::take(v, glance, &mut stall.backtrace);
    }
    FOUND.fetch_add(1, Relaxed);
    match hook {
        Some(h) => (h.call)(&stall, h.data),
        None => {
            // Nothing to do if it can't be written.
            let _ = std::io::stderr().write_all(text(&stall).as_bytes());
        }
    }
}

fn text(s: &Stall) -> String {
    let doing = if s.blocked { "blocked in the system" } else { "running" };
    let mut out = format!(
        "photonrt: stall: coroutine {} has kept vCPU {} of group {} for {} ms, {doing}\n",
        label(&s.name, s.co),
        s.vcpu,
        s.group,
        s.duration / 1_000_000,
    );
    if s.backtrace.frames().is_empty() {
        out.push_str("  (no backtrace: signals are off, or it has gone on)\n");
    }
    out + &s.backtrace.text()
}
