//! Copying from one descriptor to another, so that a stop in the middle loses nothing: what has
//! been taken from the one has been given to the other, and a second call goes on.
//!
//! Bytes that were read and can't be written yet are the trouble: the wait for room may be stopped.
//! So each kind of source is read in a way that leaves them where they were:
//! ```text
//!   socket   peek, write, then receive as much as was written       (TCP on Linux: drop it unread)
//!   file     read, write, then seek back over what was not written
//!   others   wait until there is room, then read as much as room means for sure, and write
//! ```
//! The last one is exact for pipes to files, pipes and sockets; only a target that takes less than
//! it promised, because somebody else writes to it too, and a stop just then, loses what lies
//! between. From file to file the system copies by itself where it can.
//!
//! Rejected: a pipe between two sockets (splice there and back): what is in it when a stop comes
//! can't be put back; a stop that waits until all that was read is written: it may never be; splice
//! from or to a pipe: of what has no promise it takes a thread and 4 KiB at a time.

use super::{Call, progress};
use crate::err::Errno;
use crate::io::op::copy::copy_file_range;
use crate::io::op::part::Seek;
use crate::io::op::{poll::Poll, read::Read, recv::Recv, write::Write};
use crate::io::sys::{self, R, Try, file};
use crate::sched;
use crate::wait::Deadline;
use std::ffi::{c_int, c_short};

/// As much at once: enough that the calls cost little beside the copying, little enough to stay in
/// the cache.
const CHUNK: usize = 128 << 10;
/// What everything that says it has room takes at once.
const SURE: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Socket,
    File,
    Other,
}

impl Kind {
    /// EBADF.
    fn of_target(fd: c_int) -> Result<Kind, Errno> {
        Ok(match sys::stat(fd)?.st_mode & libc::S_IFMT {
            libc::S_IFSOCK => Kind::Socket,
            libc::S_IFREG | libc::S_IFBLK => Kind::File,
            _ => Kind::Other,
        })
    }

    /// EBADF; EINVAL: a socket that is no stream.
    fn of(fd: c_int) -> Result<Kind, Errno> {
        match Kind::of_target(fd)? {
            Kind::Socket if !sys::is_stream(fd) => Err(Errno::EINVAL),
            kind => Ok(kind),
        }
    }
}

/// The running coroutine hears no cancel and no interrupt.
struct Deaf(bool);

impl Deaf {
    fn new() -> Deaf {
        // On a plain thread there is none.
        Deaf(sched::shield(true).unwrap_or(true))
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        let _ = sched::shield(self.0);
    }
}

struct Copy {
    from: c_int,
    to: c_int,
    kinds: [Kind; 2],
    buf: Vec<u8>,
    call: Call,
}

impl Copy {
    /// Moves one piece of at most `most` bytes. How many went through, and why no more: Ok(false):
    /// the source has ended.
    fn piece(&mut self, most: usize) -> (usize, Result<bool, Errno>) {
        let len = match self.take(most.min(self.buf.len())) {
            Ok(0) => return (0, Ok(false)),
            Ok(n) => n,
            Err(e) => return (0, Err(e)),
        };
        let mut given = 0;
        let r = loop {
            match self.give(given, len) {
                Ok(n) => given += n as usize,
                Err(e) => break Err(e),
            }
            if given == len {
                break Ok(true);
            }
        };
        let settled = self.settle(given, len);
        (given, r.and_then(|more| settled.map(|()| more)))
    }

    /// Bytes for one piece.
    fn take(&mut self, len: usize) -> Result<usize, Errno> {
        let to = self.buf.as_mut_ptr();
        let n = match self.kinds[0] {
            Kind::Socket => self.call.part(Recv::new(self.from, to, len, libc::MSG_PEEK)),
            Kind::File => self.call.part(Read::new(self.from, to, len, None)?),
            Kind::Other => {
                self.until_ready(self.from, libc::POLLIN)?;
                self.until_ready(self.to, libc::POLLOUT)?;
                // A file takes all there is, sooner or later.
                let sure = if self.kinds[1] == Kind::File { len } else { len.min(SURE) };
                self.call.part(Read::new(self.from, to, sure, None)?)
            }
        };
        n.map(|n| n as usize)
    }

    /// Mostly it is, and a look costs less than the engine's way.
    fn until_ready(&mut self, fd: c_int, events: c_short) -> Result<(), Errno> {
        if sys::try_poll(fd, events)? == 0 {
            sys::check_access(fd, events)?;
            self.call.part(Poll::new(fd, events)?)?;
        }
        Ok(())
    }

    /// Writes some of what was taken.
    fn give(&mut self, given: usize, len: usize) -> R {
        let rest = &self.buf[given..len];
        let op = Write::new(self.to, rest.as_ptr(), rest.len(), None)?;
        if self.kinds[0] == Kind::Other {
            let deadline =
                if self.kinds[1] == Kind::File { Deadline::Never } else { Deadline::Now };
            let deaf = Deaf::new();
            match self.call.finish_by(deadline, op) {
                Err(Errno::EAGAIN) => drop(deaf),
                r => return progress(r),
            }
            let op = Write::new(self.to, rest.as_ptr(), rest.len(), None)?;
            return progress(self.call.part(op));
        }
        progress(self.call.part(op))
    }

    /// Of `len` bytes that were taken `given` are through.
    fn settle(&mut self, given: usize, len: usize) -> Result<(), Errno> {
        match self.kinds[0] {
            Kind::Socket => self.drop_received(given),
            Kind::File if given < len => {
                let to = file::position(self.from)? - (len - given) as i64;
                let _deaf = Deaf::new();
                self.call.finish_by(Deadline::Never, Seek { fd: self.from, to }).map(drop)
            }
            Kind::File | Kind::Other => Ok(()),
        }
    }

    /// Takes off the socket what was peeked at, which is there: no wait, and nothing that stops it.
    fn drop_received(&mut self, len: usize) -> Result<(), Errno> {
        if self.call.lives.are_over() {
            return Err(Errno::EBADF);
        }
        let flags = if sys::is_tcp(self.from) { sys::DISCARD } else { 0 };
        let mut left = len;
        while left > 0 {
            match sys::try_recv(self.from, self.buf.as_mut_ptr(), left, flags) {
                Try::Done(Ok(n @ 1..)) => left -= n as usize,
                Try::Done(Err(e)) => return Err(e),
                // Somebody else reads from it too.
                _ => return Err(Errno::EIO),
            }
        }
        Ok(())
    }
}

/// Whether the system's own copy of files does not do it, and reading and writing may.
fn does_not_do(e: Errno) -> bool {
    // EBADF: also for a file that is appended to.
    let others = [libc::EXDEV, libc::EOPNOTSUPP, libc::ENOSYS, libc::EBADF, libc::ETXTBSY];
    e == Errno::EINVAL || others.contains(&e.0)
}

/// From file to file. Ok(false): the rest is to be done in another way.
fn copy_files(call: &mut Call, fds: [c_int; 2], count: i64, done: &mut i64) -> Result<bool, Errno> {
    while *done < count {
        let deadline = call.go_on()?;
        let timeout = match deadline {
            Deadline::Never => -1,
            Deadline::Now => return Ok(false),
            Deadline::At(_) => deadline.left().unwrap_or(1).max(1),
        };
        if call.lives.are_over() {
            return Err(Errno::EBADF);
        }
        let most = usize::try_from(count - *done).unwrap_or(usize::MAX);
        match copy_file_range(fds, [None, None], most, 0, timeout) {
            // The end, or a file that only looks empty, as those of /proc.
            Ok(0) => return Ok(false),
            Ok(n) => *done += n,
            Err(e) if does_not_do(e) => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// co_io_copy. `done` bytes went through, whatever it gives.
pub fn copy(from: c_int, to: c_int, count: i64, done: &mut i64, timeout_ns: i64) -> R {
    *done = 0;
    let mut call = Call::new([from, to], timeout_ns)?;
    let kinds = [Kind::of(from)?, Kind::of_target(to)?];
    if count < -1 {
        return Err(Errno::EINVAL);
    }
    let count = if count < 0 { i64::MAX } else { count };
    if kinds == [Kind::File; 2] && copy_files(&mut call, [from, to], count, done)? {
        return Ok(*done);
    }
    let mut buf = Vec::new();
    let size = count.min(CHUNK as i64) as usize;
    buf.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
    buf.resize(size, 0);
    let mut copy = Copy { from, to, kinds, buf, call };
    while *done < count {
        let most = usize::try_from(count - *done).unwrap_or(usize::MAX);
        let (n, r) = copy.piece(most);
        *done += n as i64;
        if !r? {
            break;
        }
    }
    Ok(*done)
}
