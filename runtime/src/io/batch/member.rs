//! One operation of a batch, under way.
#![allow(unsafe_code)]

use super::operation::{Face, Operation, Traits};
use crate::blocking::{Job, Work};
use crate::err::Errno;
use crate::io::engine::is_ahead;
use crate::io::engine::slots::{Rec, state};
use crate::io::sys::R;
use crate::io::table::{self, Enter};
use crate::sched::VCpu;
use crate::time;
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_int;

/// Where an operation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The one before it in its chain has to succeed first.
    Behind,
    /// To be begun, or gone on with.
    Due,
    /// Due at that time; a timer's end.
    Paused(i64),
    /// In the ring.
    Ring,
    /// Waits for its descriptor to be ready, which the ring tells.
    Polled,
    /// The same, which the poller tells.
    Watched,
    /// With the pool; the first of its unit.
    Pool,
    /// In the unit of one that is with the pool.
    Along,
    /// It has its result.
    Over,
}

/// See the module. Nobody but the coroutine or thread of the batch touches it, with two exceptions:
/// the home vCPU of `rec`, and the thread of the pool that has `job`.
pub struct Member {
    op: UnsafeCell<Operation>,
    rec: UnsafeCell<Option<Rec>>,
    /// In the list of the other descriptor, if there is one. Few have it, or a job: so it does not
    /// make the others larger.
    second: UnsafeCell<Vec<Rec>>,
    job: UnsafeCell<Vec<Job<Calls>>>,
    /// How many of its unit the pool has carried out.
    pub ran: Cell<usize>,
    pub fd: c_int,
    pub fd2: c_int,
    /// It is about a descriptor.
    pub has_fd: bool,
    /// See [`Operation`].
    pub takes: bool,
    pub traits: Traits,
    /// See [`Operation`].
    pub now: bool,
    pub timer: Option<i64>,
    pub refused: Cell<Option<Errno>>,
    pub linked: bool,
    pub stage: Cell<Stage>,
    /// Linked, and a file's: a try might come to a part of it only, the one that is in memory.
    pub to_be_whole: Cell<bool>,
    /// Length of the unit that begins here; 1: it is by itself.
    pub unit: Cell<usize>,
    /// Which of its descriptors' lives it is about, once that is known.
    pub lives: Cell<[Option<u32>; 2]>,
    /// The ring could not do it alone: poll next.
    pub poll_next: Cell<bool>,
    /// The pool has begun it: a close waits with us.
    pub deaf: Cell<bool>,
    pub result: Cell<R>,
    /// The result is its own, not that of being called off.
    pub carried: Cell<bool>,
    /// It has succeeded, and wholly.
    pub whole: Cell<bool>,
}

impl Member {
    pub fn new(mut op: Operation, stage: Stage) -> Member {
        let (fd, fd2, traits) = (op.face().fd(), op.face().fd2(), op.face().traits());
        Member {
            fd,
            fd2,
            has_fd: traits.has_fd || fd >= 0,
            takes: op.takes,
            traits,
            now: op.now,
            timer: op.timer,
            refused: Cell::new(op.refused),
            linked: op.linked,
            op: UnsafeCell::new(op),
            rec: UnsafeCell::new(None),
            second: UnsafeCell::new(Vec::new()),
            job: UnsafeCell::new(Vec::new()),
            ran: Cell::new(0),
            stage: Cell::new(stage),
            to_be_whole: Cell::new(false),
            unit: Cell::new(1),
            lives: Cell::new([None; 2]),
            poll_next: Cell::new(false),
            deaf: Cell::new(false),
            result: Cell::new(Err(Errno::ECANCELED)),
            carried: Cell::new(false),
            whole: Cell::new(false),
        }
    }

    /// Its operation. `f` must not lead back here; and no thread of the pool has it.
    pub fn op<T>(&self, f: impl FnOnce(&mut dyn Face) -> T) -> T {
        // SAFETY: one at a time touches it: the batch, or between submit and DONE the pool.
        f(unsafe { (*self.op.get()).face() })
    }

    /// Its record, while it waits.
    pub fn rec(&self) -> Option<&Rec> {
        // SAFETY: replaced only by `set_rec`, which has the same caller.
        unsafe { (*self.rec.get()).as_ref() }
    }

    /// A new record. ENOMEM.
    ///
    /// # Safety
    /// The old one is in no list, and nobody keeps a reference to it.
    pub unsafe fn set_rec(&self, rec: Rec) -> Result<&Rec, Errno> {
        // SAFETY: the caller's.
        let rec = unsafe { (*self.rec.get()).insert(rec) };
        if let Some(second) = rec.second(self.fd2) {
            // SAFETY: it goes with the first.
            rec.tie(Some(only(unsafe { &mut *self.second.get() }, second)?));
        }
        Ok(rec)
    }

    pub fn rec_is(&self, bits: u32) -> bool {
        self.rec().is_some_and(|r| r.is(bits))
    }

    /// Its job, while it is with the pool.
    pub fn job(&self) -> Option<&Job<Calls>> {
        // SAFETY: as `rec`.
        unsafe { (*self.job.get()).first() }
    }

    /// A new job. ENOMEM.
    ///
    /// # Safety
    /// The old one is done or withdrawn, and nobody keeps a reference to it.
    pub unsafe fn set_job(&self, job: Job<Calls>) -> Result<&Job<Calls>, Errno> {
        // SAFETY: the caller's.
        only(unsafe { &mut *self.job.get() }, job).map(|job| &*job)
    }

    pub fn job_done(&self) -> bool {
        self.job().is_some_and(Job::done)
    }

    /// Carries it out as it blocks.
    pub fn block(&self) {
        let r = self.op(|op| op.block());
        self.result.set(r);
        self.note_whole(r);
    }

    pub fn note_whole(&self, r: R) {
        self.whole.set(matches!(r, Ok(n) if self.op(|op| op.is_whole(n))));
    }

    /// Enters the vCPU, or the plain threads, for its descriptors: Open, or Last. EBADF: one is
    /// being closed, or is not the one any more that it was; EBUSY: what it wants is taken ahead.
    pub fn enter(&self, vcpu: Option<&VCpu>) -> Result<Enter, Errno> {
        let mut lives = self.lives.get();
        for (fd, life) in self.descriptors().zip(&mut lives) {
            let entry = table::entry(fd)?;
            if life.is_none() {
                // Without giving up the vCPU: a close would not find this call meanwhile.
                entry.life();
            }
            let entered = vcpu.map_or_else(|| entry.enter_plain(), |v| entry.enter(v.id()));
            match entered {
                Enter::Open if life.is_none_or(|life| life == entry.generation()) => {
                    *life = Some(entry.generation());
                }
                // Its former life ends; it is ours already.
                Enter::Last if life.is_none() => return Ok(Enter::Last),
                _ => {
                    // Nor when its turn comes.
                    self.refused.set(Some(Errno::EBADF));
                    return Err(Errno::EBADF);
                }
            }
        }
        self.lives.set(lives);
        match self.op(|op| op.outlived()) {
            true => Err(Errno::EBADF),
            false if self.takes && is_ahead(self.fd) => Err(Errno::EBUSY),
            false => Ok(Enter::Open),
        }
    }

    /// Whether its descriptors are those that they were.
    pub fn is_alive(&self) -> bool {
        let mut both = self.descriptors().zip(self.lives.get());
        both.all(|(fd, life)| table::entry(fd).is_ok_and(|e| life == Some(e.generation())))
    }

    /// The descriptors that it is about.
    pub fn descriptors(&self) -> impl Iterator<Item = c_int> + Clone {
        let second = (self.fd2 >= 0).then_some(self.fd2);
        self.has_fd.then_some(self.fd).into_iter().chain(second)
    }

    /// Whether it is to be begun, or gone on with, now.
    pub fn is_due(&self) -> bool {
        match self.stage.get() {
            Stage::Due => true,
            Stage::Paused(t) => t <= time::now(),
            _ => false,
        }
    }

    /// Whether the kernel, or the poller, has news of it.
    pub fn has_news(&self) -> bool {
        match self.stage.get() {
            Stage::Ring | Stage::Polled => self.rec_is(state::DONE),
            Stage::Watched => self.rec_is(state::DONE | state::CLOSED),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("fd", &self.fd).field("stage", &self.stage).finish()
    }
}

/// Makes `new` the only thing in the vector. ENOMEM.
fn only<T>(v: &mut Vec<T>, new: T) -> Result<&mut T, Errno> {
    v.clear();
    v.try_reserve_exact(1).map_err(|_| Errno::ENOMEM)?;
    v.push(new);
    Ok(&mut v[0])
}

/// What a thread of the pool does for a unit: one after the other, while they succeed.
#[derive(Debug)]
pub struct Calls {
    unit: *const [Member],
}

impl Calls {
    pub fn new(unit: &[Member]) -> Calls {
        Calls { unit }
    }
}

impl Work for Calls {
    type Out = ();
    fn run(&mut self) {
        // SAFETY: the batch keeps its members, and waits for the job before it touches these.
        let unit = unsafe { &*self.unit };
        run_unit(unit);
    }
}

/// Carries out a unit as it blocks, to its end or the first that does not succeed wholly.
pub fn run_unit(unit: &[Member]) {
    let mut ran = 0;
    for m in unit {
        m.block();
        ran += 1;
        if !m.whole.get() {
            break;
        }
    }
    unit[0].ran.set(ran);
}
