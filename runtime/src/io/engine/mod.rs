//! The engines: what completes I/O. One instance for each vCPU, plugged in by rt as a
//! `sched::driver::Driver`.
//!
//! Duties of an engine:
//! - carry out a call ([`crate::io::op::Op`]) for the running coroutine, which parks and not the
//!   vCPU ([`run`]);
//! - whatever ends the call, give up its buffer before it returns;
//! - end the calls on a descriptor that is being closed, and answer when they have ended
//!   ([`close_message`]);
//! - notice completions when asked (`Driver::poll`, every 64 switches or so, next to free if there
//!   is nothing), and while nothing is runnable (`Driver::wait`, to the nanosecond).
//!
//! ```text
//!   uring    a ring for each vCPU; the call becomes an SQE, its record's address the user_data
//!   ready    epoll or kqueue: try without blocking, wait for an edge, try again
//!   offload  `ready` with poll(2) for a poller, for systems that have neither of the above
//!   pool     threads that block, for what can't be waited for (files under `ready`; see `job`)
//!   plain    not an engine: the same calls on a thread that is no vCPU, which they block
//! ```
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::op::Op;
use crate::io::sys::{R, Try};
use crate::io::table::{self, Enter};
use crate::sched::driver::{Driver, Waker};
use crate::sched::{self, VCpu};
use crate::wait::{self, Deadline, Stop};
use ready::poller::Poller;
use slots::{Closer, Slots};
use std::any::Any;
use std::ffi::c_int;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

pub mod ahead;
#[cfg(target_os = "linux")]
pub mod bell;
pub mod job;
pub mod many;
pub mod plain;
pub mod ready;
pub mod several;
pub mod slots;
#[cfg(target_os = "linux")]
pub mod uring;

/// Which engine; the numbers are the ABI's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineKind {
    /// io_uring.
    Uring = 1,
    /// epoll or kqueue, and threads for files.
    Ready = 2,
    /// poll(2), and threads for files: what every system has.
    Offload = 3,
}

/// A vCPU's engine. One for each vCPU, on the heap already: a box around the larger would cost each
/// call a load.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Engine {
    /// See [`uring`].
    #[cfg(target_os = "linux")]
    Uring(uring::Uring),
    /// See [`ready`].
    Ready(ready::Ready),
}

/// Calls that complete one after the other without giving up the vCPU, before it is given up for
/// once.
const DIRECT_MAX: u32 = 64;
/// Rounds of a call that come to nothing, one after the other, before the next is put off for
/// AGAIN_NS: a descriptor may say that it is ready whenever it is asked, and never be.
const VAIN_MAX: u32 = 64;
/// How long to wait before something is tried again that the system won't tell us about.
pub const AGAIN_NS: i64 = 1_000_000;
/// How long to wait before looking again whether the last step of a close is over.
pub const LAST_NS: i64 = 50_000;

macro_rules! each {
    ($self:expr, $e:ident => $do:expr) => {
        match $self {
            #[cfg(target_os = "linux")]
            Engine::Uring($e) => $do,
            Engine::Ready($e) => $do,
        }
    };
}

impl Engine {
    /// `external`: it will be driven from a host's event loop, perhaps not always from the thread
    /// that creates it.
    pub fn new(kind: EngineKind, external: bool) -> Result<Engine, Errno> {
        match kind {
            #[cfg(target_os = "linux")]
            EngineKind::Uring => uring::Uring::new(external).map(Engine::Uring),
            #[cfg(not(target_os = "linux"))]
            EngineKind::Uring => Err(Errno::ENOSYS),
            EngineKind::Ready => Poller::new().and_then(ready::Ready::new).map(Engine::Ready),
            // Its host sleeps on a descriptor, which poll(2) does not have.
            EngineKind::Offload if external => Engine::new(EngineKind::Ready, external),
            EngineKind::Offload => Poller::simple().and_then(ready::Ready::new).map(Engine::Ready),
        }
    }

    /// Whether it works here: it is new, and may have come of a system call that does nothing.
    pub fn prove(&mut self) -> Result<(), Errno> {
        match self {
            #[cfg(target_os = "linux")]
            Engine::Uring(u) => u.prove(),
            Engine::Ready(_) => Ok(()),
        }
    }

    /// See [`count`].
    fn begin_count(&mut self) {
        each!(self, e => e.direct = 0);
    }

    fn slots(&mut self) -> &mut Slots {
        each!(self, e => &mut e.slots)
    }
}

impl Driver for Engine {
    #[inline]
    fn poll(&mut self) {
        each!(self, e => e.poll());
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        each!(self, e => e.wait(timeout));
    }

    fn waker(&self) -> Arc<dyn Waker> {
        each!(self, e => e.waker())
    }

    fn fd(&self) -> RawFd {
        each!(self, e => e.fd())
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn io_in_flight(&self) -> usize {
        each!(self, e => e.in_flight())
    }
}

/// The vCPU's engine. `f` must not switch.
#[inline]
pub fn with<R>(vcpu: &VCpu, f: impl FnOnce(&mut Engine) -> R) -> R {
    match vcpu.with_engine(f) {
        Some(r) => r,
        None => panic!("the vCPU's driver is not one of io's"),
    }
}

/// The vCPU on which the caller is a coroutine.
#[inline]
pub fn coroutine() -> Option<&'static VCpu> {
    sched::current().filter(|v| v.task().is_some())
}

/// What one round of a call came to.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// The call has ended.
    Done(R),
    /// Begin again.
    Retry,
    /// Begin again in a while: nanoseconds.
    Pause(i64),
}

impl From<Errno> for Step {
    fn from(e: Errno) -> Step {
        Step::Done(Err(e))
    }
}

/// The short way of a call that mostly ends at once, whatever the engine: one try, and nothing
/// prepared for what may come after it. None: not in this way, [`run`] it.
#[inline]
pub fn at_once(fd: c_int, attempt: impl FnOnce() -> Try) -> Option<R> {
    let vcpu = coroutine()?;
    if let Err(stop) = wait::check() {
        return Some(Err(stop.errno(Deadline::Never)));
    }
    let entered = table::entry(fd).map(|e| e.enter(vcpu.id()));
    if entered != Ok(Enter::Open) {
        return None;
    }
    let Try::Done(r) = attempt() else { return None };
    count(vcpu, |_| {});
    Some(r)
}

/// Carries out a call, on a coroutine or on a plain thread.
pub fn run<O: Op>(op: O, timeout_ns: i64) -> R {
    let deadline = begin(timeout_ns)?;
    run_part(op, deadline)
}

/// The beginning of a call of several parts: its deadline, unless it is stopped already.
pub fn begin(timeout_ns: i64) -> Result<Deadline, Errno> {
    let deadline = Deadline::new(timeout_ns)?;
    wait::check().map_err(|stop| stop.errno(deadline))?;
    Ok(deadline)
}

/// A part of a call: a cancel or an interrupt ends it only where it waits, and `Op::partial` says
/// whether the call has something to report already.
#[inline]
pub fn run_part<O: Op>(op: O, deadline: Deadline) -> R {
    match coroutine() {
        None => plain::run(op, deadline),
        Some(_) => on_coroutine(op, deadline),
    }
}

#[inline]
fn on_coroutine<O: Op>(mut op: O, deadline: Deadline) -> R {
    let (mut vain, mut before) = (0, None);
    let life = Life::of(&op);
    loop {
        // Anew each time: a migratable coroutine may have moved while it waited.
        let Some(vcpu) = coroutine() else { return Err(Errno::EPERM) };
        let pause_ns = match step(&mut op, vcpu, deadline, life) {
            // What has been transferred before an error is not lost.
            Step::Done(r) => return r.or_else(|e| op.partial().ok_or(e)),
            Step::Pause(ns) => ns,
            Step::Retry => {
                let so_far = op.partial();
                vain = if so_far == before { vain + 1 } else { 0 };
                before = so_far;
                if vain <= VAIN_MAX {
                    continue;
                }
                AGAIN_NS
            }
        };
        if let Err(stop) = pause(deadline, pause_ns) {
            return stopped(&op, stop, deadline);
        }
    }
}

/// Carries out a call that nothing may stop: a close. On a plain thread it blocks.
pub fn run_to_end<O: Op>(mut op: O) -> R {
    let Some(vcpu) = coroutine() else { return op.block() };
    match kind(vcpu) {
        #[cfg(target_os = "linux")]
        EngineKind::Uring => uring::run_to_end(&mut op, vcpu),
        _ => job::run_to_end(&mut op, vcpu),
    }
}

/// Whether the ring does the vCPU's polling.
pub fn polls_by_ring(vcpu: &VCpu) -> bool {
    kind(vcpu) == EngineKind::Uring
}

#[inline]
fn kind(vcpu: &VCpu) -> EngineKind {
    with(vcpu, |e| match e {
        #[cfg(target_os = "linux")]
        Engine::Uring(_) => EngineKind::Uring,
        Engine::Ready(_) => EngineKind::Ready,
    })
}

/// Counts a call that has completed at once; a coroutine that has had its share gives way. Parking
/// begins a new count. `also` is done on the way.
#[inline]
pub fn count(vcpu: &VCpu, also: impl FnOnce(&mut Engine)) {
    count_some(vcpu, 1, also);
}

/// The same for `some` calls.
#[inline]
pub fn count_some(vcpu: &VCpu, some: u32, also: impl FnOnce(&mut Engine)) {
    let over = with(vcpu, |e| {
        also(e);
        let n = each!(e, e => &mut e.direct);
        *n = n.saturating_add(some);
        let over = *n > DIRECT_MAX;
        if over {
            *n = 0;
        }
        over
    });
    if over {
        sched::yield_now();
    }
}

/// Whether a vCPU receives ahead on the descriptor.
#[inline]
pub fn is_ahead(fd: RawFd) -> bool {
    table::entry(fd).is_ok_and(|e| e.ahead().is_some())
}

#[inline]
fn step<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline, life: Option<Life>) -> Step {
    match enter(op, vcpu) {
        // While it paused it was in no list: a close may have been and gone, and the number with it.
        Ok(()) if life.is_some_and(|life| life.is_over(op)) => {
            return Errno::EBADF.into();
        }
        Ok(()) => {}
        Err(Step::Done(Err(e))) => return Step::Done(op.partial().ok_or(e)),
        Err(other) => return other,
    }
    match kind(vcpu) {
        #[cfg(target_os = "linux")]
        EngineKind::Uring => uring::step(op, vcpu, deadline),
        #[cfg(not(target_os = "linux"))]
        EngineKind::Uring => Errno::ENOSYS.into(),
        EngineKind::Ready | EngineKind::Offload => ready::step(op, vcpu, deadline),
    }
}

/// In which life of its descriptor a call has begun.
#[derive(Clone, Copy)]
struct Life {
    fd: c_int,
    generation: u32,
}

impl Life {
    /// None: the call has no descriptor, or one that can't be one.
    #[inline]
    fn of<O: Op>(op: &O) -> Option<Life> {
        let fd = op.fd();
        let entry = if O::HAS_FD || fd >= 0 { table::entry(fd).ok() } else { None };
        entry.map(|e| Life { fd, generation: e.life() })
    }

    /// Whether it has ended; the caller has entered. (A call that turns from one descriptor to
    /// another keeps its own account: `Op::outlived`.)
    #[inline]
    fn is_over<O: Op>(self, op: &O) -> bool {
        let is_other = |e: &table::Entry| e.generation() != self.generation;
        op.fd() == self.fd && table::entry(self.fd).is_ok_and(is_other)
    }
}

/// Enters the vCPU's bit for the descriptors of a call, which goes on without a switch. An error:
/// what the call comes to instead.
#[inline]
fn enter<O: Op>(op: &O, vcpu: &VCpu) -> Result<(), Step> {
    if O::HAS_FD || op.fd() >= 0 {
        enter_one(op.fd(), vcpu)?;
        if O::TAKES && is_ahead(op.fd()) {
            return Err(Errno::EBUSY.into());
        }
    }
    if op.fd2() >= 0 {
        enter_one(op.fd2(), vcpu)?;
    }
    if op.outlived() { Err(Errno::EBADF.into()) } else { Ok(()) }
}

#[inline]
fn enter_one(fd: c_int, vcpu: &VCpu) -> Result<(), Step> {
    match table::entry(fd)?.enter(vcpu.id()) {
        Enter::Open => Ok(()),
        Enter::Closing => Err(Errno::EBADF.into()),
        // It was not when the call began; it is found out next whose life it is.
        Enter::Last => Err(Step::Pause(LAST_NS)),
    }
}

/// What a call comes to whose wait has been stopped.
fn stopped<O: Op>(op: &O, stop: Stop, deadline: Deadline) -> R {
    let n = op.partial().ok_or(stop.errno(deadline))?;
    wait::give_back(stop);
    Ok(n)
}

/// Sleeps for `ns` nanoseconds; an error: the deadline comes first, or something else ends it.
pub fn pause(deadline: Deadline, ns: i64) -> Result<(), Stop> {
    let until = crate::time::now().saturating_add(ns);
    let (until, last) = match deadline {
        Deadline::Now => return Err(Stop::Timeout),
        Deadline::At(t) if t <= until => (t, true),
        _ => (until, false),
    };
    match wait::until(Deadline::At(until), || false) {
        Err(Stop::Timeout) if !last => Ok(()),
        r => r,
    }
}

/// On a vCPU that has had calls on the closer's descriptor (in its scheduler, or in the coroutine
/// that closes): ends them and answers when they have ended. `arg` is the [`Closer`]'s address.
pub fn close_message(arg: usize) {
    // SAFETY: `io::close` waits for the answer to this message.
    let closer = unsafe { &*(arg as *const Closer) };
    let Some(vcpu) = sched::current() else { return closer.ack() };
    with(vcpu, |e| {
        each!(&mut *e, e => e.end_calls(closer.fd));
        // SAFETY: as above.
        unsafe { e.slots().set_closer(closer) }
    });
}
