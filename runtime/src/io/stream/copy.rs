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
//! it promised, and a stop just then, loses what lies between.
//!
//! Rejected: a pipe between two sockets (splice there and back): what is in it when a stop comes
//! can't be put back; a stop that waits until all that was read is written: it may never be.

use super::{Steps, progress};
use crate::err::Errno;
use crate::io::op::{poll, read, recv, write};
use crate::io::sys::{self, R, Try};
use std::ffi::c_int;

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
    /// EBADF; EINVAL: a socket that is no stream.
    fn of(fd: c_int) -> Result<Kind, Errno> {
        match sys::stat(fd)?.st_mode & libc::S_IFMT {
            libc::S_IFSOCK if !sys::is_stream(fd) => Err(Errno::EINVAL),
            libc::S_IFSOCK => Ok(Kind::Socket),
            libc::S_IFREG | libc::S_IFBLK => Ok(Kind::File),
            _ => Ok(Kind::Other),
        }
    }
}

struct Copy {
    from: c_int,
    to: c_int,
    kind: Kind,
    buf: Vec<u8>,
    steps: Steps,
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
            let timeout = match self.steps.next() {
                Ok(t) => t,
                Err(e) => break Err(e),
            };
            let rest = &self.buf[given..len];
            match progress(write::write(self.to, rest.as_ptr(), rest.len(), timeout)) {
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
        let timeout = self.steps.next()?;
        let n = match self.kind {
            Kind::Socket => recv::recv(self.from, to, len, libc::MSG_PEEK, timeout),
            Kind::File => read::read(self.from, to, len, timeout),
            Kind::Other => {
                poll::poll(self.from, libc::POLLIN, timeout)?;
                poll::poll(self.to, libc::POLLOUT, self.steps.next()?)?;
                read::read(self.from, to, len.min(SURE), self.steps.next()?)
            }
        };
        n.map(|n| n as usize)
    }

    /// Of `len` bytes that were taken `given` are through.
    fn settle(&mut self, given: usize, len: usize) -> Result<(), Errno> {
        match self.kind {
            Kind::Socket => self.drop_received(given),
            Kind::File if given < len => sys::seek_by(self.from, -((len - given) as i64)),
            Kind::File | Kind::Other => Ok(()),
        }
    }

    /// Takes off the socket what was peeked at, which is there: no wait, and nothing that stops it.
    fn drop_received(&mut self, len: usize) -> Result<(), Errno> {
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

/// co_io_copy. `done` bytes went through, whatever it gives.
pub fn copy(from: c_int, to: c_int, count: i64, done: &mut i64, timeout_ns: i64) -> R {
    *done = 0;
    let steps = Steps::new(timeout_ns)?;
    let kind = Kind::of(from)?;
    sys::stat(to)?;
    if count < -1 {
        return Err(Errno::EINVAL);
    }
    let count = if count < 0 { i64::MAX } else { count };
    let mut buf = Vec::new();
    let size = count.min(CHUNK as i64) as usize;
    buf.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
    buf.resize(size, 0);
    let mut copy = Copy { from, to, kind, buf, steps };
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
