//! Leaving a coroutine: yielding, parking, ending; and its first frame.
//!
//! A dying coroutine gives its stack to its vCPU's cache while it still stands on it, and jumps
//! away: the cache is this thread's own, so nobody takes the stack in between. Only a stack that
//! its joiner may read (co_spawn_copy) must be quiet before the joiner learns of the end: then the
//! scheduler context announces it.
#![allow(unsafe_code)]

use super::spawn::free;
use super::vcpu::{Message, VCpu, current, running};
use super::{POOL, TaskRef, wake_waiter};
use crate::arch::{self, Step};
use crate::task::life::End;
use crate::task::{Task, flags, state, table};
use std::ffi::c_void;
use std::ptr::null;
use std::sync::atomic::Ordering::*;

/// co_yield_now: `arch` has the fast path, [`yield_slow`] the rest.
#[unsafe(naked)]
pub extern "C" fn yield_now() {
    crate::yield_now_body!()
}

/// What the fast path leaves: a plain thread, a used-up budget, a coroutine with its own
/// floating-point control state.
pub extern "C" fn yield_slow() {
    let Some((v, t)) = running() else {
        std::thread::yield_now();
        return;
    };
    let Some(next) = t.next.get() else { return };
    v.set_cur(Some(next));
    let to = if v.tick.get() == 0 { v.base_sp.get() } else { next.sp.get() };
    switch_from(t, to);
}

/// Saves the running coroutine `t` and goes on at `to`; returns when somebody switches back.
#[inline(always)]
pub(super) fn switch_from(t: TaskRef, to: *mut u8) {
    if t.has(flags::SAVE_FP) {
        return switch_with_fp(t, to);
    }
    // SAFETY: `to` is a saved context: a ring member's, or the scheduler's, both of this thread.
    unsafe { arch::switch(t.sp.as_ptr(), to) }
}

#[cold]
fn switch_with_fp(t: TaskRef, to: *mut u8) {
    let own = arch::fp_control();
    arch::set_fp_control(arch::FP_DEFAULT);
    // SAFETY: as in switch_from.
    unsafe { arch::switch(t.sp.as_ptr(), to) }
    arch::set_fp_control(own);
}

/// Where to go on when a coroutine has left the ring, in which `next` is the first now: there while
/// the budget lasts, else with the scheduler.
#[inline(always)]
fn next_context(v: &VCpu, next: Option<TaskRef>) -> *mut u8 {
    let tick = v.tick.get() - 1;
    v.tick.set(tick);
    match next {
        Some(n) if tick != 0 => n.sp.get(),
        _ => v.base_sp.get(),
    }
}

/// Parks the running coroutine until its owner makes it runnable: an attention bit of `mask`, its
/// timer (`deadline`), or a bare wake. Returns with the timer disarmed, possibly on another vCPU.
/// The caller looks at what it waits for, before and after.
#[inline(always)]
pub fn park(v: &VCpu, t: TaskRef, mask: u32, deadline: Option<i64>) {
    switch_from(t, depart(v, t, mask, deadline));
}

/// Parks as [`park`], but leaves the leaving to a [`crate::blocking_body!`], which does not keep a
/// floating-point control state.
#[inline(always)]
pub fn park_by_step(v: &VCpu, t: TaskRef, mask: u32, deadline: Option<i64>) -> Step {
    debug_assert!(!t.has(flags::SAVE_FP));
    let to = depart(v, t, mask, deadline);
    // SAFETY: as in switch_from.
    unsafe { Step::switch(t.sp.as_ptr(), to) }
}

/// Takes the running coroutine out of the ring, to wait. Gives the context to go on with.
#[inline(always)]
pub(super) fn depart(v: &VCpu, t: TaskRef, mask: u32, deadline: Option<i64>) -> *mut u8 {
    t.wait_mask.set(mask);
    if let Some(d) = deadline {
        // SAFETY: not armed (ready() disarms), and blocks stay where they are.
        unsafe { v.wheel.insert((&t.timer).into(), d) };
    }
    t.state.store(state::PARKED, Relaxed);
    let next = v.unlink_cur(t);
    next_context(v, next)
}

/// Moves the running coroutine: the scheduler context sends it off, once its context is saved.
pub(super) fn leave_to_move(v: &VCpu, t: TaskRef) {
    v.unlink(t);
    v.moving.set(Some(t));
    switch_from(t, v.base_sp.get());
}

/// The running coroutine goes on elsewhere: the scheduler context calls `then`, once its context is
/// saved. It has left the ring.
pub(super) fn leave_with(v: &VCpu, t: TaskRef, then: Message) {
    v.parting.set(Some(then));
    switch_from(t, v.base_sp.get());
}

/// The first frame of every coroutine.
///
/// # Safety
/// `task` is the control block of the running coroutine.
pub(super) unsafe extern "C" fn task_main(task: *mut u8) -> ! {
    // SAFETY: the caller's.
    let t: TaskRef = unsafe { &*task.cast::<Task>() };
    super::start::begun(t);
    let result = match t.entry.get() {
        // SAFETY: the spawner vouched for entry and argument.
        Some(entry) => unsafe { entry(t.arg.get()) },
        None => std::ptr::null_mut(),
    };
    finish(t, result)
}

#[inline(always)]
fn finish(t: TaskRef, result: *mut c_void) -> ! {
    let mut v = current().unwrap_or_else(super::foreign::leave_all);
    t.result.set(result);
    let mut f = t.flags.load(Relaxed);
    if f & (flags::SAVE_FP | flags::OWNS | flags::HELD) != 0 {
        v = leave(t);
        f = t.flags.load(Relaxed);
    }
    if f & flags::DETACHED != 0 {
        v.unlink_cur(t);
        v.counts.ended.add(1);
        free(Some(v), t);
    } else if let Some(joiner) = local_joiner(t) {
        super::remote::hand_over(v, t, joiner);
        if f & flags::KEEP_STACK == 0 {
            give_stack(v, t);
        }
        v.counts.ended.add(1);
        // From here on the block is the joiner's, which can't run before we have left: it is on
        // this thread.
        if let Some(w) = t.life.end_taken(t.life.generation()) {
            wake_waiter(w);
        }
    } else if f & flags::KEEP_STACK != 0 {
        v.unlink_cur(t);
        v.ending.set(Some(t));
        // SAFETY: the scheduler's context; nothing of this stack is needed again.
        unsafe { arch::jump(v.base_sp.get()) }
    } else {
        v.unlink_cur(t);
        give_stack(v, t);
        v.counts.ended.add(1);
        announce_end(v, t);
    }
    // SAFETY: a ring member's context, or the scheduler's.
    unsafe { arch::jump(next_context(v, v.cur())) }
}

/// What few coroutines have to do before they end. It may block, and be on another vCPU then.
#[cold]
#[inline(never)]
pub(super) fn leave(t: TaskRef) -> &'static VCpu {
    if t.has(flags::OWNS) {
        t.own.leave(null(), null());
    }
    if t.has(flags::SAVE_FP) {
        arch::set_fp_control(arch::FP_DEFAULT);
    }
    t.pins.set(0);
    current().unwrap_or_else(super::foreign::leave_all)
}

#[inline]
fn local_joiner(t: TaskRef) -> Option<TaskRef> {
    match t.joiner.load(Relaxed) {
        0 => None,
        id => table::get(id - 1),
    }
}

#[inline]
fn give_stack(v: &VCpu, t: TaskRef) {
    if let Some(s) = t.stack.take() {
        v.stacks().push(&POOL, s);
    }
}

/// Tells the world that `t` has ended; afterwards its block may be anybody's.
pub(super) fn announce_end(v: &'static VCpu, t: TaskRef) {
    match t.life.end(t.life.generation()) {
        End::Kept => {}
        End::Wake(w) => wake_waiter(w),
        End::Close => free(Some(v), t),
    }
}
