//! A buffered reader of lines and pieces, in memory of the caller's.
//!
//! ```text
//!   buf  |  given out  |  start ... buffered ... end  |  room  |  capacity
//!                         ^ scanned bytes of it are known to hold no newline
//! ```
//! A call gives out what is buffered and reads from the descriptor only for what is missing: one
//! read fills as much room as there is. When the room is used up what is buffered moves to the
//! front. What has been read stays buffered whatever ends a call (a timeout, a cancel, a line that
//! is too long), so the same call may be made again.
//!
//! The struct is C's, of a fixed size. A second call while one is under way finds `busy` and gets
//! EBUSY: that keeps the fields, which are plain, to one thread at a time. A struct that was never
//! initialised has no `MAGIC`.
#![allow(unsafe_code)]

use super::{Call, Source, repeat};
use crate::err::Errno;
use crate::io::sys::R;
use crate::prim::atomic::{AtomicU32, Ordering::*};
use crate::wait;
use std::cell::Cell;
use std::ffi::c_int;

const MAGIC: u32 = 0x5ead_b0f1;

/// See the module. All-zero is valid memory for one, and no reader.
#[derive(Debug)]
#[repr(C)]
pub struct Reader {
    size: u32,
    busy: AtomicU32,
    magic: Cell<u32>,
    fd: Cell<c_int>,
    buf: Cell<*mut u8>,
    capacity: Cell<usize>,
    start: Cell<usize>,
    end: Cell<usize>,
    scanned: Cell<usize>,
    socket: Cell<bool>,
}

/// What [`Reader::line`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// The stream has ended.
    End,
    /// A line: its first byte and its length. A zero byte stands behind it.
    Whole(*mut u8, usize),
    /// The last bytes of the stream, without a newline.
    Cut(*mut u8, usize),
}

/// The right to touch a reader's fields.
struct Use<'a>(&'a Reader);

impl Drop for Use<'_> {
    fn drop(&mut self) {
        // Release: pairs with the acquire in `Reader::take`.
        self.0.busy.store(0, Release);
    }
}

impl Reader {
    /// Makes a reader of `fd` with `capacity` bytes at `buf`. EINVAL: no bytes; EBADF.
    ///
    /// # Safety
    /// `this` is valid memory of Reader's size. `buf` has `capacity` bytes, which are the reader's
    /// until they are replaced or the reader is used no more.
    pub unsafe fn init(
        this: *mut Reader,
        fd: c_int,
        buf: *mut u8,
        capacity: usize,
    ) -> Result<(), Errno> {
        if buf.is_null() || capacity == 0 || i64::try_from(capacity).is_err() {
            return Err(Errno::EINVAL);
        }
        let from = Source::new(fd)?;
        // SAFETY: the caller's.
        unsafe {
            this.write(Reader {
                size: (*this).size,
                busy: AtomicU32::new(0),
                magic: Cell::new(MAGIC),
                fd: Cell::new(fd),
                buf: Cell::new(buf),
                capacity: Cell::new(capacity),
                start: Cell::new(0),
                end: Cell::new(0),
                scanned: Cell::new(0),
                socket: Cell::new(from.socket),
            });
        }
        Ok(())
    }

    /// EBUSY: another call is under way; EINVAL: not initialised, or overwritten.
    fn take(&self) -> Result<Use<'_>, Errno> {
        // Acquire: pairs with the release in Use's drop: the former call's changes.
        if self.busy.swap(1, Acquire) != 0 {
            return Err(Errno::EBUSY);
        }
        let taken = Use(self);
        let sound = self.magic.get() == MAGIC
            && self.start.get() + self.scanned.get() <= self.end.get()
            && self.end.get() <= self.capacity.get();
        if sound { Ok(taken) } else { Err(Errno::EINVAL) }
    }

    /// As `take`, for a call that may block: it looks for a cancel or an interrupt first.
    fn begin(&self, timeout_ns: i64) -> Result<(Use<'_>, Call), Errno> {
        let taken = self.take()?;
        let fd = self.fd.get();
        let call = Call::new([fd, fd], timeout_ns)?;
        wait::check().map_err(|stop| stop.errno(wait::Deadline::Now))?;
        Ok((taken, call))
    }

    fn source(&self) -> Source {
        Source { fd: self.fd.get(), socket: self.socket.get() }
    }

    fn buffered(&self) -> usize {
        self.end.get() - self.start.get()
    }

    /// Where what is buffered begins.
    fn front(&self) -> *mut u8 {
        // SAFETY: `start` is inside the buffer.
        unsafe { self.buf.get().add(self.start.get()) }
    }

    fn advance(&self, n: usize) {
        self.start.set(self.start.get() + n);
        self.scanned.set(self.scanned.get().saturating_sub(n));
    }

    /// Makes room for `more` bytes behind what is buffered. EMSGSIZE: the buffer is too small.
    fn make_room(&self, more: usize) -> Result<(), Errno> {
        let buffered = self.buffered();
        if more > self.capacity.get() - buffered {
            return Err(Errno::EMSGSIZE);
        }
        // When half the buffer has been given out as well: reads into the little that is left behind
        // would be many, and a move costs no more than what was read costs already.
        let half_gone = self.start.get() >= self.capacity.get() / 2;
        if buffered == 0 || half_gone || more > self.capacity.get() - self.end.get() {
            // SAFETY: both are inside the buffer.
            unsafe { self.buf.get().copy_from(self.front(), buffered) };
            self.start.set(0);
            self.end.set(buffered);
        }
        Ok(())
    }

    /// Reads once, into all the room there is; 0: the end.
    fn fill(&self, call: &mut Call) -> Result<usize, Errno> {
        let end = self.end.get();
        // SAFETY: `end` is inside the buffer.
        let room = unsafe { self.buf.get().add(end) };
        let n = self.source().read(room, self.capacity.get() - end, call)? as usize;
        self.end.set(end + n);
        Ok(n)
    }

    /// The place of the first newline in what is buffered.
    fn newline(&self) -> Option<usize> {
        let known = self.scanned.get();
        // SAFETY: these bytes are buffered, and nobody else's while `busy`.
        let fresh =
            unsafe { std::slice::from_raw_parts(self.front().add(known), self.buffered() - known) };
        // SAFETY: as many bytes as it is told.
        let at = unsafe { libc::memchr(fresh.as_ptr().cast(), c_int::from(b'\n'), fresh.len()) };
        match at.is_null() {
            true => {
                self.scanned.set(self.buffered());
                None
            }
            false => Some(at as usize - self.front() as usize),
        }
    }

    /// Gives out the first `len` bytes, ended by a zero byte in place of what comes next, and goes
    /// on behind `all`.
    fn give(&self, len: usize, all: usize) -> (*mut u8, usize) {
        let line = self.front();
        // SAFETY: there is a newline behind a whole line, and room behind a cut one.
        unsafe { line.add(len).write(0) };
        self.advance(all);
        (line, len)
    }

    /// co_reader_line. EMSGSIZE: the buffer is full of a line's beginning, which stays.
    pub fn line(&self, timeout_ns: i64) -> Result<Line, Errno> {
        let (_taken, mut call) = self.begin(timeout_ns)?;
        loop {
            if let Some(at) = self.newline() {
                // SAFETY: inside what is buffered.
                let returns = at > 0 && unsafe { self.front().add(at - 1).read() } == b'\r';
                let (line, len) = self.give(at - usize::from(returns), at + 1);
                return Ok(Line::Whole(line, len));
            }
            self.make_room(1)?;
            if self.fill(&mut call)? == 0 {
                let rest = self.buffered();
                if rest == 0 {
                    return Ok(Line::End);
                }
                let (line, len) = self.give(rest, rest);
                return Ok(Line::Cut(line, len));
            }
        }
    }

    /// Moves up to `len` buffered bytes to `to`.
    fn drain(&self, to: *mut u8, len: usize) -> usize {
        let n = len.min(self.buffered());
        // SAFETY: `n` bytes are buffered; the caller of the API vouches for `to`.
        unsafe { to.copy_from(self.front(), n) };
        self.advance(n);
        n
    }

    /// Some bytes, without a read if there are any. What would fill the buffer goes around it.
    fn some(&self, to: *mut u8, len: usize, call: &mut Call) -> R {
        if len == 0 {
            return Ok(0);
        }
        if self.buffered() == 0 {
            if len >= self.capacity.get() {
                return self.source().read(to, len, call);
            }
            self.make_room(1)?;
            self.fill(call)?;
        }
        Ok(self.drain(to, len) as i64)
    }

    /// co_reader_read.
    pub fn read(&self, to: *mut u8, len: usize, timeout_ns: i64) -> R {
        if to.is_null() && len > 0 {
            return Err(Errno::EFAULT);
        }
        let (_taken, mut call) = self.begin(timeout_ns)?;
        self.some(to, len, &mut call)
    }

    /// co_reader_read_full: as `stream::read_full`.
    pub fn read_full(&self, to: *mut u8, len: usize, done: &mut usize, timeout_ns: i64) -> R {
        *done = 0;
        if to.is_null() && len > 0 {
            return Err(Errno::EFAULT);
        }
        let (_taken, mut call) = self.begin(timeout_ns)?;
        repeat(to, len, done, &mut call, |p, n, _, call| self.some(p, n, call))
    }

    /// co_reader_peek: at least `need` bytes buffered, or all there are before the end; their first
    /// and how many. EMSGSIZE: so many never fit.
    pub fn peek(&self, need: usize, timeout_ns: i64) -> Result<(*mut u8, usize), Errno> {
        let (_taken, mut call) = self.begin(timeout_ns)?;
        while self.buffered() < need {
            self.make_room(need - self.buffered())?;
            if self.fill(&mut call)? == 0 {
                break;
            }
        }
        Ok((self.front(), self.buffered()))
    }

    /// co_reader_consume: drops `n` buffered bytes. EINVAL: there are not so many.
    pub fn consume(&self, n: usize) -> Result<(), Errno> {
        let _taken = self.take()?;
        if n > self.buffered() {
            return Err(Errno::EINVAL);
        }
        self.advance(n);
        Ok(())
    }

    /// co_reader_rebuffer: what is buffered moves to other memory. EMSGSIZE: it does not fit there.
    ///
    /// # Safety
    /// As [`Reader::init`]'s `buf`.
    pub unsafe fn rebuffer(&self, buf: *mut u8, capacity: usize) -> Result<(), Errno> {
        let _taken = self.take()?;
        if buf.is_null() || capacity == 0 || i64::try_from(capacity).is_err() {
            return Err(Errno::EINVAL);
        }
        let buffered = self.buffered();
        if buffered > capacity {
            return Err(Errno::EMSGSIZE);
        }
        // SAFETY: as many are buffered, and fit; the two may overlap.
        unsafe { buf.copy_from(self.front(), buffered) };
        self.buf.set(buf);
        self.capacity.set(capacity);
        self.start.set(0);
        self.end.set(buffered);
        Ok(())
    }
}
