//! Batches: several operations of one coroutine (or thread) at once, each with its own result.
//!
//! ```text
//!   Batch --> [ Member | Member | Member | ... ]      one block, made before anything begins
//!               op        the same struct that the single call uses: `operation`
//!               rec       its wait: in the ring, in a descriptor's list, or with the pool
//!               stage     where it is
//!
//!   stage:  Behind --> Due --> Ring, Polled, Watched, Pool --> Over
//!                       ^ \_______________ at once ___________^
//!                       \__ not yet after all: again
//! ```
//! A pass looks at every member in order: what has news goes on, what is due begins. Then the
//! coroutine parks until something has news, and passes again, until all are over (or, with `any`,
//! one chain is): `waiting`. What is left then is called off, and waited for: when the call returns
//! nobody holds a buffer. A plain thread does the same around poll(2): `thread`.
//!
//! **One submission.** On the ring a pass pushes its entries without entering; four or more are
//! submitted at the end of the pass instead of at the end of the round, since most are then
//! complete at once (files in memory, sends) and nothing has to be parked. So a batch also leaves
//! out the try by a system call that the single call makes first.
//!
//! **Links.** `linked` members make a chain: the next begins when the one before it has wholly
//! succeeded, otherwise it is over with ECANCELED. In general the batch itself begins the next.
//! Members in a row that are bounded (a file's: they wait for a device at most) are a **unit**, and
//! done as one:
//!
//! | where | a unit is |
//! |---|---|
//! | ring | entries with IOSQE_IO_LINK, in one submission |
//! | no ring | one job of the pool, call after call |
//! | plain thread | call after call |
//!
//! Only those, since a linked entry that the kernel has not begun yet can be found neither by a
//! cancel nor by a close of its descriptor: whoever waits for it waits for those before it, which
//! must be short. It costs little: a send before a receive is mostly done by the time that the pass
//! comes to the receive. And the kernel's idea of "wholly" is not the same for each operation (a
//! short send or a failed fsync does not break its links; so an fsync can only be a unit's last);
//! ours is.
//!
//! **Close.** Each member has a record of its own in its descriptor's list, so a close ends that
//! member and no other. One that has yet to begin remembers which of its number's lives it is
//! about.
//!
//! **Cost.** CPU time of an operation in nanoseconds, one vCPU, best of five, on a machine whose
//! system calls are cheap (a bare pread of 64 bytes takes 264) and which others were using:
//!
//! | | uring | ready |
//! |---|---|---|
//! | 64 preads of cached 64 bytes, call after call | 329 | 337 |
//! | the same as a batch | 364 | 407 |
//! | the same by 64 coroutines | 413 | 444 |
//! | a pread alone; as a batch of one | 369; 428 | 396; 452 |
//! | 64 sends, then 64 receives, on 128 sockets: calls; batches (each pair) | 1802; 1403 | 1027; 1203 |
//! | write, read, write, read of a file: calls; a chain | 3031; 2901 | 6995; 6353 |
//!
//! So a batch is for waiting for many at once; where nothing has to wait it saves nothing here: the
//! ring's entry and completion cost what a system call does.
//!
//! Rejected: a coroutine for each operation (it needs nothing new, but costs a stack and two
//! switches each, and does not exist on plain threads); a linked timeout in the ring instead of our
//! deadline (the other engines have none, and a timeout would say ECANCELED); a list of the records
//! with news instead of a look at each (a look is a load, and completions mostly come many at a
//! time).

use crate::err::Errno;
use crate::io::engine;
use crate::io::sys::R;
use crate::time;
use crate::wait::{self, Deadline};
use member::{Member, Stage};
use std::cell::Cell;

mod member;
mod operation;
#[cfg(target_os = "linux")]
mod ring;
mod thread;
mod waiting;

pub use operation::Operation;

/// From so many entries on a pass submits them itself; with fewer members each is tried first.
const FEW: usize = 4;
/// Members of a unit at most.
const UNIT_MAX: usize = 64;
/// How often a member is looked at that nobody will tell about.
const LOOK_NS: i64 = 10_000_000;

/// See the module.
#[derive(Debug)]
struct Batch {
    members: Vec<Member>,
    /// One chain is enough.
    any: bool,
    /// Not over.
    left: Cell<usize>,
    /// Over with a result of their own.
    carried: Cell<usize>,
    chains_over: Cell<usize>,
    /// The result of what is called off: from then on nothing begins.
    stop: Cell<Option<Errno>>,
    /// Pushed to the ring in this pass.
    pushed: Cell<usize>,
}

/// Carries out operations; how many of them (or 0 if there are none). `result` is told each result
/// exactly once, unless this fails with EINVAL or ENOMEM, when nothing has begun.
pub fn batch(
    operations: impl ExactSizeIterator<Item = Operation>,
    any: bool,
    timeout_ns: i64,
    mut result: impl FnMut(usize, R),
) -> R {
    let deadline = Deadline::new(timeout_ns)?;
    let batch = Batch::new(operations, any)?;
    let stopped = if engine::coroutine().is_some() {
        waiting::carry_out(&batch, deadline)
    } else {
        thread::carry_out(&batch, deadline)?
    };
    debug_assert_eq!(batch.left.get(), 0);
    for (i, m) in batch.members.iter().enumerate() {
        result(i, m.result.get());
    }
    let carried = batch.carried.get() as i64;
    match stopped {
        Some(stop) if carried == 0 => Err(stop.errno(deadline)),
        Some(stop) => {
            wait::give_back(stop);
            Ok(carried)
        }
        // Without a chance to wait.
        None if carried == 0 && !batch.members.is_empty() => Err(Errno::EAGAIN),
        None => Ok(carried),
    }
}

impl Batch {
    fn new(
        operations: impl ExactSizeIterator<Item = Operation>,
        any: bool,
    ) -> Result<Batch, Errno> {
        let mut members: Vec<Member> = Vec::new();
        members.try_reserve_exact(operations.len()).map_err(|_| Errno::ENOMEM)?;
        let mut behind = false;
        for op in operations {
            let m = Member::new(op, if behind { Stage::Behind } else { Stage::Due });
            if behind {
                // Which of its descriptor's lives it is about that begins later.
                let _known = m.enter(engine::coroutine());
            }
            behind = m.linked;
            members.push(m);
        }
        if let Some(last) = members.last_mut() {
            last.linked = false;
        }
        make_units(&members);
        Ok(Batch {
            left: Cell::new(members.len()),
            members,
            any,
            carried: Cell::new(0),
            chains_over: Cell::new(0),
            stop: Cell::new(None),
            pushed: Cell::new(0),
        })
    }

    /// Whether there is nothing more to wait for.
    fn satisfied(&self) -> bool {
        self.left.get() == 0 || self.any && self.chains_over.get() > 0
    }

    /// A member has its result: what is behind it becomes due, or is over too. `carried`: it is the
    /// operation's own.
    fn over(&self, at: usize, r: R, carried: bool) {
        let m = &self.members[at];
        m.result.set(r);
        m.carried.set(carried);
        m.note_whole(r);
        self.carried.set(self.carried.get() + usize::from(carried));
        let mut at = at;
        loop {
            let m = &self.members[at];
            m.stage.set(Stage::Over);
            self.left.set(self.left.get() - 1);
            if !m.linked {
                self.chains_over.set(self.chains_over.get() + 1);
                return;
            }
            let next = &self.members[at + 1];
            if next.stage.get() != Stage::Behind {
                // With the ring or the pool already, which know what to do.
                return;
            }
            if m.whole.get() && self.stop.get().is_none() && !self.satisfied() {
                return next.stage.set(Stage::Due);
            }
            // Its result is ECANCELED from the beginning.
            at += 1;
        }
    }

    /// A member has been carried out, with a result of its own.
    fn done(&self, at: usize, r: R) {
        let m = &self.members[at];
        match self.stop.get() {
            _ if !m.op(|op| op.is_mute(&r)) => self.over(at, r, true),
            Some(why) => self.called_off(at, why),
            None => m.stage.set(Stage::Paused(time::now() + LOOK_NS)),
        }
    }

    /// A member is called off, for `why`; what it has transferred by then is its result.
    fn called_off(&self, at: usize, why: Errno) {
        match self.members[at].op(|op| op.partial()) {
            Some(n) => self.over(at, Ok(n), true),
            None => self.over(at, Err(why), false),
        }
    }

    /// A member is not to wait, and would have to. That is its own result if it was asked for with
    /// it.
    fn would_wait(&self, at: usize) {
        let m = &self.members[at];
        match m.now && m.op(|op| op.partial()).is_none() {
            true => self.fail(at, Errno::EAGAIN),
            false => self.called_off(at, Errno::EAGAIN),
        }
    }

    /// The chain of a member was broken before it: it is not to be carried out, or not yet.
    fn is_behind(&self, at: usize) -> bool {
        at > 0 && self.members[at - 1].linked && !self.members[at - 1].whole.get()
    }

    /// The unit that begins at a member.
    fn unit(&self, at: usize) -> &[Member] {
        &self.members[at..at + self.members[at].unit.get()]
    }

    /// The unit's members are on their own from now on.
    fn dissolve(&self, at: usize) {
        for m in self.unit(at) {
            m.unit.set(1);
        }
    }

    /// When a pause or a timer ends next, at the latest `deadline`.
    fn next_wake(&self, deadline: Deadline) -> Deadline {
        let at = |m: &Member| if let Stage::Paused(t) = m.stage.get() { Some(t) } else { None };
        match (self.members.iter().filter_map(at).min(), deadline) {
            (Some(t), Deadline::Never) => Deadline::At(t),
            (Some(t), Deadline::At(end)) => Deadline::At(t.min(end)),
            _ => deadline,
        }
    }

    /// A timer's beginning, and its end.
    fn run_timer(&self, at: usize, ns: i64, now: bool) {
        let m = &self.members[at];
        match m.stage.get() {
            Stage::Paused(_) => self.over(at, Ok(0), true),
            _ if ns == 0 => self.over(at, Ok(0), true),
            _ if now => self.would_wait(at),
            _ => m.stage.set(Stage::Paused(time::now().saturating_add(ns))),
        }
    }

    /// A member could not go on; what it has transferred is its result all the same.
    fn fail(&self, at: usize, e: Errno) {
        let partial = self.members[at].op(|op| op.partial());
        self.over(at, partial.ok_or(e), true);
    }

    /// A unit has been carried out as it blocks, or the beginning of it.
    fn unit_has_run(&self, at: usize) {
        let (unit, ran) = (self.unit(at), self.members[at].ran.get());
        unit[..ran].iter().for_each(|m| m.stage.set(Stage::Along));
        unit[ran..].iter().for_each(|m| m.stage.set(Stage::Behind));
        for (i, m) in unit[..ran].iter().enumerate() {
            self.done(at + i, m.result.get());
        }
    }
}

/// Finds the units, and what has to be whole.
fn make_units(members: &[Member]) {
    let bounded = |m: &Member| m.timer.is_none() && !m.now && m.op(|op| op.is_bounded());
    let mut at = 0;
    while at < members.len() {
        let mut len = 1;
        if members[at].linked && bounded(&members[at]) {
            members[at].to_be_whole.set(true);
            while len < UNIT_MAX
                && members[at + len - 1].linked
                && members[at + len - 1].traits.severs
                && bounded(&members[at + len])
            {
                members[at + len].to_be_whole.set(members[at + len].linked);
                len += 1;
            }
        }
        members[at].unit.set(len);
        at += len;
    }
}
