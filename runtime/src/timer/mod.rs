//! L5: timers as objects: at a time, or at many, a coroutine runs a callback.
//!
//! ```text
//! table slot (the handle's)     alarm (sched)            coroutine, while the callback runs
//!   Mutex<State> -------------->  node in the wheel
//!     at period pending running  <--- fire(handle)  ---->  run(handle): callback(handle, n, arg)
//! ```
//! Until it expires a timer is a slot and an alarm, some 200 bytes and no stack. An expiry adds to
//! `pending` and, unless a run of this timer is under way already, spawns one. A run takes all that
//! is pending at once and tells the callback how many it stands for; when the callback returns and
//! more has come, another run follows. So callbacks of one timer never overlap, none is forgotten,
//! and a callback that is slower than the period is told so instead of being called ever later.
//!
//! Repeating does not drift: expiries are `at`, `at + period`, `at + 2 period`, however late each is
//! noticed.
//!
//! The lock is held for a few instructions, never across a switch, a system call or an allocation.
//! A timer ends by `stop`, by itself if nobody has its handle, or with its group: what is armed
//! keeps no group alive.
#![allow(unsafe_code)]

mod state;
pub use state::Callback;

use crate::err::Errno;
use crate::handles::{Slot, Table};
use crate::sched::alarm::{Alarm, NEVER};
use crate::sched::{self, VCpu, current, registry, running};
use crate::stack;
use crate::task::{Attr, flags};
use crate::time;
use crate::wait::queue::{Grants, Node, as_waiter};
use crate::wait::{self, Deadline};
use state::{Run, State, Stopped};
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Nanoseconds after which an expiry is tried again for which no coroutine could be had.
const AGAIN: i64 = 1_000_000;

type TimerSlot = Slot<Mutex<State>>;

// What the header says.
const _: () = assert!(size_of::<TimerSlot>() + size_of::<Alarm>() <= 224);

static TIMERS: Table<Mutex<State>> = Table::empty();

/// How to start a timer; see co_timer_attr_t.
#[derive(Clone, Copy, Default, Debug)]
pub struct TimerAttr {
    /// Nanoseconds until the first expiry; -1: not armed.
    pub delay: i64,
    /// Nanoseconds between expiries; 0: there is one.
    pub period: i64,
    /// Group handle; 0: the caller's.
    pub group: u64,
    /// Bytes of the callback's stack; 0: the config's.
    pub stack_size: u64,
}

fn at(delay: i64) -> Result<i64, Errno> {
    match delay {
        -1 => Ok(NEVER),
        d if d >= 0 => Ok(time::now().saturating_add(d).min(NEVER - 1)),
        _ => Err(Errno::EINVAL),
    }
}

/// The timer of a handle, held.
fn hold(handle: u64) -> Result<(&'static TimerSlot, MutexGuard<'static, State>), Errno> {
    let slot = TIMERS.find(handle).ok_or(Errno::ESRCH)?;
    let state = lock(slot);
    // It may have ended while we waited for the lock.
    if slot.holds(handle) { Ok((slot, state)) } else { Err(Errno::ESRCH) }
}

fn lock(slot: &'static TimerSlot) -> MutexGuard<'static, State> {
    slot.value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Frees a timer; the stale handle is all that is left of it.
fn free(slot: &'static TimerSlot, mut state: MutexGuard<'static, State>) {
    if let Some(a) = state.end() {
        a.free();
    }
    TIMERS.give(slot);
}

/// Wakes the timer's home, where that is asleep, after the lock is let go.
fn wake(home: Option<&'static VCpu>) {
    if let Some(v) = home {
        v.wake();
    }
}

/// co_timer_start. `owned`: its handle is wanted; otherwise it frees itself when it is not armed
/// and its callback is not running.
pub fn start(
    attr: &TimerAttr,
    callback: Callback,
    arg: *mut c_void,
    owned: bool,
) -> Result<u64, Errno> {
    let at = at(attr.delay)?;
    let stack_ok = attr.stack_size == 0 || stack::class_of(attr.stack_size).is_some();
    if attr.period < 0 || !stack_ok || (at == NEVER && !owned) {
        return Err(Errno::EINVAL);
    }
    // The group can't end before the timer is known.
    let (group, _entering) = registry::enter(attr.group)?;
    let here = current().filter(|v| v.group().handle == group.handle);
    let home = here.or_else(|| group.choose(0)).ok_or(Errno::ESRCH)?;
    let slot = TIMERS.take()?;
    let handle = TIMERS.name(slot);
    let alarm = match Alarm::new(home, fire, handle) {
        Ok(a) => a,
        Err(e) => {
            TIMERS.give(slot);
            return Err(e);
        }
    };
    let mut state = lock(slot);
    state.begin(alarm, (callback, arg as usize), group.handle, attr, owned);
    TIMERS.publish(slot);
    let home = state.arm(at);
    drop(state);
    wake(home);
    Ok(handle)
}

/// The alarm has fired, on the timer's home.
fn fire(handle: u64) {
    let Ok((_, mut state)) = hold(handle) else { return };
    let (home, run) = state.expire(time::now());
    debug_assert!(home.is_none(), "its own alarm, at home");
    if run {
        spawn_run(handle, state);
    }
}

/// Spawns a run, which the state counts on already.
fn spawn_run(handle: u64, state: MutexGuard<'static, State>) {
    let attr = Attr {
        flags: flags::DETACHED,
        group: state.group,
        stack_size: state.stack_size,
        name: b"timer",
        ..Attr::default()
    };
    drop(state);
    let spawned = sched::spawn(&attr, (run, handle as usize as *mut c_void), None);
    if spawned.is_err()
        && let Ok((slot, mut state)) = hold(handle)
    {
        match state.failed(time::now() + AGAIN) {
            (_, Run::Over(stopped)) => end(slot, state, stopped),
            (home, _) => {
                drop(state);
                wake(home);
            }
        }
    }
}

/// A run's coroutine.
unsafe extern "C" fn run(handle: *mut c_void) -> *mut c_void {
    let handle = handle as usize as u64;
    let me = running().map_or(0, |(_, t)| t.handle());
    let Ok((slot, mut state)) = hold(handle) else { return std::ptr::null_mut() };
    if let Some((callback, arg, expiries)) = state.take(me) {
        drop(state);
        // SAFETY: who started the timer vouched for both.
        unsafe { callback(handle, expiries, arg as *mut c_void) };
        state = lock(slot);
    }
    match state.ran() {
        Run::Again => spawn_run(handle, state),
        Run::Idle => {}
        Run::Over(stopped) => end(slot, state, stopped),
    }
    std::ptr::null_mut()
}

/// Frees a timer and tells those that wait for it.
fn end(slot: &'static TimerSlot, state: MutexGuard<'static, State>, stopped: Grants) {
    free(slot, state);
    stopped.wake(running().map(|(v, _)| v));
}

/// co_timer_cancel: whether its callback is running.
pub fn cancel(handle: u64) -> Result<bool, Errno> {
    let (slot, mut state) = hold(handle)?;
    state.disarm();
    let active = state.active();
    if state.over() {
        free(slot, state);
    }
    Ok(active)
}

/// co_timer_reset: whether it was armed.
pub fn reset(handle: u64, delay: i64) -> Result<bool, Errno> {
    let at = at(delay)?;
    if at == NEVER {
        return Err(Errno::EINVAL);
    }
    let (_, mut state) = hold(handle)?;
    let armed = state.disarm();
    let home = state.arm(at);
    drop(state);
    wake(home);
    Ok(armed)
}

/// co_timer_stop.
pub fn stop(handle: u64, timeout_ns: i64) -> Result<(), Errno> {
    let d = Deadline::new(timeout_ns)?;
    let me = running().map_or(0, |(_, t)| t.handle());
    as_waiter(|who, _| {
        let node = Node::new(who, 0);
        let (slot, mut state) = hold(handle)?;
        match state.stop(me, &node) {
            Err(e) => return Err(e),
            Ok(Stopped::Idle) => {
                free(slot, state);
                return Ok(());
            }
            Ok(Stopped::Wait) => drop(state),
        }
        match node.wait(d) {
            Ok(first) => first_of(first),
            Err(stopped) => {
                let mut state = lock(slot);
                if state.leave(&node) {
                    return Err(stopped.errno(d));
                }
                drop(state);
                // The run has just ended.
                wait::give_back(stopped);
                first_of(node.outwait())
            }
        }
    })
}

/// Of several that stop one timer, the first has done it.
fn first_of(granted: u32) -> Result<(), Errno> {
    if granted == state::FIRST { Ok(()) } else { Err(Errno::ESRCH) }
}

/// A group has ended: so do its timers.
pub fn group_ended(group: u64) {
    for (handle, _) in TIMERS.all() {
        if let Ok((slot, state)) = hold(handle)
            && state.group == group
        {
            free(slot, state);
        }
    }
}

/// The runtime cancels everything.
pub fn cancel_all() {
    for (handle, _) in TIMERS.all() {
        // Some end meanwhile.
        let _ = cancel(handle);
    }
}
