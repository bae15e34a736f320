//! Brackets around foreign code: see `sched::foreign`, which has all but the threads.
#![allow(unsafe_code)]

use super::CALLS;
use super::queue::{After, Head};
use crate::err::Errno;
use crate::sched::vcpu::Message;
use crate::sched::{TaskRef, VCpu, foreign, running};
use crate::stack::Backtrace;
use crate::task::flags;
use std::alloc::{Layout, alloc};
use std::cell::Cell;
use std::io::Write as _;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// co_blocking_enter: brackets that the caller is in now; 0 on a plain thread.
#[inline]
pub fn enter() -> Result<u32, Errno> {
    let Some((v, t)) = running() else { return foreign::nested() };
    if foreign::may_leave(t) && CALLS.has_room() && hand_off(v, t).is_ok() {
        return Ok(1);
    }
    // Anew: it may have had to wait for its turn.
    if let Some((v, t)) = running() {
        if TRACE.load(Relaxed) && v.others_wait() {
            trace(v, t);
        }
        foreign::keep(v, t);
    }
    Ok(1)
}

/// Whether brackets that hold others up are reported: PHOTONRT_TRACE_PINNED.
static TRACE: AtomicBool = AtomicBool::new(false);

/// Before the runtime starts: see [`TRACE`].
pub fn trace_pinned(on: bool) {
    TRACE.store(on, Relaxed);
}

/// Says on standard error where the caller keeps its vCPU from others, and why.
#[cold]
fn trace(v: &VCpu, t: TaskRef) {
    let why = match t.flags.load(Relaxed) {
        f if f & flags::MIGRATABLE == 0 => "not migratable",
        f if f & flags::HELD != 0 => "pinned",
        _ => "no thread to be had",
    };
    let mut at = Backtrace::default();
    at.collect(0);
    let text = format!(
        "photonrt: pinned: coroutine {} keeps vCPU {} in foreign code from others: {why}\n{}",
        t.label(),
        v.number.get(),
        at.text(),
    );
    // Nothing to do if it can't be written.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// What a thread of the pool is given: on the heap, for the coroutine's stack goes on meanwhile.
#[repr(C)]
struct Ride {
    head: Head,
    task: TaskRef,
}

impl Ride {
    fn new(task: TaskRef) -> Result<NonNull<Ride>, Errno> {
        // SAFETY: `run` frees it, and nobody touches it after that; a Ride is not empty.
        unsafe {
            let ride = Ride { head: Head::new(0, Self::run, After::Nothing), task };
            let place = NonNull::new(alloc(Layout::new::<Ride>()).cast::<Ride>());
            let place = place.ok_or(Errno::ENOMEM)?;
            place.write(ride);
            Ok(place)
        }
    }

    /// # Safety
    /// `ride` came from `new`, and is nobody else's.
    unsafe fn free(ride: NonNull<Ride>) -> TaskRef {
        // SAFETY: allocated with this type's layout, as a Box is.
        unsafe { Box::from_raw(ride.as_ptr()) }.task
    }

    /// # Safety
    /// `head` is that of a Ride, whose coroutine has left its stack.
    unsafe fn run(head: *const Head) {
        // SAFETY: the caller's.
        unsafe {
            if let Some(ride) = NonNull::new(head.cast::<Ride>().cast_mut()) {
                foreign::carry(Self::free(ride));
            }
        }
    }
}

/// On the coroutine's stack while it leaves.
struct Leaving {
    ride: NonNull<Ride>,
    failed: Cell<bool>,
}

/// Has a thread of the pool go on with the caller. An error: the caller is on its vCPU.
#[cold]
fn hand_off(v: &'static VCpu, t: TaskRef) -> Result<(), Errno> {
    let leaving = Leaving { ride: Ride::new(t)?, failed: Cell::new(false) };
    let arg = (&raw const leaving).expose_provenance();
    foreign::send_off(v, t, Message { run: begin, arg });
    if leaving.failed.get() { Err(Errno::EAGAIN) } else { Ok(()) }
}

/// In the scheduler context: the coroutine has left its stack.
fn begin(arg: usize) {
    // SAFETY: its stack waits until a thread goes on with it, or it stays.
    let leaving = unsafe { &*std::ptr::with_exposed_provenance::<Leaving>(arg) };
    let ride = leaving.ride;
    // SAFETY: on the heap until it is freed. Once it is submitted `leaving` may be gone.
    if unsafe { CALLS.submit(ride.as_ptr().cast(), true) }.is_err() {
        leaving.failed.set(true);
        // SAFETY: not in the queue.
        foreign::stay(unsafe { Ride::free(ride) });
    }
}
