//! A worker: one coroutine that runs job after job, for each of them a new one.
//!
//! ```text
//! spawned with a job --> run it --> settle, renew --> done; next: a job --> run it ...
//!                                                           idle  --> granted: renew, run it ...
//!                                                           end
//! ```
//! Between two jobs there is one entry of the pool's guard, in which the one is counted out and the next
//! is taken. Idle workers may be moved by the scheduler ([`crate::sched::renew`]): a job begins where
//! there is time, not where its worker was last.
#![allow(unsafe_code)]

use super::job::{Idle, Job};
use super::state::{After, DONE, Turn};
use super::{PoolSlot, enter, free, stays};
use crate::err::Errno;
use crate::sched::renew::{go_to, loosen, original, renew, settle};
use crate::sched::{self, Env, TaskRef, foreign, running};
use crate::task::{Attr, Entry, flags};
use crate::wait::Deadline;
use crate::wait::caller::here;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;

/// What a worker begins with; copied onto its stack.
#[derive(Clone, Copy, Debug)]
struct First {
    slot: &'static PoolSlot,
    pool: u64,
    group: u64,
    job: Option<Job>,
    name: [u8; 32],
}

/// One address, to be known again.
static MAIN: Entry = worker_main;

/// Spawns a worker that has been counted, with its first job. If that fails it is counted out again,
/// and unless somebody else runs the job, so is that.
pub(super) fn spawn(slot: &'static PoolSlot, pool: u64, job: Option<Job>) -> Result<(), Errno> {
    let set = enter(slot, |s| s.set);
    let first = First { slot, pool, group: set.group, job, name: set.name };
    let near = if job.is_some_and(|j| j.caller().is_some()) { flags::NEAR } else { 0 };
    let end = set.name.iter().position(|c| *c == 0).unwrap_or(set.name.len());
    let attr = Attr {
        flags: set.flags | flags::DETACHED | near,
        group: set.group,
        stack_size: set.stack_size,
        name: &set.name[..end],
        ..Attr::default()
    };
    let from = (&raw const first).cast();
    let env = Env { from, size: size_of::<First>(), align: align_of::<First>() };
    let spawned = sched::spawn(&attr, (MAIN, null_mut()), Some(env));
    if let Err(e) = spawned {
        let mut after = After::default();
        let taken = enter(slot, |s| s.not_spawned(job, &mut after));
        let gone = after.gone;
        after.carry_out(here());
        if gone {
            let _ = free(slot, pool);
        }
        return if taken { Ok(()) } else { Err(e) };
    }
    Ok(())
}

/// The pool that the caller is a worker of; 0: none.
pub(super) fn own_pool() -> u64 {
    let Some(t) = running().map(|r| r.1).or_else(foreign::task) else { return 0 };
    if !t.entry.get().is_some_and(|e| std::ptr::fn_addr_eq(e, MAIN)) {
        return 0;
    }
    // SAFETY: a worker's argument is its First, at the top of its stack.
    unsafe { (*t.arg.get().cast::<First>()).pool }
}

struct Worker<'a> {
    t: TaskRef,
    first: &'a First,
    flags: u32,
}

unsafe extern "C" fn worker_main(arg: *mut c_void) -> *mut c_void {
    // SAFETY: the copy that `spawn` has had made.
    let first = unsafe { &*arg.cast::<First>() };
    let Some((_, t)) = running() else { return null_mut() };
    // What co_env gives is a copy of the user's, and there is none.
    t.env.store(null_mut(), Relaxed);
    let worker = Worker { t, first, flags: original(t) };
    let mut job = first.job.or_else(|| worker.turn(None, true));
    while let Some(j) = job {
        job = worker.run(j);
    }
    null_mut()
}

impl Worker<'_> {
    fn renew(&self) -> bool {
        renew(self.t, self.flags, &self.first.name)
    }

    /// Runs a job; gives the next one. None: it ends.
    fn run(&self, job: Job) -> Option<Job> {
        let co = self.t.handle();
        let wanted = job.caller().is_none_or(|call| enter(self.first.slot, |s| s.start(call, co)));
        if !wanted {
            return self.turn(Some((job, None)), true);
        }
        // SAFETY: the submitter vouched for entry and argument.
        let result = unsafe { (job.entry)(job.arg) };
        settle(self.t);
        let home = self.t.group.load(Relaxed) == self.first.group || self.go_home();
        let fit = self.renew() && home;
        self.turn(Some((job, Some(result))), fit)
    }

    #[cold]
    fn go_home(&self) -> bool {
        loosen(self.t);
        go_to(self.t, self.first.group).is_ok()
    }

    /// One job is done, if there was one: gives the next, when there is. None: it ends.
    fn turn(&self, done: Option<(Job, Option<*mut c_void>)>, fit: bool) -> Option<Job> {
        let slot = self.first.slot;
        let idle = Idle::new(self.t);
        idle.begin();
        let mut after = After::default();
        let turn = enter(slot, |s| {
            if let Some((job, ran)) = done {
                s.done(job, ran, &mut after);
            }
            s.turn(&idle, fit, stays(), &mut after)
        });
        let gone = after.gone;
        after.carry_out(here());
        match turn {
            Turn::Job(job) => Some(job),
            Turn::End => {
                if gone {
                    let _ = free(slot, self.first.pool);
                }
                None
            }
            Turn::Idle => self.wait(&idle),
        }
    }

    /// Waits in the queue of the idle.
    fn wait(&self, idle: &Idle) -> Option<Job> {
        loosen(self.t);
        let granted = match idle.node.wait(Deadline::Never) {
            Ok(what) => what,
            // Whoever cancels a worker that does nothing ends it.
            Err(_) => {
                let mut after = After::default();
                let left = enter(self.first.slot, |s| s.retire(idle, &mut after));
                let gone = after.gone;
                after.carry_out(here());
                if left {
                    if gone {
                        let _ = free(self.first.slot, self.first.pool);
                    }
                    return None;
                }
                idle.node.outwait()
            }
        };
        if granted != DONE {
            return None;
        }
        // One that has been sent to another group meanwhile, and can't come back, runs it there.
        let _ = go_to(self.t, self.first.group);
        // The last of its handles does for this one too.
        let _ = self.renew();
        idle.job.take()
    }
}
