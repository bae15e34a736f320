//! A loop whose turns are run by several coroutines at once, on the vCPUs of a group.
//!
//! ```text
//! slot: guard | State: plan, active, caller's node      next ----> end       failed
//!                          ^  helpers count in and out     parts are taken from here by whoever is free
//! ```
//! Parts are guided (Polychronopoulos and Kuck, 1987): a fixed share of what is left, so large ones
//! first and small ones at the end, by one compare-and-swap each. The caller takes part if it is a
//! coroutine of that group. It leaves when all parts have been taken and those who run one have
//! counted out; a helper that has not begun by then finds the handle stale and ends, so a busy vCPU
//! holds nobody up.
//!
//! Between two parts everybody gives way to others, and the caller looks whether it has been stopped:
//! then no more parts are taken.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::handles::{Slot, Table};
use crate::sched::{self, Group, registry, with_me};
use crate::stack;
use crate::task::{Attr, flags};
use crate::time;
use crate::wait::caller::here;
use crate::wait::guard::Word;
use crate::wait::queue::{Grants, Node, Queue, as_waiter};
use crate::wait::{self, Deadline, Stop, give_back, hold};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::*};

/// Runs the turns from `begin` to `end`; below 0, the loop ends with that.
pub type Body = unsafe extern "C" fn(arg: *mut c_void, begin: u64, end: u64) -> c_int;

/// A part is that fraction of what would be one worker's share of the rest.
const SHARE: u64 = 4;
/// Parts for each worker, at least as many, in a loop whose grain is left to us.
const PARTS: u64 = 64;

/// More workers than anybody wants.
const MANY: u32 = 1 << 16;

/// See co_for_attr_t.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct ForAttr {
    pub workers: u32,
    pub group: u64,
    pub stack_size: u64,
}

/// What does not change.
#[derive(Clone, Copy, Debug)]
struct Plan {
    end: u64,
    grain: u64,
    workers: u64,
    body: Body,
    arg: *mut c_void,
    /// The caller's, for helpers.
    bindings: *const c_void,
}

#[derive(Default, Debug)]
struct State {
    /// 0: helpers that have not begun need not.
    handle: u64,
    plan: Option<Plan>,
    /// Helpers that have begun.
    active: u32,
    caller: Queue,
}

/// What changes while it runs.
#[derive(Default, Debug)]
struct Course {
    next: AtomicU64,
    /// What the first part that failed has given.
    failed: AtomicI32,
}

/// See the module.
#[derive(Default, Debug)]
struct Loop {
    word: Word,
    state: UnsafeCell<State>,
    course: Course,
}

// SAFETY: the state is under the guard.
unsafe impl Sync for Loop {}
// SAFETY: nothing in it is tied to a thread: the caller stays while there are helpers.
unsafe impl Send for Loop {}

type LoopSlot = Slot<Loop>;

static LOOPS: Table<Loop> = Table::empty();

fn enter<R>(slot: &'static LoopSlot, f: impl FnOnce(&mut State) -> R) -> R {
    let _held = hold(&slot.value.word, sched::current());
    // SAFETY: the guard gives it to us alone.
    f(unsafe { &mut *slot.value.state.get() })
}

impl Course {
    fn begin(&self, next: u64) {
        self.next.store(next, Relaxed);
        self.failed.store(0, Relaxed);
    }

    /// The next part; none if all have been taken, or nobody is to take more.
    fn take(&self, plan: &Plan) -> Option<(u64, u64)> {
        let part = |at: u64| {
            let left = plan.end - at;
            left.min((left / (SHARE * plan.workers)).max(plan.grain))
        };
        // Relaxed: a part's data was there before the loop began, which the guard has published.
        let taken =
            self.next.fetch_update(Relaxed, Relaxed, |at| (at < plan.end).then(|| at + part(at)));
        taken.ok().map(|at| (at, at + part(at)))
    }

    fn is_over(&self, plan: &Plan) -> bool {
        self.next.load(Relaxed) >= plan.end || self.failed.load(Relaxed) != 0
    }

    /// Nobody takes a part from here on. True: there were some left.
    fn stop(&self, plan: &Plan) -> bool {
        self.next.swap(plan.end, Relaxed) < plan.end
    }

    /// Takes part after part, as long as `go_on` has nothing against it.
    fn run(&self, plan: &Plan, mut go_on: impl FnMut() -> Result<(), Stop>) -> Result<(), Stop> {
        while let Some((begin, end)) = self.take(plan) {
            // SAFETY: the caller of the loop vouched for both.
            let r = unsafe { (plan.body)(plan.arg, begin, end) };
            if r < 0 {
                let _first = self.failed.compare_exchange(0, r, Relaxed, Relaxed);
                self.stop(plan);
            }
            if self.is_over(plan) {
                break;
            }
            sched::yield_now();
            go_on()?;
        }
        Ok(())
    }
}

unsafe extern "C" fn helper(arg: *mut c_void) -> *mut c_void {
    let handle = arg as usize as u64;
    let Some(slot) = LOOPS.find(handle) else { return null_mut() };
    let begun = enter(slot, |s| {
        let plan = s.plan.filter(|_| s.handle == handle);
        s.active += u32::from(plan.is_some());
        plan
    });
    let Some(plan) = begun else { return null_mut() };
    with_me(|me| me.own.bindings.set(plan.bindings));
    let ran = slot.value.course.run(&plan, || Ok(()));
    debug_assert!(ran.is_ok());
    // What the body has left open may hang on the caller's bindings.
    with_me(|me| me.own.leave(null(), null()));
    let grants = enter(slot, |s| {
        s.active -= 1;
        let mut grants = Grants::default();
        if s.active == 0
            && let Some(node) = s.caller.first()
        {
            grants.take(&s.caller, node, 1);
        }
        grants
    });
    grants.wake(here());
    null_mut()
}

/// Spawns helpers, on vCPUs of their own as far as there are. Gives how many. An error: none.
fn spawn(group: &Group, n: u64, own: u32, all: bool, attr: &Attr, slot: u64) -> Result<u64, Errno> {
    let arg = slot as usize as *mut c_void;
    let others = (1..=group.vcpus.len() as u32).filter(|v| *v != own && all);
    let vcpus = others.chain(std::iter::repeat(0));
    for (i, vcpu) in (0..n).zip(vcpus) {
        if let Err(e) = sched::spawn(&Attr { vcpu, ..*attr }, (helper, arg), None) {
            return if i == 0 { Err(e) } else { Ok(i) };
        }
    }
    Ok(n)
}

/// co_parallel_for: what the first part that failed has given, or 0.
pub fn parallel_for(
    (begin, end, grain): (u64, u64, u64),
    (body, arg): (Body, *mut c_void),
    attr: &ForAttr,
    timeout_ns: i64,
) -> Result<c_int, Errno> {
    let stack_ok = attr.stack_size == 0 || stack::class_of(attr.stack_size).is_some();
    if begin > end || !stack_ok || attr.workers > MANY {
        return Err(Errno::EINVAL);
    }
    let d = Deadline::new(timeout_ns)?;
    wait::check().map_err(|s| s.errno(d))?;
    let (group, entering) = registry::enter(attr.group)?;
    if begin == end {
        return Ok(0);
    }
    if d == Deadline::Now {
        return Err(Errno::EAGAIN);
    }
    let inside = here().filter(|v| v.group().handle == group.handle);
    let own = inside.map_or(0, |v| v.number.get());
    let vcpus = group.vcpus.len() as u64;
    let workers = if attr.workers == 0 { vcpus } else { u64::from(attr.workers) };
    let grain = if grain == 0 { ((end - begin) / (workers * PARTS)).max(1) } else { grain };
    let bindings = with_me(|me| me.own.bindings.get());
    let plan = Plan { end, grain, workers, body, arg, bindings };
    let parts = (end - begin).div_ceil(grain);
    let taking_part = u64::from(inside.is_some());
    let helpers = (workers - taking_part).min(parts - taking_part);
    if helpers == 0 {
        let course = Course::default();
        course.begin(begin);
        let ran = course.run(&plan, || go_on(d));
        return stopped(&course, &plan, ran, d).map(|()| course.failed.load(Relaxed));
    }
    let slot = LOOPS.take()?;
    let handle = LOOPS.name(slot);
    slot.value.course.begin(begin);
    enter(slot, |s| (s.handle, s.plan) = (handle, Some(plan)));
    LOOPS.publish(slot);
    let helper = Attr {
        flags: flags::DETACHED,
        group: group.handle,
        stack_size: attr.stack_size,
        name: b"for",
        ..Attr::default()
    };
    let spawned = spawn(&group, helpers, own, workers >= vcpus, &helper, handle);
    drop((group, entering));
    let result = match spawned {
        // Without helpers the caller does it all.
        Err(e) if inside.is_none() => Err(e),
        _ => as_waiter(|who, _| wait_for(slot, &plan, inside.is_some(), &Node::new(who, 0), d)),
    };
    enter(slot, |s| *s = State::default());
    LOOPS.give(slot);
    result
}

/// Whether the caller goes on taking parts.
fn go_on(d: Deadline) -> Result<(), Stop> {
    wait::check()?;
    match d {
        Deadline::At(t) if time::now() >= t => Err(Stop::Timeout),
        _ => Ok(()),
    }
}

/// Takes part, or waits; in the end no helper is at it and none begins any more.
fn wait_for(
    slot: &'static LoopSlot,
    plan: &Plan,
    takes_part: bool,
    node: &Node,
    d: Deadline,
) -> Result<c_int, Errno> {
    let course = &slot.value.course;
    let ran =
        if takes_part { course.run(plan, || go_on(d)) } else { until_over(slot, plan, node, d) };
    let stopped = stopped(course, plan, ran, d);
    let wait = enter(slot, |s| {
        s.handle = 0;
        if s.active != 0 {
            // SAFETY: it stays until it has been granted.
            unsafe { s.caller.push(node) };
        }
        s.active != 0
    });
    if wait {
        node.outwait();
    }
    stopped.map(|()| course.failed.load(Relaxed))
}

/// Waits until helpers have done it all. The node can be used again then.
fn until_over(slot: &'static LoopSlot, plan: &Plan, node: &Node, d: Deadline) -> Result<(), Stop> {
    let over = enter(slot, |s| {
        let over = s.active == 0 && slot.value.course.is_over(plan);
        if !over {
            // SAFETY: it stays until it has been granted, or taken out below.
            unsafe { s.caller.push(node) };
        }
        over
    });
    if over {
        return Ok(());
    }
    let waited = node.wait(d).map(|_| ());
    if waited.is_err() {
        let left = enter(slot, |s| {
            let queued = node.queued();
            if queued {
                s.caller.remove(node);
            }
            queued
        });
        if !left {
            node.outwait();
        }
    }
    node.renew();
    waited
}

/// What stops the loop, if that leaves anything undone.
fn stopped(course: &Course, plan: &Plan, ran: Result<(), Stop>, d: Deadline) -> Result<(), Errno> {
    if let Err(stop) = ran {
        if course.stop(plan) {
            return Err(stop.errno(d));
        }
        give_back(stop);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn never(_: *mut c_void, _: u64, _: u64) -> c_int {
        -1
    }

    fn plan(end: u64, grain: u64, workers: u64) -> Plan {
        Plan { end, grain, workers, body: never, arg: null_mut(), bindings: null() }
    }

    #[test]
    fn parts_make_up_the_whole_large_ones_first() {
        for (begin, end, grain, workers) in
            [(0, 1000, 1, 2), (3, 4, 9, 8), (0, u64::MAX, 1 << 40, 3), (7, 100, 10, 1)]
        {
            let (course, plan) = (Course::default(), plan(end, grain, workers));
            course.begin(begin);
            let parts: Vec<(u64, u64)> = std::iter::from_fn(|| course.take(&plan)).collect();
            assert_eq!((parts[0].0, parts[parts.len() - 1].1), (begin, end));
            assert!(parts.windows(2).all(|w| w[0].1 == w[1].0));
            let sizes: Vec<u64> = parts.iter().map(|p| p.1 - p.0).collect();
            assert!(sizes.windows(2).all(|w| w[0] >= w[1]), "{sizes:?}");
            assert!(sizes[..sizes.len() - 1].iter().all(|s| *s >= grain));
            assert!(course.is_over(&plan) && !course.stop(&plan));
        }
    }

    #[test]
    fn a_failure_ends_it_and_the_first_one_counts() {
        let (course, plan) = (Course::default(), plan(1000, 1, 4));
        course.begin(0);
        assert!(course.run(&plan, || Ok(())).is_ok());
        assert_eq!(course.failed.load(Relaxed), -1);
        assert!(course.take(&plan).is_none());
        course.begin(0);
        assert!(course.stop(&plan) && !course.stop(&plan) && course.take(&plan).is_none());
    }
}
