//! close: first the calls under way are ended, then the descriptor is closed, by the protocol of
//! `io::table`.
//!
//! close(2) itself may block: a socket that lingers, a file whose last name is gone (its blocks are
//! freed), a network file system. Those go to a thread, the kernel's or ours; the others are closed
//! right here.
//!
//! The host of an external group must not close outside of a coroutine what the group has used: the
//! answer could only come from its own co_group_poll.

use crate::err::Errno;
use crate::io::engine::slots::{Closer, post};
use crate::io::engine::{self, close_message, plain};
use crate::io::op::Op;
use crate::io::sys::{self, R, Try};
use crate::io::table::{self, Close};
use crate::sched::{self, MAX_VCPUS, Message, VCpu};
use std::ffi::c_int;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct CloseSlowly(c_int);

impl Op for CloseSlowly {
    const HAS_FD: bool = false;
    const BLOCKS: bool = true;

    fn fd(&self) -> c_int {
        -1
    }
    fn attempt(&mut self) -> Try {
        Try::Done(sys::close(self.0))
    }
    fn block(&mut self) -> R {
        sys::close(self.0)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::close(self.0)
    }
}

/// co_io_close.
pub fn close(fd: c_int) -> R {
    let entry = table::entry(fd)?;
    let asked = loop {
        match entry.close() {
            Close::Begun(asked) => break asked,
            Close::UnderWay => return Err(Errno::EBADF),
            // The number is ours already, and its former closer has yet to say that it is done: on
            // another thread, in the next instruction but one.
            Close::Last => {
                std::thread::yield_now();
                sched::yield_now();
            }
        }
    };
    if asked != 0 {
        end_calls(fd, asked);
    }
    // What is slow to close gets another number first, so that taking this one off is quick:
    // whoever is given it next waits for that.
    let rest = is_slow(fd).then(|| sys::duplicate(fd).ok()).flatten();
    entry.last_step();
    let r = sys::close(fd);
    entry.closed();
    match rest {
        Some(rest) => r.and(engine::run_to_end(CloseSlowly(rest))),
        None => r,
    }
}

fn end_calls(fd: c_int, asked: u64) {
    let here = engine::coroutine();
    let closer = Closer::new(fd, here.and_then(VCpu::task));
    let arg = (&raw const closer) as usize;
    if asked & table::PLAIN != 0 {
        plain::end_calls(&closer);
    }
    let bits = (0..table::SPREAD).filter(|bit| asked >> bit & 1 != 0);
    for id in bits.flat_map(|bit| (bit..MAX_VCPUS).step_by(table::SPREAD)) {
        closer.ask();
        if here.is_some_and(|v| v.id() == id) {
            close_message(arg);
        } else if !sched::vcpu(id).is_some_and(|v| post(v, Message { run: close_message, arg })) {
            // It has ended, and its calls before it.
            closer.ack();
        }
    }
    closer.wait();
}

fn is_slow(fd: c_int) -> bool {
    match sys::stat(fd) {
        Ok(st) => match st.st_mode & libc::S_IFMT {
            libc::S_IFSOCK => sys::lingers(fd),
            libc::S_IFREG => true,
            _ => false,
        },
        Err(_) => false,
    }
}
