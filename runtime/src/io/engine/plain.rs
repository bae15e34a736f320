//! I/O calls on a thread that is no coroutine: they block it. Try, wait with poll(2), try again; a
//! file just blocks.

use crate::err::Errno;
use crate::io::engine::AGAIN_NS;
use crate::io::op::Op;
use crate::io::sys::{self, R, Try};
use crate::time;
use crate::wait::Deadline;
use std::time::Duration;

/// Nanoseconds that are left; None: for ever. Err: none.
fn left(deadline: Deadline) -> Result<Option<i64>, Errno> {
    match deadline {
        Deadline::Never => Ok(None),
        Deadline::Now => Err(Errno::EAGAIN),
        Deadline::At(t) => match t - time::now() {
            ns if ns <= 0 => Err(Errno::ETIMEDOUT),
            ns => Ok(Some(ns)),
        },
    }
}

/// Carries out a call.
pub fn run<O: Op>(mut op: O, deadline: Deadline) -> R {
    if O::BLOCKS && !matches!(deadline, Deadline::Now) {
        return op.block();
    }
    loop {
        match op.attempt() {
            Try::Done(r) => return r,
            Try::Blocks => return block(&mut op, deadline),
            Try::Wait if sys::is_file(op.fd())? => return block(&mut op, deadline),
            Try::Wait => match sys::poll(op.fd(), op.events(), left(deadline)?) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(e) => return Err(e),
            },
            Try::Again => {
                let ns = left(deadline)?.unwrap_or(AGAIN_NS).min(AGAIN_NS);
                std::thread::sleep(Duration::from_nanos(ns as u64));
            }
        }
    }
}

fn block<O: Op>(op: &mut O, deadline: Deadline) -> R {
    if matches!(deadline, Deadline::Now) {
        return Err(Errno::EAGAIN);
    }
    op.block()
}
