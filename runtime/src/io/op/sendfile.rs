//! sendfile: from a file to anything, by a buffer of ours that is read into and written out in turn,
//! under one deadline.
//!
//! ```text
//!   file --read (page cache, else a thread or the ring)--> buffer --send or write--> out
//! ```
//! Rejected: sendfile(2), which waits for the disk in the calling thread; on a socket in blocking
//! mode also for the peer, as long as that likes, with nothing to end it; and raises SIGPIPE. On a
//! thread of the pool a slow peer would keep that thread. What is left of it, sockets in O_NONBLOCK
//! mode by way of a thread, saves a copy and costs two changes of threads a piece.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::{begin, run_part};
use crate::io::op::MAX_LEN;
use crate::io::op::part::{Lives, Part, Seek, start};
use crate::io::op::read::Read;
use crate::io::op::write::Write;
use crate::io::sys::{self, R};
use crate::wait::Deadline;
use std::alloc::Layout;
use std::ffi::c_int;

/// Bytes on the way at once.
const PIECE: usize = 64 << 10;
/// Of the buffer, for files that are read past the page cache.
const ALIGN: usize = 4096;

struct Buffer {
    at: *mut u8,
    layout: Layout,
}

impl Buffer {
    fn new(len: usize) -> Result<Buffer, Errno> {
        let layout = Layout::from_size_align(len.next_multiple_of(ALIGN), ALIGN);
        let layout = layout.map_err(|_| Errno::ENOMEM)?;
        // SAFETY: the layout is not empty.
        let at = unsafe { std::alloc::alloc(layout) };
        if at.is_null() { Err(Errno::ENOMEM) } else { Ok(Buffer { at, layout }) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated in `new`; each part has given it back.
        unsafe { std::alloc::dealloc(self.at, self.layout) };
    }
}

struct Transfer<'a> {
    lives: &'a Lives,
    from: c_int,
    to: c_int,
    buffer: Buffer,
    deadline: Deadline,
    done: usize,
}

impl Transfer<'_> {
    /// One buffer full of what is at `offset`; 0: the file has ended.
    fn fill(&self, offset: i64, len: usize) -> R {
        let len = len.min(self.buffer.layout.size());
        let op = Read::new(self.from, self.buffer.at, len, Some(offset))?;
        run_part(Part { op, lives: self.lives, begun: self.done > 0 }, self.deadline)
    }

    /// Writes `len` bytes of the buffer. 0: ended by something that `done` is reported before.
    fn drain(&mut self, len: usize) -> Result<bool, Errno> {
        let mut at = 0;
        while at < len {
            let op = Write::new(self.to, self.buffer.at.wrapping_add(at), len - at, None)?;
            let begun = self.done > 0;
            let n = run_part(Part { op, lives: self.lives, begun }, self.deadline)? as usize;
            if n == 0 {
                return Ok(false);
            }
            at += n;
            self.done += n;
        }
        Ok(true)
    }

    fn run(&mut self, start: i64, len: usize) -> Result<(), Errno> {
        while self.done < len {
            let offset = start.checked_add_unsigned(self.done as u64).ok_or(Errno::EINVAL)?;
            let n = self.fill(offset, len - self.done)? as usize;
            if n == 0 || !self.drain(n)? {
                break;
            }
        }
        Ok(())
    }
}

/// co_io_sendfile. `offset` None: from the file's position, which moves.
pub fn sendfile(to: c_int, from: c_int, offset: Option<i64>, len: usize, timeout_ns: i64) -> R {
    let deadline = begin(timeout_ns)?;
    if !sys::is_file(from)? {
        return Err(Errno::EINVAL);
    }
    sys::flags(to)?;
    let start = start(from, offset)?;
    let len = len.min(MAX_LEN);
    if len == 0 {
        return Ok(0);
    }
    let lives = Lives::new([from, to]);
    let buffer = Buffer::new(len.min(PIECE))?;
    let mut t = Transfer { lives: &lives, from, to, buffer, deadline, done: 0 };
    let r = t.run(start, len);
    if t.done == 0 {
        return r.map(|()| 0);
    }
    if offset.is_none() {
        let op = Seek { fd: from, to: start + t.done as i64 };
        // Closed meanwhile: then nobody has the position any more.
        let _ = run_part(Part { op, lives: &lives, begun: true }, deadline);
    }
    Ok(t.done as i64)
}
