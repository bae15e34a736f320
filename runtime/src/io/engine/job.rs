//! A call of a coroutine that a thread of the pool makes, on either engine: what nothing tells the
//! readiness of, and what an old ring does not know.
//!
//! Its record is in the list of the descriptor like any other, so that a close finds it. A job that
//! no thread has begun is taken back; one that has begun is waited for.
#![allow(unsafe_code)]

use crate::blocking::{FILES, Job};
use crate::err::Errno;
use crate::io::engine::slots::{Kind, Rec, at_home, state};
use crate::io::engine::{Step, with};
use crate::io::op::Op;
use crate::io::sys::R;
use crate::sched::VCpu;
use crate::wait::{self, Deadline};

/// Has a thread of the pool make the call.
pub fn offload<O: Op>(op: &mut O, vcpu: &'static VCpu, deadline: Deadline) -> Step {
    let rec = match Rec::new(vcpu, op.fd(), Kind::Job) {
        Ok(r) => r,
        Err(e) => return e.into(),
    };
    let second = rec.second(op.fd2());
    rec.tie(second.as_ref());
    if op.fd() >= 0 {
        // SAFETY: unlinked below.
        if let Err(e) = with(vcpu, |e| unsafe { e.slots().link(&rec) }) {
            return e.into();
        }
    }
    let r = on_pool(op, &rec, deadline);
    at_home(&rec, |v, rec| with(v, |e| e.slots().unlink(rec)));
    Step::Done(r)
}

fn on_pool<O: Op>(op: &mut O, rec: &Rec, deadline: Deadline) -> R {
    let job = Job::new(&FILES, rec.task(), || op.block());
    // SAFETY: below, it is done or withdrawn before it goes.
    unsafe { job.submit()? };
    let stopped = wait::until(deadline, || job.done() || rec.is(state::CLOSED)).err();
    if !job.done() && job.withdraw() {
        return match stopped {
            Some(stop) => super::stopped(op, stop, deadline),
            None => op.partial().ok_or(Errno::EBADF),
        };
    }
    wait::until_done(|| job.done());
    if let Some(stop) = stopped {
        wait::give_back(stop);
    }
    job.result().unwrap_or(Err(Errno::ECANCELED))
}

/// See `engine::run_to_end`.
pub fn run_to_end<O: Op>(op: &mut O, vcpu: &'static VCpu) -> R {
    let Some(task) = vcpu.task() else { return op.block() };
    {
        let job = Job::new(&FILES, task, || op.block());
        // SAFETY: waited for right here.
        if unsafe { job.submit() }.is_ok() {
            wait::until_done(|| job.done());
            return job.result().unwrap_or(Err(Errno::ECANCELED));
        }
    }
    // No thread to be had: then it blocks.
    op.block()
}
