//! What one vCPU's engine knows of each descriptor: the calls that wait on it, and a few notes.
//! Owner thread only.
//!
//! ```text
//!   Slots  [chunk of 256]->[ Slot | Slot | ... ]     by number; chunks allocated as numbers come up
//!   Slot   { first --> Rec <-> Rec <-> Rec,  closer, generation, notes }
//!   Rec    on the stack of the coroutine that waits; its address is the io_uring user_data
//! ```
//! A [`Rec`] is in its slot's list from the moment its coroutine gives up the vCPU until it has it
//! again (`ready`), or until the kernel is done with it (`uring`): never while the coroutine runs
//! freely, so `io::close` finds in the lists all calls under way on the vCPU and nothing else.
//!
//! A call on two descriptors has two Recs, one in each list; a close of either descriptor has to
//! end it and to wait for it. The first is the call: it waits, completes and is cancelled. The
//! second ([`Kind::Second`]) stands in the other list for nothing but closes, comes and goes with
//! the first, and hands on what a close has to say:
//! ```text
//!   Slot of fd  --> Rec (first) <-twin-> Rec (second) <-- Slot of fd2
//!                    ^ state, result         '-- call(): the first
//! ```
//!
//! Who writes what: everything in a Rec belongs to the vCPU where it was linked, its **home**. The
//! coroutine may read `state` from elsewhere (a migratable one may be woken for another reason and
//! continue on another vCPU): what it wants of the Rec then goes to the home as a message
//! ([`at_home`]).
//!
//! Notes about a descriptor (`bits`) are void when the number's generation has changed; see
//! `io::table`.
#![allow(unsafe_code)]

use crate::arch;
use crate::err::Errno;
use crate::io::buffer::Held;
use crate::io::sys;
use crate::io::table;
use crate::parker;
use crate::prim::atomic::{AtomicU32, AtomicUsize, Ordering::*};
use crate::sched::{self, Message, TaskRef, VCpu};
use crate::wait::{self, Deadline};
use std::cell::Cell;
use std::ffi::{c_int, c_short};
use std::ptr::null;

/// Bits of [`Rec`]'s state.
pub mod state {
    /// The kernel is done with it, or the descriptor is ready: look.
    pub const DONE: u32 = 1;
    /// The descriptor is being closed: the call ends with EBADF.
    pub const CLOSED: u32 = 2;
    /// What a send without copying has to send is queued; its buffer is not free yet.
    pub const SENT: u32 = 4;
}

/// What a Rec waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A completion of the ring.
    Kernel,
    /// The same for a receive, whose completion tells whether there is more.
    Receive,
    /// The same for a send without copying, which has two.
    ZeroCopy,
    /// Readiness to read (or an urgent or hang-up condition).
    Read,
    /// Readiness to write.
    Write,
    /// Any readiness.
    Any,
    /// A job of the pool.
    Job,
    /// Nothing but the close of the descriptor: it never becomes ready for what is wanted of it.
    Close,
    /// The second Rec of a call on two descriptors.
    Second,
    /// What is received ahead.
    Ahead,
    /// The same, and the receiving ahead is to end.
    AheadEnd,
}

impl Kind {
    /// It waits for something that is received ahead.
    pub fn is_ahead(self) -> bool {
        matches!(self, Kind::Ahead | Kind::AheadEnd)
    }

    /// For the events that poll(2) would be asked for.
    pub fn of_events(events: c_short) -> Kind {
        let read = events & (sys::POLL_READ | libc::POLLRDNORM | libc::POLLRDBAND) != 0;
        let write = events & (libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND) != 0;
        match (read, write) {
            (true, false) => Kind::Read,
            (false, true) => Kind::Write,
            _ => Kind::Any,
        }
    }
}

/// The Rec at this address, if it is one, is about to be looked at. It is on the stack of a coroutine
/// that has slept for a while.
#[inline]
pub fn prefetch_rec(at: usize) {
    let line = |n: usize| std::ptr::without_provenance(at.wrapping_add(64 * n));
    arch::prefetch(line(0));
    arch::prefetch(line(1));
}

/// One wait of one call.
pub struct Rec {
    next: Cell<*const Rec>,
    prev: Cell<*const Rec>,
    task: TaskRef,
    state: AtomicU32,
    /// -1: in no list.
    fd: c_int,
    home: usize,
    kind: Kind,
    linked: Cell<bool>,
    /// The other Rec of a call on two descriptors, or NULL.
    twin: Cell<*const Rec>,
    /// Which sweep of `ready` comes next, when it was linked.
    pub sweep: Cell<u32>,
    /// What the kernel gave: as a system call, negative for an error.
    pub res: Cell<i32>,
    /// Ahead: the buffer that `res` bytes are in.
    pub buffer: Cell<Option<Held>>,
}

impl Rec {
    /// For the coroutine that runs on `vcpu`.
    pub fn new(vcpu: &VCpu, fd: c_int, kind: Kind) -> Result<Rec, Errno> {
        Rec::with_home(vcpu, fd, kind, vcpu.id())
    }

    /// The same, to be linked on the vCPU `home`.
    pub fn with_home(vcpu: &VCpu, fd: c_int, kind: Kind, home: usize) -> Result<Rec, Errno> {
        let task = vcpu.task().ok_or(Errno::EPERM)?;
        Ok(Rec {
            next: Cell::new(null()),
            prev: Cell::new(null()),
            task,
            state: AtomicU32::new(0),
            fd,
            home,
            kind,
            linked: Cell::new(false),
            twin: Cell::new(null()),
            sweep: Cell::new(0),
            res: Cell::new(0),
            buffer: Cell::new(None),
        })
    }

    /// The second Rec of the same call, for its other descriptor; None for -1. [`Rec::tie`] it when
    /// both are where they will stay.
    #[inline]
    pub fn second(&self, fd: c_int) -> Option<Rec> {
        (fd >= 0).then(|| Rec {
            next: Cell::new(null()),
            prev: Cell::new(null()),
            task: self.task,
            state: AtomicU32::new(0),
            fd,
            home: self.home,
            kind: Kind::Second,
            linked: Cell::new(false),
            twin: Cell::new(null()),
            sweep: Cell::new(0),
            res: Cell::new(0),
            buffer: Cell::new(None),
        })
    }

    /// From here on the second is linked and unlinked with this one.
    #[inline]
    pub fn tie(&self, second: Option<&Rec>) {
        if let Some(second) = second {
            self.twin.set(second);
            second.twin.set(self);
        }
    }

    /// The Rec that is the call: this one, or the one that it is the second of.
    pub fn call(&self) -> &Rec {
        match self.kind {
            // SAFETY: linked together and unlinked together; what is linked is alive.
            Kind::Second => unsafe { self.twin.get().as_ref() }.unwrap_or(self),
            _ => self,
        }
    }

    /// The descriptor, or -1.
    pub fn fd(&self) -> c_int {
        self.fd
    }

    /// The coroutine.
    pub fn task(&self) -> TaskRef {
        self.task
    }

    /// What it waits for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether one of the bits is set. What the home wrote before setting it is visible.
    #[inline]
    pub fn is(&self, bits: u32) -> bool {
        // Acquire: pairs with `set`.
        self.state.load(Acquire) & bits != 0
    }

    /// Home only: sets a bit and wakes nobody.
    #[inline]
    pub fn set(&self, bit: u32) {
        // Release: pairs with `is`. A load and a store: nobody else writes.
        self.state.store(self.state.load(Relaxed) | bit, Release);
    }

    /// Home only: sets a bit and wakes the coroutine. The Rec may be gone when this returns.
    #[inline]
    pub fn finish(&self, bit: u32) {
        let task = self.task;
        self.set(bit);
        wake(task);
    }

    /// Home only: see [`state::SENT`]; wakes nobody.
    pub fn mark_sent(&self) {
        self.set(state::SENT);
    }

    /// Home only: the call is to end with EBADF; wakes nobody.
    pub fn mark_closed(&self) {
        self.set(state::CLOSED);
    }
}

/// On a vCPU's thread: makes a coroutine look again. One that has moved away meanwhile (it is
/// migratable, and something else woke it) gets the message there.
#[inline]
fn wake(task: TaskRef) {
    match sched::current() {
        // Only this thread can take it away from this vCPU.
        Some(v) if task.owner.load(Relaxed) == v.id() as u32 + 1 => sched::ready(task),
        _ => sched::wake(task),
    }
}

impl std::fmt::Debug for Rec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.load(Relaxed);
        f.debug_struct("Rec").field("fd", &self.fd).field("state", &state).finish_non_exhaustive()
    }
}

impl Drop for Rec {
    fn drop(&mut self) {
        // A list, and perhaps the kernel, would go on using this stack: nothing after that can be
        // trusted.
        if self.linked.get() {
            eprintln!("photonrt: an I/O call ended while its record was in use (fd {})", self.fd);
            std::process::abort();
        }
    }
}

/// Sends a message; true if it will be run.
pub fn post(to: &VCpu, message: Message) -> bool {
    to.post(message)
}

/// Runs `visit` on the Rec at its home: here, if the coroutine is still there, else by a message
/// that is waited for. `visit` must not switch.
///
/// False: the home is not running any more, and nothing has been done.
pub fn at_home(rec: &Rec, visit: impl FnMut(&VCpu, &Rec)) -> bool {
    struct Visit<'a, F> {
        rec: &'a Rec,
        visit: F,
        been: AtomicU32,
    }
    fn arrive<F: FnMut(&VCpu, &Rec)>(arg: usize) {
        let v = arg as *mut Visit<'_, F>;
        // SAFETY: `at_home` below waits for `been` before its frame ends, and touches nothing else
        // of it; this is the home's thread.
        unsafe {
            let rec = (*v).rec;
            if let Some(here) = sched::current() {
                ((*v).visit)(here, rec);
            }
            let task = rec.task;
            // Release: pairs with the acquire below. The last touch.
            (*v).been.store(1, Release);
            sched::wake(task);
        }
    }
    fn message<F: FnMut(&VCpu, &Rec)>(v: *mut Visit<'_, F>) -> Message {
        Message { run: arrive::<F>, arg: v as usize }
    }
    let mut v = Visit { rec, visit, been: AtomicU32::new(0) };
    let here = sched::current();
    if let Some(here) = here.filter(|here| here.id() == rec.home) {
        (v.visit)(here, rec);
        return true;
    }
    let p = &raw mut v;
    let taken = sched::vcpu(rec.home).is_some_and(|home| post(home, message(p)));
    if taken {
        // Acquire: pairs with `arrive`: what it did is done.
        // SAFETY: `v` is alive; `arrive` and this share nothing but the atomic.
        wait::until_done(|| unsafe { (*p).been.load(Acquire) != 0 });
    }
    taken
}

/// A close that waits for the calls under way: each vCPU asked acknowledges once.
#[derive(Debug)]
pub struct Closer {
    /// The descriptor.
    pub fd: c_int,
    pending: AtomicUsize,
    waiter: Waiter,
}

#[derive(Debug, Clone, Copy)]
enum Waiter {
    Task(TaskRef),
    /// A parker's id.
    Thread(u32),
}

impl Closer {
    /// For the calling coroutine, or the calling thread; one acknowledgement is owed by the caller
    /// itself.
    pub fn new(fd: c_int, task: Option<TaskRef>) -> Closer {
        let waiter = task.map_or_else(|| Waiter::Thread(parker::with(|id, _| id)), Waiter::Task);
        Closer { fd, pending: AtomicUsize::new(1), waiter }
    }

    /// One more is asked.
    pub fn ask(&self) {
        self.pending.fetch_add(1, Relaxed);
    }

    /// One has answered. The closer may be gone when this returns.
    pub fn ack(&self) {
        let waiter = self.waiter;
        // Release: what the calls did to their buffers is before the close; acquire: one
        // acknowledger's for the next.
        if self.pending.fetch_sub(1, AcqRel) == 1 {
            match waiter {
                Waiter::Task(t) => sched::wake(t),
                Waiter::Thread(id) => sched::wake_waiter(id),
            }
        }
    }

    /// Waits for all answers; the caller's own is given here.
    pub fn wait(&self) {
        self.ack();
        // Acquire: pairs with ack's release.
        let done = || self.pending.load(Acquire) == 0;
        match self.waiter {
            Waiter::Task(_) => wait::until_done(done),
            Waiter::Thread(_) => {
                // It has no deadline and nothing else to end it.
                let _ = parker::with(|_, p| wait::thread_until(Deadline::Never, p, done));
            }
        }
    }
}

/// Notes of [`Slot`].
pub mod bits {
    /// `ready`: in the poller.
    pub const REGISTERED: u16 = 1;
    /// The last receive took all there was, and nothing has been heard since.
    pub const DRAINED: u16 = 2;
    /// `uring`: the last receive left something.
    pub const MORE: u16 = 4;
    /// `ready`: a short receive proves nothing here.
    pub const UNSURE: u16 = 8;
    /// `ready`: a short receive proves that there was no more.
    pub const STREAM: u16 = 16;
    /// `ready`: in the list of those that a sweep looks at.
    pub const YOUNG: u16 = 32;
    /// `ready`: being looked at by a sweep.
    pub const SWEPT: u16 = 64;
    /// `uring`: the kernel receives ahead; a close waits for that too.
    pub const AHEAD: u16 = 128;
    /// `uring`: it has positions.
    pub const POSITIONS: u16 = 256;
    /// `uring`: a send that need not copy is copied nevertheless, or not to be had.
    pub const COPIES: u16 = 512;
}

/// One descriptor's.
#[derive(Debug)]
pub struct Slot {
    first: Cell<*const Rec>,
    closer: Cell<*const Closer>,
    generation: Cell<u32>,
    bits: Cell<u16>,
    /// `uring`: the number of what receives ahead, plus one.
    pub ahead: Cell<u32>,
}

impl Slot {
    fn new() -> Slot {
        Slot {
            first: Cell::new(null()),
            closer: Cell::new(null()),
            generation: Cell::new(0),
            bits: Cell::new(0),
            ahead: Cell::new(0),
        }
    }

    /// Which of the number's lives the notes are about.
    pub fn generation(&self) -> u32 {
        self.generation.get()
    }

    /// Whether one of the notes is there.
    #[inline]
    pub fn has(&self, bits: u16) -> bool {
        self.bits.get() & bits != 0
    }

    /// All notes.
    #[inline]
    pub fn notes(&self) -> u16 {
        self.bits.get()
    }

    /// Takes `off` away, then adds `on`.
    #[inline]
    pub fn note(&self, off: u16, on: u16) {
        self.bits.set(self.bits.get() & !off | on);
    }

    /// The calls that wait. None of them may be unlinked meanwhile.
    pub fn recs(&self) -> impl Iterator<Item = &Rec> {
        let mut p = self.first.get();
        std::iter::from_fn(move || {
            // SAFETY: what is linked is alive (Rec's drop sees to it).
            let rec = unsafe { p.as_ref() }?;
            p = rec.next.get();
            Some(rec)
        })
    }

    /// Neither a call nor the kernel is at it.
    pub fn is_idle(&self) -> bool {
        self.first.get().is_null() && !self.has(bits::AHEAD)
    }

    /// Answers a close that waits, if nothing is under way any more.
    pub fn settle(&self) {
        if self.is_idle() {
            // SAFETY: a closer waits for this very answer.
            if let Some(closer) = unsafe { self.closer.replace(null()).as_ref() } {
                closer.ack();
            }
        }
    }
}

const CHUNK_BITS: u32 = 8;
const CHUNK: usize = 1 << CHUNK_BITS;

/// See the module.
#[derive(Debug, Default)]
pub struct Slots {
    chunks: Vec<Option<Box<[Slot]>>>,
    /// Recs in lists.
    pub linked: usize,
}

impl Slots {
    /// The slot of a descriptor, its notes cleared if they are about a former life of the number.
    /// ENOMEM.
    #[inline]
    pub fn get(&mut self, fd: c_int) -> Result<&Slot, Errno> {
        let generation = table::entry(fd)?.generation();
        let slot = self.grown(fd)?;
        if slot.generation.replace(generation) != generation {
            slot.bits.set(slot.bits.get() & bits::YOUNG);
        }
        Ok(slot)
    }

    /// The slot, as it is, if there is one.
    #[inline]
    pub fn find(&self, fd: c_int) -> Option<&Slot> {
        let fd = usize::try_from(fd).ok()?;
        Some(&self.chunks.get(fd >> CHUNK_BITS)?.as_ref()?[fd % CHUNK])
    }

    /// Something about the descriptor is about to be looked at.
    #[inline]
    pub fn prefetch(&self, fd: c_int) {
        if let Some(slot) = self.find(fd) {
            arch::prefetch(std::ptr::from_ref(slot).cast());
        }
    }

    /// The same, a little later, for the call that waits.
    #[inline]
    pub fn prefetch_call(&self, fd: c_int) {
        if let Some(slot) = self.find(fd) {
            prefetch_rec(slot.first.get().addr());
        }
    }

    #[inline]
    fn grown(&mut self, fd: c_int) -> Result<&Slot, Errno> {
        let chunk = fd as usize >> CHUNK_BITS;
        if !matches!(self.chunks.get(chunk), Some(Some(_))) {
            self.add_chunk(chunk)?;
        }
        self.find(fd).ok_or(Errno::EBADF)
    }

    #[cold]
    fn add_chunk(&mut self, chunk: usize) -> Result<(), Errno> {
        let no_memory = |_| Errno::ENOMEM;
        if self.chunks.len() <= chunk {
            let more = chunk + 1 - self.chunks.len();
            self.chunks.try_reserve(more).map_err(no_memory)?;
            self.chunks.resize_with(chunk + 1, || None);
        }
        let mut slots = Vec::new();
        slots.try_reserve_exact(CHUNK).map_err(no_memory)?;
        slots.resize_with(CHUNK, Slot::new);
        self.chunks[chunk] = Some(slots.into_boxed_slice());
        Ok(())
    }

    /// Puts a Rec into its descriptor's list, and its second into the other's. ENOMEM: in neither.
    ///
    /// # Safety
    /// The Recs stay where they are until they have been unlinked from these slots.
    #[inline]
    pub unsafe fn link(&mut self, rec: &Rec) -> Result<(), Errno> {
        // SAFETY: the caller's.
        unsafe {
            self.link_one(rec)?;
            let Some(second) = rec.twin.get().as_ref() else { return Ok(()) };
            self.link_one(second).inspect_err(|_| self.unlink_one(rec))
        }
    }

    /// # Safety
    /// As [`Slots::link`].
    #[inline]
    unsafe fn link_one(&mut self, rec: &Rec) -> Result<(), Errno> {
        let slot = self.grown(rec.fd)?;
        let old = slot.first.replace(rec);
        rec.next.set(old);
        rec.prev.set(null());
        // SAFETY: what is linked is alive.
        if let Some(old) = unsafe { old.as_ref() } {
            old.prev.set(rec);
        }
        rec.linked.set(true);
        self.linked += 1;
        Ok(())
    }

    /// Takes a Rec out, and its second; one that is in no list is left alone. The last one of a
    /// list answers a close that waits.
    #[inline]
    pub fn unlink(&mut self, rec: &Rec) {
        // SAFETY: tied, hence alive as long as this one is.
        if let Some(second) = unsafe { rec.twin.get().as_ref() } {
            self.unlink_one(second);
        }
        self.unlink_one(rec);
    }

    #[inline]
    fn unlink_one(&mut self, rec: &Rec) {
        if !rec.linked.replace(false) {
            return;
        }
        self.linked -= 1;
        let (next, prev) = (rec.next.get(), rec.prev.get());
        // SAFETY: neighbours are linked, hence alive.
        unsafe {
            if let Some(next) = next.as_ref() {
                next.prev.set(prev);
            }
            if let Some(prev) = prev.as_ref() {
                prev.next.set(next);
                return;
            }
        }
        let Some(slot) = self.find(rec.fd) else { return };
        slot.first.set(next);
        slot.settle();
    }

    /// The closer waits for the calls in the list, or is answered at once if there is none.
    ///
    /// # Safety
    /// The closer lives until it has been answered.
    pub unsafe fn set_closer(&self, closer: &Closer) {
        match self.find(closer.fd) {
            Some(slot) if !slot.is_idle() => slot.closer.set(closer),
            _ => closer.ack(),
        }
    }
}
