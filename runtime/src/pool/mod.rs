//! L5: pools of coroutines that run jobs, each coroutine many; and a loop that is run in parts
//! (`parallel`).
//!
//! ```text
//! table slot (the handle's)              workers' stacks              callers', submitters' stacks
//!   guard | State: workers max             First: pool, group            Waiting: job, stage, result
//!           idle -------------------->     Idle <-> Idle                     ^
//!           stored jobs                                                      |
//!           callers, submitters, busy ---------------------------------------+
//! ```
//! `state` has the steps, all of them under the guard; here are the calls; `worker` is the other side.
//! A job that finds an idle worker costs neither a spawn nor an allocation; that worker's stack is
//! warm, and the job finds in it a coroutine as good as new.
//!
//! **Ends.** A worker ends when it has been idle for a while: an alarm of the pool's looks at intervals
//! how many were never needed since it last did, so that neither a job nor an idle worker pays for
//! a timer of its own. An idle pool keeps nothing running: before a group or the runtime ends, its
//! idle workers do ([`ending`]), and afterwards the handle is stale ([`group_ended`]).
//!
//! Rejected: a channel with workers that receive (Photon's thread pool hands over one by one, too;
//! but a job's result, its withdrawal and the wait for quiet would each need another object beside it);
//! a queue for each vCPU (idle workers move to where there is time, which shares as well).
#![allow(unsafe_code)]

mod job;
mod parallel;
mod state;
#[cfg(test)]
mod tests;
mod worker;

pub use parallel::{Body, ForAttr, parallel_for};

use crate::err::Errno;
use crate::handles::{Slot, Table};
use crate::sched::alarm::Alarm;
use crate::sched::renew::share;
use crate::sched::{self, foreign, registry};
use crate::stack;
use crate::task::{Entry, flags};
use crate::wait::caller::{begin, here};
use crate::wait::guard::Word;
use crate::wait::queue::{Node, as_waiter};
use crate::wait::{self, Called, Deadline, Stop, give_back, hold};
use job::{Stage, Waiting};
use state::{After, NEVER, Placed, REFUSED, Settings, State, room};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering::*, fence};
use worker::own_pool;

const MAX: u32 = 64;
const IDLE_NS: i64 = 1_000_000_000;

/// How to make a pool; see co_pool_attr_t.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct PoolAttr<'a> {
    pub flags: u32,
    pub max: u32,
    pub queue: u32,
    pub group: u64,
    /// The group is the pool's own, and ends with it.
    pub own_group: bool,
    pub stack_size: u64,
    pub idle_ns: i64,
    pub name: &'a [u8],
}

/// What a pool says; see co_pool_info_t.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct PoolInfo {
    pub max: u32,
    pub workers: u32,
    pub idle: u32,
    pub stored: u32,
    pub waiting: u32,
    pub closing: bool,
    pub group: u64,
    pub completed: u64,
}

/// See the module.
#[derive(Default, Debug)]
struct Pool {
    word: Word,
    state: UnsafeCell<State>,
}

// SAFETY: the state is under the guard.
unsafe impl Sync for Pool {}
// SAFETY: nothing in it is tied to a thread: nodes stay while they are queued.
unsafe impl Send for Pool {}

type PoolSlot = Slot<Pool>;

static POOLS: Table<Pool> = Table::empty();
/// The runtime is to end: workers don't stay idle.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Holds the guard for the length of `f`, a few instructions.
#[inline]
fn enter<R>(slot: &'static PoolSlot, f: impl FnOnce(&mut State) -> R) -> R {
    let _held = hold(&slot.value.word, sched::current());
    // SAFETY: the guard gives it to us alone.
    f(unsafe { &mut *slot.value.state.get() })
}

/// The slot of a handle; under its guard the handle is to be checked again.
fn find(pool: u64) -> Result<&'static PoolSlot, Errno> {
    POOLS.find(pool).ok_or(Errno::ESRCH)
}

/// Whether idle workers stay.
fn stays() -> bool {
    !ENDING.load(Relaxed)
}

impl PoolAttr<'_> {
    /// EINVAL: it asks for what there is not.
    pub fn check(&self) -> Result<(), Errno> {
        let stack_ok = self.stack_size == 0 || stack::class_of(self.stack_size).is_some();
        let flags_ok = self.flags & !(flags::MIGRATABLE | flags::SAVE_FP) == 0;
        if stack_ok && flags_ok && self.idle_ns >= -1 { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn settings(&self, group: u64) -> Settings {
        let mut name = [0; 32];
        let text = if self.name.is_empty() { b"pool" } else { self.name };
        let n = text.len().min(31);
        name[..n].copy_from_slice(&text[..n]);
        Settings {
            max: if self.max == 0 { MAX } else { self.max },
            queue: self.queue,
            group,
            own_group: self.own_group,
            stack_size: self.stack_size,
            flags: self.flags,
            idle_ns: match self.idle_ns {
                0 => Some(IDLE_NS),
                -1 => None,
                n => Some(n),
            },
            name,
        }
    }
}

/// co_pool_new, its own group made.
pub fn new(attr: &PoolAttr) -> Result<u64, Errno> {
    attr.check()?;
    // The group can't end before the pool is known.
    let (group, _entering) = registry::enter(attr.group)?;
    let home = group.choose(0).ok_or(Errno::ESRCH)?;
    let stored = room(attr.queue)?;
    let slot = POOLS.take()?;
    let pool = POOLS.name(slot);
    let alarm = match Alarm::new(home, fire, pool) {
        Ok(a) => a,
        Err(e) => {
            POOLS.give(slot);
            return Err(e);
        }
    };
    let (set, vcpus) = (attr.settings(group.handle), group.vcpus.clone());
    enter(slot, |s| s.begin(pool, set, alarm, vcpus, stored));
    POOLS.publish(slot);
    // Pairs with the one in `ending`: either that finds this pool, or its workers find out.
    fence(SeqCst);
    Ok(pool)
}

/// Frees a pool that has nothing left. ESRCH: somebody else has.
fn free(slot: &'static PoolSlot, pool: u64) -> Result<(), Errno> {
    let held = hold(&slot.value.word, sched::current());
    // SAFETY: the guard gives it to us alone.
    let rest = unsafe { &mut *slot.value.state.get() };
    rest.check(pool)?;
    let rest = rest.end();
    // The next pool in this place is another vCPU's.
    held.renew();
    if let Some(a) = rest.alarm {
        a.free();
    }
    drop(rest);
    POOLS.give(slot);
    Ok(())
}

/// The alarm.
fn fire(pool: u64) {
    let Ok(slot) = find(pool) else { return };
    let mut after = After::default();
    let spawn = enter(slot, |s| s.check(pool).is_ok() && s.tick(&mut after));
    after.carry_out(here());
    if spawn {
        // If that fails, the alarm has been set again.
        let _ = worker::spawn(slot, pool, None);
    }
}

/// co_pool_submit.
pub fn submit(pool: u64, entry: Entry, arg: *mut c_void, timeout_ns: i64) -> Result<(), Errno> {
    let (who, v) = begin(timeout_ns)?;
    let slot = find(pool)?;
    let waiting = Waiting::new(who, entry, arg);
    waiting.begin(false);
    let job = waiting.job.get();
    let mut after = After::default();
    let placed = enter(slot, |s| {
        s.open(pool)?;
        let placed = s.place(job, v, &mut after);
        if placed != Placed::Full || s.store(job) {
            return Ok(Some(placed));
        }
        if timeout_ns == 0 {
            return Err(Errno::EAGAIN);
        }
        s.enqueue(&waiting, false);
        Ok(None)
    })?;
    after.carry_out(v);
    match placed {
        Some(Placed::Taken) => share(),
        Some(Placed::Spawn) => worker::spawn(slot, pool, Some(job))?,
        Some(Placed::Full) => {}
        None => return wait_for_room(slot, &waiting, wait::deadline(timeout_ns)),
    }
    Ok(())
}

fn wait_for_room(slot: &'static PoolSlot, w: &Waiting, d: Deadline) -> Result<(), Errno> {
    let granted = match w.node.wait(d) {
        Ok(what) => what,
        Err(stop) => {
            let mut after = After::default();
            let left = enter(slot, |s| s.leave(w, &mut after));
            after.carry_out(here());
            if left {
                return Err(stop.errno(d));
            }
            give_back(stop);
            w.node.outwait()
        }
    };
    if granted == REFUSED { Err(Errno::EPIPE) } else { Ok(()) }
}

/// co_pool_call. An error of its own: the function has not been called.
pub fn call(pool: u64, entry: Entry, arg: *mut c_void, timeout_ns: i64) -> Result<Called, Errno> {
    let (who, v) = begin(timeout_ns)?;
    let slot = find(pool)?;
    let d = wait::deadline(timeout_ns);
    let waiting = Waiting::new(who, entry, arg);
    waiting.begin(true);
    let job = waiting.job.get();
    let mut after = After::default();
    let placed = enter(slot, |s| {
        s.open(pool)?;
        if d == Deadline::Now {
            return Err(Errno::EAGAIN);
        }
        let placed = s.place(job, v, &mut after);
        if placed == Placed::Full {
            s.enqueue(&waiting, true);
        }
        Ok(placed)
    })?;
    after.carry_out(v);
    if placed == Placed::Spawn {
        worker::spawn(slot, pool, Some(job))?;
    }
    match waiting.node.wait(d) {
        Ok(what) => ended(&waiting, what, Ok(())),
        Err(stop) => stopped(slot, &waiting, stop, d),
    }
}

/// A call's node has been granted; `status` is what the call says if its function was run.
fn ended(w: &Waiting, granted: u32, status: Result<(), Errno>) -> Result<Called, Errno> {
    match (granted, status) {
        (REFUSED, _) => Err(Errno::EPIPE),
        (NEVER, Err(e)) => Err(e),
        _ => Ok(Called { status, result: w.result.get() }),
    }
}

#[cold]
fn stopped(slot: &'static PoolSlot, w: &Waiting, stop: Stop, d: Deadline) -> Result<Called, Errno> {
    let mut after = After::default();
    let stage = enter(slot, |s| s.stop_call(w, &mut after));
    after.carry_out(here());
    let over = match stage {
        Stage::Queued => return Err(stop.errno(d)),
        Stage::Given | Stage::Stopped => false,
        Stage::Begun(co) => sched::cancel(co).is_err(),
        Stage::Over => true,
    };
    let granted = w.node.outwait();
    if over {
        give_back(stop);
        return ended(w, granted, Ok(()));
    }
    ended(w, granted, Err(stop.errno(d)))
}

/// co_pool_wait.
pub fn wait(pool: u64, timeout_ns: i64) -> Result<(), Errno> {
    begin(timeout_ns)?;
    wait_until(find(pool)?, pool, false, wait::deadline(timeout_ns))
}

/// Waits for quiet, or after a close for the end.
fn wait_until(slot: &'static PoolSlot, pool: u64, end: bool, d: Deadline) -> Result<(), Errno> {
    as_waiter(|who, _| {
        let node = Node::new(who, 0);
        let waits = enter(slot, |s| {
            s.check(pool)?;
            if own_pool() == pool {
                return Err(Errno::EDEADLK);
            }
            Ok(s.wait_for(end, &node))
        })?;
        if waits && let Err(stop) = node.wait(d) {
            if enter(slot, |s| s.give_up(end, &node)) {
                return Err(stop.errno(d));
            }
            node.outwait();
            give_back(stop);
        }
        Ok(())
    })
}

/// The first part of co_pool_close: it takes no more, and what it has is done. Gives its own group,
/// which is to end next; 0: it has none.
pub fn drain(pool: u64, d: Deadline) -> Result<u64, Errno> {
    wait::check().map_err(|s| s.errno(d))?;
    let slot = find(pool)?;
    let mut after = After::default();
    let group = enter(slot, |s| {
        s.check(pool)?;
        let own = if s.set.own_group { s.set.group } else { 0 };
        let inside = own != 0 && foreign::group() == Some(own);
        if inside || own_pool() == pool {
            return Err(Errno::EDEADLK);
        }
        s.close(&mut after);
        Ok(own)
    })?;
    after.carry_out(here());
    wait_until(slot, pool, true, d)?;
    Ok(group)
}

/// The last part. ESRCH: somebody else has closed it.
pub fn end(pool: u64) -> Result<(), Errno> {
    free(find(pool)?, pool)
}

/// co_pool_info.
pub fn info(pool: u64) -> Result<PoolInfo, Errno> {
    enter(find(pool)?, |s| {
        s.check(pool)?;
        Ok(PoolInfo {
            max: s.set.max,
            workers: s.workers,
            idle: s.idlers,
            stored: s.stored() as u32,
            waiting: s.waiting,
            closing: s.closing,
            group: s.set.group,
            completed: s.completed,
        })
    })
}

/// A group, or the runtime (0), is to end, or is not after all: until then no worker stays idle.
pub fn ending(group: u64, on: bool) {
    if group == 0 {
        ENDING.store(on, Relaxed);
        // Pairs with the one in `new`.
        fence(SeqCst);
    }
    for (pool, slot) in POOLS.all() {
        let mut after = After::default();
        enter(slot, |s| {
            if s.check(pool).is_ok() && (group == 0 || s.set.group == group) {
                if group != 0 {
                    s.leaving = on;
                }
                if on {
                    s.dismiss(u32::MAX, &mut after);
                }
            }
        });
        after.carry_out(here());
    }
}

/// A group has ended: so have its pools, but for one that is just closing it. 0: the runtime has.
pub fn group_ended(group: u64) {
    for (pool, slot) in POOLS.all() {
        let mut after = After::default();
        enter(slot, |s| {
            let closing_it = group != 0 && s.set.own_group && s.closing;
            if s.check(pool).is_ok() && (group == 0 || s.set.group == group) && !closing_it {
                s.abandon(&mut after);
            }
        });
        let gone = after.gone;
        after.carry_out(here());
        if gone {
            let _ = free(slot, pool);
        }
    }
}
