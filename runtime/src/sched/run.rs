//! A vCPU's scheduler context: the rounds, and going to sleep.
//!
//! Before it sleeps, a vCPU that was last woken by another thread, soon, spins for up to [`SPIN`]:
//! a sleep and a wake cost 65 us on a virtual machine, a look at the inbox 1 ns. How long is
//! learned: a wake that came within the spin keeps it, a sleep that lasted long takes it away. So
//! an idle program uses no CPU, and I/O alone makes nobody spin.
#![allow(unsafe_code)]

use super::switch::announce_end;
use super::vcpu::VCpu;
use super::{BUDGET, POOL, TaskRef, alarm, remote, watch};
use crate::arch;
use crate::task::{Task, state};
use crate::time;
use crate::wheel::Node;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::*;
use std::time::Duration;

/// The longest that a vCPU spins for wakes, in nanoseconds.
const SPIN: i64 = 50_000;
/// Rounds after which a busy vCPU looks whether its stacks' cache is due for trimming.
const TRIM_ROUNDS: u64 = 4096;
/// From so many timers fired in 10 ms on they are a crowd: a vCPU then sleeps a little longer than to the
/// first, so that one wake-up serves a number of them. A wake-up costs about 30 us of CPU time, so what is
/// saved grows with their number, and the slack with its square: so many nanoseconds, within limits.
/// (100,000 over a second without it: a wake-up for 30, half of the CPU time.)
const CROWD: i64 = 40;
const CROWD_SLACK_LIMITS: (i64, i64) = (50_000, 1_000_000);
const CROWD_PERIOD: i64 = 10_000_000;
/// Coroutines in one round whose time has come, and which run before the others.
const DUE_FIRST: u32 = super::BUDGET / 2;
/// Nanoseconds between two looks for stacks to give back, when the last one found none.
const TRIM_PERIOD: i64 = 20_000_000;
/// Rounds at most in one co_group_poll.
const EXTERNAL_ROUNDS: u32 = 16;

fn task_of(node: NonNull<Node>) -> TaskRef {
    // SAFETY: every node in a vCPU's wheel that is no alarm is the `timer` of a control block.
    unsafe { &*node.as_ptr().cast::<u8>().sub(std::mem::offset_of!(Task, timer)).cast::<Task>() }
}

/// Runs a vCPU on the calling thread, which has entered it, until it is told to stop and has
/// nothing to do. `idle` is called each time that it has said to be asleep and is about to be: who
/// waits for quiet looks then.
pub fn run(v: &'static VCpu, idle: fn(&VCpu)) {
    v.note_thread();
    loop {
        v.look();
        if v.cur().is_some() {
            v.share();
        } else if !v.take() {
            // Acquire: pairs with the release of who stops it.
            if v.stop.load(Acquire) {
                return;
            }
            v.sleep(idle);
            continue;
        }
        v.run_ring(BUDGET);
    }
}

/// Runs an external group's vCPU, see co_group_poll.
#[derive(Debug)]
pub struct External {
    /// Nanoseconds to wait for the first thing to run; none: for ever.
    pub timeout: Option<i64>,
}

impl External {
    /// Runs until there is nothing to run, or for a number of rounds; gives how many times a
    /// coroutine was resumed. The calling thread has bound the vCPU. `arm` is called at the end
    /// with the time of the next timer.
    pub fn poll(self, v: &'static VCpu, idle: fn(&VCpu), arm: impl FnOnce(Option<i64>)) -> u64 {
        v.note_thread();
        v.idle.awake();
        watch::awake();
        let (mut resumed, mut rounds) = (0, 0);
        let until = self.timeout.map(|t| time::now().saturating_add(t));
        loop {
            v.look();
            if v.cur().is_some() || v.take() {
                if rounds == EXTERNAL_ROUNDS {
                    v.notify();
                    break;
                }
                rounds += 1;
                resumed += u64::from(v.run_ring(BUDGET));
                continue;
            }
            v.idle.prepare();
            idle(v);
            if v.has_work() || v.cur().is_some() {
                v.idle.awake();
                continue;
            }
            let left = until.map(|u| u - time::now());
            let over = left.is_some_and(|l| l <= 0) || v.group().ending.load(Relaxed);
            if resumed > 0 || over {
                break;
            }
            v.block(left);
        }
        arm(v.wheel.next());
        resumed
    }
}

impl VCpu {
    /// Looks for everything that may have become runnable.
    pub(super) fn look(&'static self) {
        self.counts.polls.add(1);
        self.count_kept();
        self.serve_inbox();
        self.run_messages();
        self.serve_alarms();
        if !self.wheel.is_empty() {
            self.fire_timers(time::now());
        }
        // With an empty ring too: under load something has completed meanwhile, and going to sleep costs more
        // than one system call too many (measured: 3 % of an HTTP request).
        self.with_driver(|d| d.poll());
        if self.counts.polls.get().is_multiple_of(TRIM_ROUNDS) {
            let _ = self.trim_due(time::now());
        }
    }

    pub(super) fn fire_timers(&'static self, now: i64) {
        // While its thread is in foreign code, that coroutine stays the first of the ring: it is running.
        let away = self.cur().is_some_and(|t| t.state.load(Relaxed) == state::AWAY);
        let (mut first, mut last) = (if away { 0 } else { DUE_FIRST }, None);
        let mut fired = self.fired.get();
        self.wheel.advance(now, |node| {
            fired = fired.saturating_add(1);
            match alarm::of(node) {
                None => {
                    let due = task_of(node);
                    let here = remote::ready_timed_out(self, due, (first > 0).then_some(last));
                    first = first.saturating_sub(1);
                    last = here.then_some(due);
                }
                Some(a) => {
                    self.ring_alarm(a);
                    // It may have moved somebody.
                    last = None;
                }
            }
        });
        self.fired.set(fired);
    }

    /// Runs coroutines until the budget is used up or none is left; gives how many switches that
    /// were.
    pub(super) fn run_ring(&'static self, budget: u32) -> u32 {
        let Some(first) = self.cur() else { return 0 };
        self.tick.set(budget);
        self.last_spawn.set(None);
        self.trimmed.set(false);
        self.in_task.set(true);
        // SAFETY: a ring member's context has been saved; ours is taken up again by this thread
        // only.
        unsafe { arch::switch(self.base_sp.as_ptr(), first.sp.get()) };
        self.in_task.set(false);
        if let Some(t) = self.moving.take() {
            self.transfer(t);
        }
        if let Some(m) = self.parting.take() {
            (m.run)(m.arg);
        }
        if let Some(t) = self.ending.take() {
            self.counts.ended.add(1);
            announce_end(self, t);
        }
        budget - self.tick.get()
    }

    /// After [`super::idle::Idle::prepare`]: whether there is something to do after all.
    pub(super) fn has_work(&self) -> bool {
        !self.inbox().is_empty()
            || self.has_messages.load(Relaxed)
            || !self.alarms.is_empty()
            || self.sees_offers()
    }

    fn sleep(&'static self, idle: fn(&VCpu)) {
        let group = self.group();
        // In a pinned group nobody offers anything, and a spare may have been stood down.
        let hungry = usize::from(!group.pinned && self.is_active());
        group.hungry.fetch_add(hungry, Relaxed);
        if !self.spin_for_work() {
            self.idle.prepare();
            idle(self);
            // Acquire: as in run.
            if !self.has_work() && !self.stop.load(Acquire) {
                let began = self.block(None);
                if !self.inbox().is_empty() && time::now() - began < 4 * SPIN {
                    self.spin.set(SPIN);
                }
            }
            self.idle.awake();
            watch::awake();
        }
        group.hungry.fetch_sub(hungry, Relaxed);
    }

    /// Spins for a while if that has paid off. True: there is something to do.
    fn spin_for_work(&'static self) -> bool {
        let spin = self.spin.get();
        if spin == 0 {
            return false;
        }
        let group = self.group();
        group.looking.fetch_add(1, Relaxed);
        let until = time::now() + spin;
        let found = loop {
            self.with_driver(|d| d.poll());
            if self.cur().is_some() || self.has_work() {
                break true;
            }
            for _ in 0..16 {
                std::hint::spin_loop();
            }
            let now = time::now();
            if now >= until || self.wheel.next().is_some_and(|t| t <= now) {
                break false;
            }
        };
        group.looking.fetch_sub(1, Relaxed);
        if !found {
            self.spin.set(0);
        }
        found
    }

    /// Blocks in the engine until there may be something to do, at most for `limit` nanoseconds. Gives the
    /// time at which it began.
    fn block(&'static self, limit: Option<i64>) -> i64 {
        let now = time::now();
        self.fire_timers_if_due(now);
        let trim = self.trim_due(now);
        let timeout = if self.cur().is_some() {
            Some(0)
        } else {
            let slack = self.slack(now);
            let timer = self.wheel.next().map(|t| t - now + slack);
            [limit, timer, trim].into_iter().flatten().min()
        };
        let timeout = timeout.map(|ns| Duration::from_nanos(ns.max(0) as u64));
        self.with_driver(|d| d.wait(timeout));
        now
    }

    /// How much longer than to its next timer it may sleep.
    fn slack(&self, now: i64) -> i64 {
        let took = now - self.crowd_since.get();
        if took >= CROWD_PERIOD {
            let fired = i64::from(self.fired.replace(0)) * CROWD_PERIOD / took;
            self.crowd_since.set(now);
            self.crowd_slack.set(match fired {
                0..CROWD => 0,
                n => (n * n).clamp(CROWD_SLACK_LIMITS.0, CROWD_SLACK_LIMITS.1),
            });
        }
        self.crowd_slack.get()
    }

    /// When its next timer is due.
    pub fn next_timer(&self) -> Option<i64> {
        self.wheel.next()
    }

    fn fire_timers_if_due(&'static self, now: i64) {
        if self.wheel.next().is_some_and(|t| t <= now) {
            self.fire_timers(now);
        }
    }

    /// Gives stacks back to the system if it is time for that, and gives the nanoseconds until the next time;
    /// none if nothing has run since the last time, and that left nothing to do.
    fn trim_due(&self, now: i64) -> Option<i64> {
        if self.trim_at.get() <= now {
            self.stacks().shrink(&POOL);
            let next = POOL.trim(now);
            // Its own stacks too: asleep, it would keep them.
            self.trimmed.set(next.is_none() && self.stacks().is_empty());
            self.count_kept();
            self.trim_at.set(next.unwrap_or(now + TRIM_PERIOD));
        }
        (!self.trimmed.get()).then(|| self.trim_at.get() - now)
    }
}
