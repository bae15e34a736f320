//! Calls of several parts on two descriptors: each part is an operation on the one and is ended by a
//! close of the other too.
//!
//! Between two parts a call is in no list, so a close does not wait for it, and the number may have
//! been given away when it goes on. So it remembers which life of each number it began with
//! ([`Lives`]), and a part on another one gives EBADF.

use crate::err::Errno;
use crate::io::op::Op;
use crate::io::sys::{R, Try};
use crate::io::table;
use std::cell::Cell;
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::Sqe;

/// The descriptors of a call, and which lives of them it is about.
#[derive(Debug)]
pub struct Lives {
    fds: [c_int; 2],
    /// None until the first part begins: only then no close is in its last step.
    lives: Cell<Option<[u32; 2]>>,
}

impl Lives {
    /// Of a call that is about to begin.
    pub fn new(fds: [c_int; 2]) -> Lives {
        Lives { fds, lives: Cell::new(None) }
    }

    /// Whether one of them has ended. See `Op::outlived`.
    pub fn are_over(&self) -> bool {
        let [Ok(a), Ok(b)] = self.fds.map(table::entry) else { return true };
        let lives = [a.life(), b.life()];
        match self.lives.get() {
            Some(first) => first != lives,
            None => {
                self.lives.set(Some(lives));
                false
            }
        }
    }

    /// The descriptor that is not `fd`; -1 if they are the same.
    pub fn other(&self, fd: c_int) -> c_int {
        match self.fds {
            [a, b] if a == b => -1,
            [a, b] if a == fd => b,
            [a, _] => a,
        }
    }
}

/// An operation on one of the descriptors.
#[derive(Debug)]
pub struct Part<'a, O> {
    /// The operation.
    pub op: O,
    /// The call's.
    pub lives: &'a Lives,
    /// The call has something to report already, so a stop is for the next one.
    pub begun: bool,
}

impl<O: Op> Op for Part<'_, O> {
    const TRY_FIRST: bool = O::TRY_FIRST;
    const BLOCKS: bool = O::BLOCKS;
    const RECEIVES: bool = O::RECEIVES;
    const TAKES: bool = O::TAKES;
    const OPTIONAL: Option<u8> = O::OPTIONAL;

    fn fd(&self) -> c_int {
        self.op.fd()
    }
    fn fd2(&self) -> c_int {
        self.lives.other(self.op.fd())
    }
    fn outlived(&self) -> bool {
        self.lives.are_over()
    }
    fn attempt(&mut self) -> Try {
        self.op.attempt()
    }
    fn events(&self) -> c_short {
        self.op.events()
    }
    fn block(&mut self) -> R {
        self.op.block()
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, wait_first: bool) -> Sqe {
        self.op.sqe(wait_first)
    }
    fn finish(&mut self, r: R) -> R {
        self.op.finish(r)
    }
    /// Of this part; what else the call has to report it knows itself.
    fn partial(&self) -> Option<i64> {
        self.op.partial().or(self.begun.then_some(0))
    }
    fn is_mute(&self, r: &R) -> bool {
        self.op.is_mute(r)
    }
    fn took_all(&self, r: &R) -> bool {
        self.op.took_all(r)
    }
}

/// A part that moves a file's position, for what the parts before it have taken from there.
#[derive(Debug)]
pub struct Seek {
    /// The file.
    pub fd: c_int,
    /// Where to.
    pub to: i64,
}

impl Op for Seek {
    const TRY_FIRST: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        Try::Done(self.block())
    }
    fn block(&mut self) -> R {
        crate::io::sys::file::seek(self.fd, self.to)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        unreachable!("a try is enough")
    }
}

/// An offset that a call begins at: given, or the file's position. EINVAL: negative. ESPIPE: it has
/// no positions.
pub fn start(fd: c_int, offset: Option<i64>) -> Result<i64, Errno> {
    match offset {
        Some(at) if at < 0 => Err(Errno::EINVAL),
        Some(at) => Ok(at),
        None => crate::io::sys::file::position(fd),
    }
}
