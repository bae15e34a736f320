//! The io_uring engine: a ring for each vCPU.
//!
//! ```text
//!   coroutine                       ring (owner thread only)                    kernel
//!   Rec on its stack,   --push-->   submission queue  --one enter a round-->    works with the buffer
//!   parks                                                                       |
//!   wakes, reads Rec   <--ready--   reap: Rec = user_data  <-- completion queue-+
//! ```
//! - **Submission.** Entries queue up while coroutines run and are submitted by the next `poll` or
//!   `wait`: one enter for a whole round. A full queue is submitted at once.
//! - **Completion.** With DEFER_TASKRUN nothing completes behind our back: the kernel sets a flag,
//!   and an enter does the work in this thread. `poll` looks at the flags and both queues in memory
//!   and makes no system call if there is nothing.
//! - **The end of a call.** The record is the kernel's until its completion is seen. On a timeout,
//!   a cancel or an interrupt an ASYNC_CANCEL is queued, and the coroutine waits, deaf to
//!   everything, for the completion of its operation (not of the cancel, whose user_data is 0).
//!   What the operation completed with stands, unless it is the cancel itself.
//! - **user_data** needs no generation: an address is used again only after the completion for it
//!   has been seen.
//! - **EAGAIN** comes for descriptors in O_NONBLOCK mode that the kernel won't poll for by itself:
//!   wait with POLL_ADD, then again.
//! - **Wakes** come by an eventfd under a multishot poll: each write to it gives a completion, and
//!   nobody ever reads it. (A futex wait in the ring loses wakes; a message from ring to ring needs
//!   a ring on the waker's side.)
//!
//! Receive: at first without a hint. A completion says whether there is more (SOCK_NONEMPTY). If
//! not, the next one starts with a poll instead of a try that fails; if there is, the next one is a
//! plain recv(2) that needs no parking.
//!
//! Send: by send(2) at once, by the ring only when the socket is full. (Rejected: every send by the
//! ring, so that a round's sends share a system call. With 64 HTTP connections its CPU time a
//! request was the same within the spread, and each send costs a park and a wake.)
//!
//! A ring whose submitter ends cancels its operations; so rt lets a vCPU's thread end only after
//! its coroutines.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::bell::Bell;
use crate::io::engine::job;
use crate::io::engine::slots::{Kind, Rec, Slots, at_home, bits, prefetch_rec, state};
use crate::io::engine::{AGAIN_NS, Engine, Step, count};
use crate::io::op::Op;
use crate::io::sys::{self, R, Try};
use crate::sched::VCpu;
use crate::sched::driver::Waker;
use crate::wait::{self, Deadline};
use ahead::Aheads;
use ring::Ring;
use sqe::Sqe;
use std::ffi::c_int;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

mod ahead;
mod bufs;
pub mod mask;
mod ring;
pub mod several;
pub mod sqe;
mod zero_copy;

/// user_data of what nobody waits for.
const NOBODY: u64 = 0;
/// user_data of the poll of the bell.
const BELL: u64 = 1;
/// Errors of unknown kinds that io_uring_enter may give in a row, a tenth of a millisecond apart.
const FAILURES: u32 = 1000;

/// See the module.
#[derive(Debug)]
pub struct Uring {
    ring: Ring,
    /// Operations that the kernel has, or will have with the next submission.
    in_kernel: usize,
    bell: Arc<Bell>,
    bell_armed: bool,
    /// The calls that are under way.
    pub slots: Slots,
    /// Calls in a row that completed at once.
    pub direct: u32,
    /// See [`FAILURES`].
    failures: u32,
    /// What the kernel receives without being asked each time. Behind the ring, which knows its
    /// buffers.
    aheads: Aheads,
}

impl Uring {
    /// On the vCPU's own thread, or with `external` on any.
    pub fn new(external: bool) -> Result<Uring, Errno> {
        let mut u = Uring {
            ring: Ring::new(external)?,
            in_kernel: 0,
            bell: Arc::new(Bell::new()?),
            bell_armed: false,
            slots: Slots::default(),
            direct: 0,
            failures: 0,
            aheads: Aheads::default(),
        };
        u.arm_bell()?;
        // An external group's host sleeps on the ring's descriptor without having called `wait`.
        u.ring.enter(0, None)?;
        Ok(u)
    }

    fn arm_bell(&mut self) -> Result<(), Errno> {
        self.push(&sqe::poll_always(self.bell.fd()).user_data(BELL))?;
        self.bell_armed = true;
        Ok(())
    }

    /// Queues an entry, submitting what is there if there is no room.
    fn push(&mut self, entry: &Sqe) -> Result<(), Errno> {
        for _ in 0..8 {
            // SAFETY: the entry's memory is kept as `begin` says, or it has none.
            if unsafe { self.ring.push(entry) } {
                return Ok(());
            }
            match self.ring.enter(0, None) {
                Ok(()) | Err(Errno::EINTR) => {}
                // The completion queue is full: make room.
                Err(Errno::EBUSY | Errno::EAGAIN) => self.reap(),
                Err(e) => return Err(e),
            }
        }
        Err(Errno::EBUSY)
    }

    /// Room for `n` entries in a row. False: there can't be, or the kernel takes none at the moment.
    fn make_room(&mut self, n: usize) -> bool {
        for _ in 0..8 {
            if self.ring.room() >= n {
                return true;
            }
            if self.ring.enter(0, None).is_err() {
                self.reap();
            }
        }
        false
    }

    /// Queues an operation.
    ///
    /// # Safety
    /// `rec`, and the memory that the entry is about, stay where they are until `rec` is DONE and
    /// not linked.
    pub unsafe fn begin(&mut self, entry: Sqe, rec: &Rec) -> Result<(), Errno> {
        if rec.fd() >= 0 {
            // SAFETY: the caller's.
            unsafe { self.slots.link(rec)? };
        }
        let entry = entry.user_data(std::ptr::from_ref(rec) as u64);
        if let Err(e) = self.push(&entry) {
            self.slots.unlink(rec);
            return Err(e);
        }
        self.in_kernel += 1;
        self.direct = 0;
        Ok(())
    }

    /// Nothing is known about what is left in the socket.
    fn forget(&self, fd: c_int) {
        if let Some(s) = self.slots.find(fd) {
            s.note(bits::MORE | bits::DRAINED, 0);
        }
    }

    /// Has the kernel end an operation, if it has not ended.
    pub fn cancel(&mut self, rec: &Rec) {
        // Without it the operation might never end, and it is waited for: so until the entry has
        // found room.
        while !rec.is(state::DONE)
            && self.push(&sqe::cancel(std::ptr::from_ref(rec) as u64)).is_err()
        {
            self.reap();
        }
    }

    fn reap(&mut self) {
        self.reap_only();
        if !self.aheads.is_empty() {
            self.after_reap();
        }
    }

    fn reap_only(&mut self) {
        let Uring { ring, slots, in_kernel, bell_armed, aheads, .. } = self;
        let mut context = (slots, in_kernel, bell_armed, aheads);
        ring.reap(
            &mut context,
            |(_, _, _, aheads), data| match ahead::number(data) {
                Some(n) => aheads.prefetch(n),
                None => prefetch_rec(data as usize),
            },
            |(slots, _, _, aheads), data| {
                if let Some(n) = ahead::number(data) {
                    prefetch_rec(aheads.prefetch_more(slots, n));
                }
            },
            |(slots, in_kernel, bell_armed, aheads), c| match c.user_data {
                NOBODY => {}
                BELL => **bell_armed &= c.more,
                data => {
                    **in_kernel -= usize::from(!c.more);
                    if let Some(n) = ahead::number(data) {
                        return aheads.complete(slots, n, &c);
                    }
                    // SAFETY: records stay valid until they have been completed here.
                    let rec = unsafe { &*(data as *const Rec) };
                    let res = match rec.kind() {
                        Kind::ZeroCopy => zero_copy::completed(slots, rec, &c),
                        _ => Some(c.res),
                    };
                    if let Some(res) = res {
                        complete(slots, rec, res, c.nonempty);
                    }
                }
            },
        );
    }

    /// Submits what is queued and completes what is ready.
    #[inline]
    pub fn poll(&mut self) {
        if self.in_kernel == 0 && self.ring.is_quiet() {
            return;
        }
        if self.ring.wants_enter() {
            self.enter(0, None);
        }
        self.reap();
    }

    /// Blocks until there is a completion.
    pub fn wait(&mut self, timeout: Option<Duration>) {
        if !self.bell_armed && self.arm_bell().is_err() {
            // No wake could reach us: don't sleep.
            self.enter(0, None);
            return self.reap();
        }
        let want = u32::from(!self.ring.has_completions());
        self.enter(want, timeout);
        self.reap();
    }

    fn enter(&mut self, want: u32, timeout: Option<Duration>) {
        match self.ring.enter(want, timeout) {
            // EBUSY: completions first; they are reaped next.
            Ok(()) | Err(Errno::EINTR | Errno::EBUSY | Errno(libc::ETIME)) => self.failures = 0,
            Err(e) => self.enter_failed(e),
        }
    }

    /// Out of memory at the moment; or an error that this call is not known to give.
    #[cold]
    fn enter_failed(&mut self, e: Errno) {
        let known = matches!(e, Errno::EAGAIN | Errno::ENOMEM);
        self.failures += u32::from(!known);
        if self.failures > FAILURES {
            // The ring worked when it was made. Every operation on it would hang from now on.
            let e = std::io::Error::from_raw_os_error(e.0);
            eprintln!("photonrt: io_uring_enter failed: {e}");
            std::process::abort();
        }
        std::thread::sleep(Duration::from_nanos(AGAIN_NS as u64 / 10));
    }

    /// See `Driver::waker`.
    pub fn waker(&self) -> Arc<dyn Waker> {
        self.bell.clone()
    }

    /// See `Driver::fd`.
    pub fn fd(&self) -> RawFd {
        self.ring.fd()
    }

    /// See `Driver::io_in_flight`.
    pub fn in_flight(&self) -> usize {
        self.in_kernel
    }

    /// See `Ring::has`.
    #[inline]
    pub fn has(&self, code: u8) -> bool {
        self.ring.has(code)
    }

    /// Cancels everything that is under way on the descriptor.
    pub fn end_calls(&mut self, fd: c_int) {
        self.end_ahead_of(fd);
        loop {
            let open = |r: &&Rec| !r.is(state::CLOSED);
            let Some(rec) = self.slots.find(fd).and_then(|s| s.recs().find(open)) else { return };
            rec.mark_closed();
            let rec = rec.call();
            if matches!(rec.kind(), Kind::Job | Kind::Close) || rec.kind().is_ahead() {
                // No business of the kernel's: the call finds out by itself.
                rec.finish(state::CLOSED);
                continue;
            }
            rec.mark_closed();
            if rec.is(state::SENT) && !rec.is(state::DONE) {
                sys::reset(rec.fd());
                continue;
            }
            // A completion that is reaped on the way changes the list: begin again.
            let rec = std::ptr::from_ref(rec);
            // SAFETY: it is linked: only `reap` can end it, and `cancel` looks at it first.
            self.cancel(unsafe { &*rec });
        }
    }
}

impl Uring {
    /// Whether the ring, which is new, works here.
    pub fn prove(&mut self) -> Result<(), Errno> {
        ring::prove(&mut self.ring)
    }
}

/// The kernel is done with an operation.
#[inline]
fn complete(slots: &mut Slots, rec: &Rec, res: i32, nonempty: bool) {
    rec.res.set(res);
    if rec.kind() == Kind::Receive
        && res >= 0
        && let Some(slot) = slots.find(rec.fd())
    {
        let note = if nonempty { bits::MORE } else { bits::DRAINED };
        slot.note(bits::MORE | bits::DRAINED, note);
    }
    // What will be tried again is still under way: a close must find it.
    if !goes_on(res) || rec.is(state::CLOSED) {
        slots.unlink(rec);
    }
    rec.finish(state::DONE);
}

/// Results that are no end: not ready after all, or (connect) begun by an earlier call.
fn goes_on(res: i32) -> bool {
    res == -libc::EAGAIN || res == -libc::EALREADY
}

fn with<T>(vcpu: &VCpu, f: impl FnOnce(&mut Uring) -> T) -> T {
    super::with(vcpu, |e| match e {
        Engine::Uring(u) => f(u),
        Engine::Ready(_) => unreachable!("asked before"),
    })
}

impl Drop for Uring {
    fn drop(&mut self) {
        self.end_aheads();
    }
}

/// On `rec`'s home: see `engine::ahead`.
///
/// # Safety
/// `rec` stays where it is until it is DONE or has been unlinked.
pub unsafe fn take_ahead(home: &VCpu, rec: &Rec, ask: &super::ahead::Ask) {
    // SAFETY: the caller's.
    with(home, |u| unsafe { u.take_ahead(home.id(), rec, ask) });
}

/// On `rec`'s home: takes it out of its list, if it is in one.
pub fn leave_ahead(home: &VCpu, rec: &Rec) {
    with(home, |u| u.slots.unlink(rec));
}

/// One round of a call: a try, or an operation in the ring and the wait for it.
#[inline]
pub fn step<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline) -> Step {
    let now = deadline == Deadline::Now;
    if O::SENDS
        && !now
        && op.zero_copy()
        && let Some(step) = zero_copy::step(op, vcpu, deadline)
    {
        return step;
    }
    let unknown = O::OPTIONAL.is_some_and(|code| !with(vcpu, |u| u.has(code)));
    if unknown || op.by_readiness() {
        return without_ring(op, vcpu, deadline);
    }
    let rec = match Rec::new(vcpu, op.fd(), if O::RECEIVES { Kind::Receive } else { Kind::Kernel })
    {
        Ok(r) => r,
        Err(e) => return e.into(),
    };
    let second = rec.second(op.fd2());
    rec.tie(second.as_ref());
    let (mut notes, mut tried) = (0, false);
    if O::RECEIVES && !now {
        match with(vcpu, |u| u.slots.get(op.fd()).map(|s| s.notes())) {
            Ok(n) => notes = n,
            Err(e) => return e.into(),
        }
    }
    if now || O::TRY_FIRST || notes & bits::MORE != 0 {
        match op.attempt() {
            Try::Done(r) => {
                count(vcpu, |e| match e {
                    // It may not be true any more.
                    Engine::Uring(u) if notes & bits::MORE != 0 && !op.left_more(&r) => {
                        u.forget(op.fd())
                    }
                    _ => {}
                });
                return Step::Done(r);
            }
            Try::Again => return Step::Pause(AGAIN_NS),
            Try::Wait | Try::Blocks if now => return Errno::EAGAIN.into(),
            Try::Wait | Try::Blocks if op.by_readiness() => {
                return poll_first(op, deadline);
            }
            Try::Wait | Try::Blocks => tried = true,
        }
    }
    let entry = op.sqe(tried || notes & bits::DRAINED != 0);
    match carry_out(entry, &rec, vcpu, deadline, op.partial().is_some()) {
        Ok(res) if goes_on(res) => {
            if notes & bits::DRAINED != 0
                && let Some(here) = super::coroutine()
            {
                // It may be what can't be waited for: the next round tries.
                with(here, |u| u.forget(op.fd()));
            }
            poll_first(op, deadline)
        }
        Ok(res) => Step::Done(op.finish(result(res))),
        Err(e) => Step::Done(op.partial().ok_or(e)),
    }
}

/// A round of a call that the ring doesn't know, or not well enough: as `ready` does it, with the
/// ring for a poller.
fn without_ring<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline) -> Step {
    let now = deadline == Deadline::Now;
    if O::BLOCKS && !now {
        return job::offload(op, vcpu, deadline);
    }
    match op.attempt() {
        Try::Done(r) => {
            count(vcpu, |_| {});
            Step::Done(r)
        }
        Try::Again => Step::Pause(AGAIN_NS),
        Try::Wait | Try::Blocks if now => Errno::EAGAIN.into(),
        Try::Blocks => job::offload(op, vcpu, deadline),
        Try::Wait => match sys::is_file(op.fd()) {
            Ok(true) => job::offload(op, vcpu, deadline),
            Ok(false) => poll_first(op, deadline),
            Err(e) => e.into(),
        },
    }
}

/// The ring alone could not do it: waits until the descriptor is ready, before the next round.
fn poll_first<O: Op>(op: &O, deadline: Deadline) -> Step {
    // Anew: the coroutine may have moved.
    let Some(vcpu) = super::coroutine() else { return Errno::EPERM.into() };
    // The next round finds out what an error means.
    if super::enter(op, vcpu).is_err() {
        return Step::Retry;
    }
    let rec = match Rec::new(vcpu, op.fd(), Kind::Kernel) {
        Ok(r) => r,
        Err(e) => return e.into(),
    };
    let second = rec.second(op.fd2());
    rec.tie(second.as_ref());
    let poll = sqe::poll(op.fd(), op.events());
    match carry_out(poll, &rec, vcpu, deadline, op.partial().is_some()) {
        Ok(_) => Step::Retry,
        Err(e) => Step::Done(op.partial().ok_or(e)),
    }
}

/// Results of an operation that a cancel has ended. One that a thread of the kernel was working on
/// may give the kernel's own "restart this system call", 512 to 516.
pub fn was_called_off(res: i32) -> bool {
    matches!(-res, libc::ECANCELED | libc::EINTR | 512..=516)
}

fn result(res: i32) -> R {
    if res < 0 { Err(Errno(-res)) } else { Ok(i64::from(res)) }
}

/// Has the kernel carry out an entry and waits for its completion; the result as the kernel gave
/// it. An error: it did not happen.
fn carry_out(
    entry: Sqe,
    rec: &Rec,
    vcpu: &VCpu,
    deadline: Deadline,
    partial: bool,
) -> Result<i32, Errno> {
    // SAFETY: below, `rec` is waited for until it is done, and unlinked.
    with(vcpu, |u| unsafe { u.begin(entry, rec) })?;
    let done = || rec.is(state::DONE);
    let stopped = wait::until(deadline, done).err();
    if stopped.is_some() {
        at_home(rec, |v, rec| with(v, |u| u.cancel(rec)));
        wait::until_done(done);
    }
    settle(rec);
    let res = rec.res.get();
    let called_off = was_called_off(res);
    let closed = rec.is(state::CLOSED);
    match stopped {
        Some(stop) if closed || !(called_off || goes_on(res)) => {
            wait::give_back(stop);
        }
        Some(stop) => {
            if partial {
                wait::give_back(stop);
            }
            return Err(stop.errno(deadline));
        }
        None => {}
    }
    if closed && (called_off || goes_on(res)) { Err(Errno::EBADF) } else { Ok(res) }
}

/// The coroutine has the vCPU again: what was left in the list because the call might go on comes
/// out.
fn settle(rec: &Rec) {
    if goes_on(rec.res.get()) {
        at_home(rec, |v, rec| with(v, |u| u.slots.unlink(rec)));
    }
}

/// See `engine::run_to_end`.
pub fn run_to_end<O: Op>(op: &mut O, vcpu: &'static VCpu) -> R {
    let rec = Rec::new(vcpu, -1, Kind::Kernel)?;
    let entry = op.sqe(false);
    // SAFETY: waited for here.
    if with(vcpu, |u| unsafe { u.begin(entry, &rec) }).is_err() {
        return op.block();
    }
    wait::until_done(|| rec.is(state::DONE));
    result(rec.res.get())
}
