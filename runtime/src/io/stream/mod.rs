//! Streams: what takes several calls on a descriptor, under one deadline.
//!
//! ```text
//!   here      read exactly so much, write all
//!   reader    lines and pieces out of a buffer
//!   copy      from one descriptor to another
//! ```
//! A single call reports what it transferred and keeps a stop for the next one. These would have to
//! report both: bytes that came, and why no more did. So they have two results: the count in
//! `done`, and an error beside it. Nothing is lost, neither a byte nor an error: a reset that came
//! after some bytes is told here, since the system itself tells it once only.
//!
//! Rejected: the count alone, and the reason by the next call. The next call of a reset connection
//! finds the end of the stream, and a message that was cut short would look complete.

use crate::err::Errno;
use crate::io::op::{read, recv, write};
use crate::io::sys::{self, R};
use crate::time;
use crate::wait::Deadline;
use std::ffi::c_int;

pub mod copy;
pub mod reader;

/// The timeouts of several calls that together have one.
#[derive(Debug)]
pub struct Steps {
    timeout_ns: i64,
    deadline: Option<Deadline>,
}

impl Steps {
    /// EINVAL: no timeout.
    pub fn new(timeout_ns: i64) -> Result<Steps, Errno> {
        if timeout_ns < -1 {
            return Err(Errno::EINVAL);
        }
        Ok(Steps { timeout_ns, deadline: None })
    }

    /// The next call's. ETIMEDOUT: the time is up.
    pub fn next(&mut self) -> Result<i64, Errno> {
        match self.deadline {
            None => {
                self.deadline = Some(Deadline::new(self.timeout_ns)?);
                Ok(self.timeout_ns)
            }
            Some(Deadline::At(t)) => match t - time::now() {
                ns if ns <= 0 => Err(Errno::ETIMEDOUT),
                ns => Ok(ns),
            },
            Some(_) => Ok(self.timeout_ns),
        }
    }
}

/// Where a stream is read from.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    fd: c_int,
    /// A receive costs less than a read, and engines keep notes for it.
    socket: bool,
}

impl Source {
    /// EBADF.
    pub fn new(fd: c_int) -> Result<Source, Errno> {
        let socket = sys::stat(fd)?.st_mode & libc::S_IFMT == libc::S_IFSOCK;
        Ok(Source { fd, socket })
    }

    /// One read; 0 is the end.
    fn read(self, buf: *mut u8, len: usize, timeout_ns: i64) -> R {
        match self.socket {
            true => recv::recv(self.fd, buf, len, 0, timeout_ns),
            false => read::read(self.fd, buf, len, timeout_ns),
        }
    }
}

/// Calls `part` (pointer to the rest, its length, how much is done) until `len` bytes are through,
/// it gives 0, or fails. `done` counts. For no bytes it is not called: a receive of none may wait.
fn repeat(
    buf: *mut u8,
    len: usize,
    done: &mut usize,
    steps: &mut Steps,
    mut part: impl FnMut(*mut u8, usize, usize, &mut Steps) -> R,
) -> R {
    *done = 0;
    if i64::try_from(len).is_err() {
        return Err(Errno::EINVAL);
    }
    if len == 0 {
        return Ok(0);
    }
    loop {
        let rest = buf.wrapping_add(*done);
        let n = part(rest, len - *done, *done, steps)?;
        *done += n as usize;
        if n == 0 || *done == len {
            return Ok(*done as i64);
        }
    }
}

/// A call of no bytes still wants a descriptor: EBADF.
fn check_empty(fd: c_int, len: usize) -> Result<(), Errno> {
    if len == 0 { sys::stat(fd).map(drop) } else { Ok(()) }
}

/// The position that is `done` bytes behind `offset`.
fn at(offset: i64, done: usize) -> Result<i64, Errno> {
    offset.checked_add_unsigned(done as u64).ok_or(Errno::EINVAL)
}

/// co_io_read_full. Less than `len` is the end. An error: `done` bytes came before it.
pub fn read_full(fd: c_int, buf: *mut u8, len: usize, done: &mut usize, timeout_ns: i64) -> R {
    *done = 0;
    let mut steps = Steps::new(timeout_ns)?;
    let from = Source::new(fd)?;
    repeat(buf, len, done, &mut steps, |p, n, _, s| from.read(p, n, s.next()?))
}

/// co_io_pread_full.
pub fn pread_full(
    fd: c_int,
    buf: *mut u8,
    len: usize,
    offset: i64,
    done: &mut usize,
    timeout_ns: i64,
) -> R {
    let mut steps = Steps::new(timeout_ns)?;
    check_empty(fd, len)?;
    repeat(buf, len, done, &mut steps, |p, n, d, s| {
        read::pread(fd, p, n, at(offset, d)?, s.next()?)
    })
}

/// What a write that moves nothing and does not fail comes to: a device that is full for ever.
fn progress(r: R) -> R {
    if r == Ok(0) { Err(Errno::EIO) } else { r }
}

/// co_io_write_all. An error: `done` bytes were written before it.
pub fn write_all(fd: c_int, buf: *const u8, len: usize, done: &mut usize, timeout_ns: i64) -> R {
    let mut steps = Steps::new(timeout_ns)?;
    check_empty(fd, len)?;
    repeat(buf.cast_mut(), len, done, &mut steps, |p, n, _, s| {
        progress(write::write(fd, p, n, s.next()?))
    })
}

/// co_io_pwrite_all.
pub fn pwrite_all(
    fd: c_int,
    buf: *const u8,
    len: usize,
    offset: i64,
    done: &mut usize,
    timeout_ns: i64,
) -> R {
    let mut steps = Steps::new(timeout_ns)?;
    check_empty(fd, len)?;
    repeat(buf.cast_mut(), len, done, &mut steps, |p, n, d, s| {
        progress(write::pwrite(fd, p, n, at(offset, d)?, s.next()?))
    })
}
