//! The readiness engine: try without blocking, wait for an edge, try again. Files and other things
//! that have no readiness go to the pool.
//!
//! **Registration.** A descriptor is put into the vCPU's poller when a call on it first has to
//! wait, once, edge-triggered, for both directions, and stays there until it is closed (which takes
//! it out by itself). A call always tries first, so an edge that comes while nobody waits says
//! nothing that the next try would not find: edges without waiters are dropped. Between the failed
//! try and the record's entry in the list nothing is collected (one thread), so none is missed. An
//! edge wakes all calls that wait for its direction: the first may leave something for the second.
//!
//! **A try saved.** A receive on TCP that fills less than the buffer has taken all there was, and
//! its next edge is still to come: the next receive waits without trying (a failed recv(2) is 6 %
//! of an HTTP request). Not after an edge that told of an end, an error or urgent data (`UNSURE`):
//! there a short count proves nothing. This needs a poller that tells of half-closed peers
//! (`epoll`).
//!
//! **Sweeps.** A descriptor may be closed behind our back and its number opened anew: it looks
//! registered and is not. So each wait that has lasted a sweep's time (10 to 20 ms) has its
//! registration checked, once: modify, which delivers what is ready; ENOENT: add; EBADF: gone, let
//! the call find that out. A foreign close costs 20 ms, never a hang. The same saves a receive that
//! waited where it should have tried; it won't again on this descriptor.
//!
//! **The end of a call.** Only the thread that tries touches the buffer, so a stopped call just
//! leaves the list. A job of the pool that has begun is waited for.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::job::offload;
use crate::io::engine::slots::{Kind, Rec, Slots, at_home, bits, state};
use crate::io::engine::{AGAIN_NS, Engine, Step, count};
use crate::io::op::Op;
use crate::io::sys::{self, Try};
use crate::sched::VCpu;
use crate::sched::driver::Waker;
use crate::time;
use crate::wait::{self, Deadline};
use poller::{Event, Poller};
use std::ffi::{c_int, c_short};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

pub mod poller;
pub mod several;

/// Between two sweeps.
const SWEEP: Duration = Duration::from_millis(10);
/// A busy vCPU looks at the clock for the next sweep once in so many waits.
const SWEEP_WAITS: u32 = 16;

/// Events that are looked at together: what they are about has mostly left the cache, and so the misses
/// overlap.
const TOGETHER: usize = 16;

/// See the module.
#[derive(Debug)]
pub struct Ready {
    poller: Poller,
    events: Vec<Event>,
    /// The calls that are under way.
    pub slots: Slots,
    /// Calls in a row that completed at once.
    pub direct: u32,
    /// Descriptors that somebody waited on since the last sweep; each once.
    young: Vec<c_int>,
    sweeps: u32,
    next_sweep: i64,
    waits: u32,
}

impl Ready {
    /// With one of the pollers. EMFILE and the like.
    pub fn new(poller: Poller) -> Result<Ready, Errno> {
        Ok(Ready {
            poller,
            events: Vec::new(),
            slots: Slots::default(),
            direct: 0,
            young: Vec::new(),
            sweeps: 0,
            next_sweep: 0,
            waits: 0,
        })
    }

    /// Completes what is ready.
    #[inline]
    pub fn poll(&mut self) {
        if self.slots.linked != 0 {
            self.collect(Some(Duration::ZERO));
        }
    }

    /// Blocks until something is ready.
    pub fn wait(&mut self, timeout: Option<Duration>) {
        if self.young.is_empty() {
            return self.collect(timeout);
        }
        self.waits += 1;
        let idle = timeout.is_none_or(|t| t >= SWEEP);
        self.collect(Some(timeout.map_or(SWEEP, |t| t.min(SWEEP))));
        if (idle && self.events.is_empty()) || self.waits >= SWEEP_WAITS {
            self.waits = 0;
            let now = time::monotonic();
            if now >= self.next_sweep {
                self.next_sweep = now + SWEEP.as_nanos() as i64;
                self.sweep();
            }
        }
    }

    fn collect(&mut self, timeout: Option<Duration>) {
        let Ready { poller, events, slots, .. } = self;
        let waited = |fd| slots.find(fd).is_some_and(|s| !s.is_idle());
        poller.wait(timeout, waited, events);
        for some in events.chunks(TOGETHER) {
            if some.len() > 1 {
                some.iter().for_each(|e| slots.prefetch(e.fd));
                some.iter().for_each(|e| slots.prefetch_call(e.fd));
            }
            some.iter().for_each(|e| deliver(slots, e));
        }
    }

    /// Checks the registrations of those who have waited since before the last sweep.
    fn sweep(&mut self) {
        let old = std::mem::take(&mut self.young);
        let mut checked = Vec::new();
        for fd in old {
            let Some(slot) = self.slots.find(fd) else { continue };
            slot.note(bits::YOUNG, 0);
            let (mut due, mut later) = (false, false);
            for rec in slot.recs().filter(|r| !r.is(state::DONE) && waits_here(r)) {
                match rec.sweep.get() {
                    CHECKED => {}
                    s if s == self.sweeps => later = true,
                    _ => {
                        rec.sweep.set(CHECKED);
                        due = true;
                    }
                }
            }
            if due {
                slot.note(0, bits::SWEPT);
                checked.push(fd);
                check(&self.poller, &self.slots, fd);
            }
            if later {
                note_young(&mut self.young, &self.slots, fd);
            }
        }
        self.sweeps = (self.sweeps + 1) % CHECKED;
        if !checked.is_empty() {
            // What was ready all the time is delivered now, while the notes say whose waiting was a
            // mistake.
            self.collect(Some(Duration::ZERO));
        }
        for slot in checked.iter().filter_map(|&fd| self.slots.find(fd)) {
            slot.note(bits::SWEPT, 0);
        }
    }

    /// Puts a record that waits for `events` into its list, and its descriptor into the poller.
    ///
    /// # Safety
    /// `rec` stays where it is until it has been unlinked.
    pub unsafe fn begin(&mut self, rec: &Rec, events: c_short) -> Result<(), Errno> {
        let fd = rec.fd();
        let registered = self.slots.get(fd)?.has(bits::REGISTERED);
        self.poller.arm(fd, events, registered)?;
        // SAFETY: the caller's.
        unsafe { self.slots.link(rec)? };
        rec.sweep.set(self.sweeps);
        note_young(&mut self.young, &self.slots, fd);
        if let (false, Some(slot)) = (registered, self.slots.find(fd)) {
            slot.note(0, bits::REGISTERED);
        }
        self.direct = 0;
        Ok(())
    }

    /// A receive on `fd` took less than it could have.
    fn took_all(&mut self, fd: c_int) {
        if !self.poller.tells_of_ends() {
            return;
        }
        let Ok(slot) = self.slots.get(fd) else { return };
        // Without a registration no edge will come.
        if !slot.has(bits::REGISTERED) || slot.has(bits::UNSURE) {
            return;
        }
        if !slot.has(bits::STREAM) {
            let note = if sys::is_tcp(fd) { bits::STREAM } else { bits::UNSURE };
            slot.note(0, note);
        }
        if slot.has(bits::STREAM) {
            slot.note(0, bits::DRAINED);
        }
    }

    /// See `Driver::waker`.
    pub fn waker(&self) -> Arc<dyn Waker> {
        self.poller.waker()
    }

    /// See `Driver::fd`.
    pub fn fd(&self) -> RawFd {
        self.poller.fd()
    }

    /// See `Driver::io_in_flight`.
    pub fn in_flight(&self) -> usize {
        self.slots.linked
    }

    /// Ends everything that is under way on the descriptor: each call finds out when it runs next,
    /// and leaves the list then.
    pub fn end_calls(&mut self, fd: c_int) {
        let Some(slot) = self.slots.find(fd) else { return };
        for rec in slot.recs() {
            rec.call().finish(state::CLOSED);
        }
    }
}

/// [`Rec::sweep`] of a wait whose registration has been checked.
const CHECKED: u32 = u32::MAX;

fn note_young(young: &mut Vec<c_int>, slots: &Slots, fd: c_int) {
    if let Some(slot) = slots.find(fd)
        && !slot.has(bits::YOUNG)
        // Without memory for it this wait goes unchecked.
        && young.try_reserve(1).is_ok()
    {
        slot.note(0, bits::YOUNG);
        young.push(fd);
    }
}

fn check(poller: &Poller, slots: &Slots, fd: c_int) {
    let r = match poller.modify(fd) {
        Err(Errno::ENOENT) => poller.add(fd),
        r => r,
    };
    if r.is_err()
        && let Some(slot) = slots.find(fd)
    {
        // Not a descriptor any more, or one that can't be waited for: the calls try again and find
        // out.
        slot.note(bits::REGISTERED | bits::DRAINED, 0);
        wake(slot, |_| true);
    }
}

/// Whether it waits for its own descriptor to become ready.
fn waits_here(rec: &Rec) -> bool {
    !matches!(rec.kind(), Kind::Job | Kind::Close | Kind::Second)
}

fn wake(slot: &super::slots::Slot, whom: impl Fn(Kind) -> bool) {
    for rec in slot.recs().filter(|r| !r.is(state::DONE) && waits_here(r)) {
        if whom(rec.kind()) {
            rec.finish(state::DONE);
        }
    }
}

fn deliver(slots: &Slots, e: &Event) {
    let Some(slot) = slots.find(e.fd) else { return };
    if e.ends || (e.read && slot.has(bits::SWEPT)) {
        slot.note(0, bits::UNSURE);
    }
    if e.read {
        slot.note(bits::DRAINED, 0);
    }
    wake(slot, |kind| match kind {
        Kind::Read | Kind::Receive => e.read,
        Kind::Write => e.write,
        _ => true,
    });
}

fn with<T>(vcpu: &VCpu, f: impl FnOnce(&mut Ready) -> T) -> T {
    super::with(vcpu, |e| match e {
        Engine::Ready(r) => f(r),
        #[cfg(target_os = "linux")]
        Engine::Uring(_) => unreachable!("asked before"),
    })
}

/// One round of a call: a try, and a wait for the descriptor or the pool.
#[inline]
pub fn step<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline) -> Step {
    let (fd, now) = (op.fd(), deadline == Deadline::Now);
    if O::BLOCKS && !now {
        return offload(op, vcpu, deadline);
    }
    let drained =
        |r: &mut Ready| r.slots.get(fd).is_ok_and(|s| s.has(bits::DRAINED) && !s.has(bits::UNSURE));
    if now || !O::RECEIVES || !with(vcpu, drained) {
        match op.attempt() {
            Try::Done(r) => {
                let all = O::RECEIVES && op.took_all(&r);
                count(vcpu, |e| match e {
                    Engine::Ready(e) if all => e.took_all(fd),
                    _ => {}
                });
                return Step::Done(r);
            }
            Try::Again => return Step::Pause(AGAIN_NS),
            Try::Wait | Try::Blocks if now => return Errno::EAGAIN.into(),
            Try::Blocks => return offload(op, vcpu, deadline),
            Try::Wait => {}
        }
    }
    wait_ready(op, vcpu, deadline)
}

fn wait_ready<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline) -> Step {
    let rec = match Rec::new(vcpu, op.fd(), kind_of(op)) {
        Ok(r) => r,
        Err(e) => return e.into(),
    };
    let second = rec.second(op.fd2());
    rec.tie(second.as_ref());
    // SAFETY: below, it is unlinked before it goes.
    match with(vcpu, |r| unsafe { r.begin(&rec, op.events()) }) {
        Ok(()) => {}
        // What a poller refuses is always ready, or never says so.
        Err(Errno::EPERM) => return offload(op, vcpu, deadline),
        Err(e) => return e.into(),
    }
    let stopped = wait::until(deadline, || rec.is(state::DONE | state::CLOSED)).err();
    at_home(&rec, |v, rec| with(v, |r| r.slots.unlink(rec)));
    let closed = rec.is(state::CLOSED);
    match stopped {
        None if closed => Step::Done(op.partial().ok_or(Errno::EBADF)),
        None => Step::Retry,
        Some(stop) => Step::Done(super::stopped(op, stop, deadline)),
    }
}

fn kind_of<O: Op>(op: &O) -> Kind {
    match Kind::of_events(op.events()) {
        Kind::Read if O::RECEIVES => Kind::Receive,
        kind => kind,
    }
}
