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
use crate::io::engine::{begin, run_part};
use crate::io::op::Op;
use crate::io::op::part::{Lives, Part};
use crate::io::op::{read::Read, recv::Recv, write::Write};
use crate::io::sys::{self, R};
use crate::time;
use crate::wait::{self, Deadline};
use std::ffi::c_int;

pub mod copy;
pub mod reader;

/// A call of several parts, on one descriptor or two: their deadline, and which lives of the
/// numbers they are about. It is stopped between two parts as well as in one.
#[derive(Debug)]
pub struct Call {
    timeout_ns: i64,
    deadline: Option<Deadline>,
    lives: Lives,
}

impl Call {
    /// It begins with its first part. EINVAL: no timeout.
    pub fn new(fds: [c_int; 2], timeout_ns: i64) -> Result<Call, Errno> {
        if timeout_ns < -1 {
            return Err(Errno::EINVAL);
        }
        Ok(Call { timeout_ns, deadline: None, lives: Lives::new(fds) })
    }

    /// What would stop it, looked for where nothing is under way.
    fn go_on(&mut self) -> Result<Deadline, Errno> {
        let Some(deadline) = self.deadline else {
            let deadline = begin(self.timeout_ns)?;
            self.deadline = Some(deadline);
            return Ok(deadline);
        };
        wait::check().map_err(|stop| stop.errno(deadline))?;
        match deadline {
            Deadline::At(t) if t <= time::now() => Err(Errno::ETIMEDOUT),
            _ => Ok(deadline),
        }
    }

    /// One part.
    fn part<O: Op>(&mut self, op: O) -> R {
        let deadline = self.go_on()?;
        self.finish_by(deadline, op)
    }

    /// One that only a wait of it can stop.
    fn finish_by<O: Op>(&self, deadline: Deadline, op: O) -> R {
        run_part(Part { op, lives: &self.lives, begun: false }, deadline)
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
    fn read(self, buf: *mut u8, len: usize, call: &mut Call) -> R {
        match self.socket {
            true => call.part(Recv::new(self.fd, buf, len, 0)),
            false => call.part(Read::new(self.fd, buf, len, None)?),
        }
    }
}

/// Calls `part` (pointer to the rest, its length, how much is done) until `len` bytes are through,
/// it gives 0, or fails. `done` counts. For no bytes it is not called: a receive of none may wait.
fn repeat(
    buf: *mut u8,
    len: usize,
    done: &mut usize,
    call: &mut Call,
    mut part: impl FnMut(*mut u8, usize, usize, &mut Call) -> R,
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
        let n = part(rest, len - *done, *done, call)?;
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
fn at(offset: i64, done: usize) -> Result<Option<i64>, Errno> {
    offset.checked_add_unsigned(done as u64).map(Some).ok_or(Errno::EINVAL)
}

/// co_io_read_full. Less than `len` is the end. An error: `done` bytes came before it.
pub fn read_full(fd: c_int, buf: *mut u8, len: usize, done: &mut usize, timeout_ns: i64) -> R {
    *done = 0;
    let mut call = Call::new([fd, fd], timeout_ns)?;
    let from = Source::new(fd)?;
    repeat(buf, len, done, &mut call, |p, n, _, call| from.read(p, n, call))
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
    let mut call = Call::new([fd, fd], timeout_ns)?;
    check_empty(fd, len)?;
    repeat(buf, len, done, &mut call, |p, n, d, call| {
        call.part(Read::new(fd, p, n, at(offset, d)?)?)
    })
}

/// What a write that moves nothing and does not fail comes to: a device that is full for ever.
fn progress(r: R) -> R {
    if r == Ok(0) { Err(Errno::EIO) } else { r }
}

/// co_io_write_all. An error: `done` bytes were written before it.
pub fn write_all(fd: c_int, buf: *const u8, len: usize, done: &mut usize, timeout_ns: i64) -> R {
    let mut call = Call::new([fd, fd], timeout_ns)?;
    check_empty(fd, len)?;
    repeat(buf.cast_mut(), len, done, &mut call, |p, n, _, call| {
        progress(call.part(Write::new(fd, p, n, None)?))
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
    let mut call = Call::new([fd, fd], timeout_ns)?;
    check_empty(fd, len)?;
    repeat(buf.cast_mut(), len, done, &mut call, |p, n, d, call| {
        progress(call.part(Write::new(fd, p, n, at(offset, d)?)?))
    })
}
