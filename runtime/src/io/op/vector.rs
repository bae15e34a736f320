//! readv, preadv, writev, pwritev: as `read` and `write`, of several buffers. The array of buffers
//! is the caller's, and may not be there: the system reads it, not we.

#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::progress::Progress;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{self, R, Try, file};
use libc::iovec;
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// IOV_MAX of every system that we know.
const MOST: c_int = 1024;

/// The buffers of a call, of which tries may have done a part, for a file that then had to wait.
#[derive(Debug)]
struct Buffers {
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    /// None: at the file's position.
    offset: Option<i64>,
    progress: Progress,
    /// What is left, once there has been some.
    rest: Vec<iovec>,
}

/// What a system call is to be given: buffers, how many, where.
type Given = (*const iovec, c_int, Option<i64>);

impl Buffers {
    /// EINVAL: a negative offset, too many.
    fn new(
        fd: c_int,
        iov: *const iovec,
        count: c_int,
        offset: Option<i64>,
    ) -> Result<Buffers, Errno> {
        check(count, offset)?;
        Ok(Buffers { fd, iov, count, offset, progress: Progress::default(), rest: Vec::new() })
    }

    fn given(&self) -> Given {
        match self.progress.done() {
            0 => (self.iov, self.count, self.offset),
            _ => (self.rest.as_ptr(), self.rest.len() as c_int, self.progress.at(self.offset)),
        }
    }

    /// Tries until it is done or has to wait.
    fn attempt(&mut self, call: impl Fn(c_int, Given) -> Try) -> Try {
        let len = || total(self.iov, self.count as usize);
        let mut rest = std::mem::take(&mut self.rest);
        let (progress, r) = self.progress.attempt(self.fd, len, |p| {
            if p.done() == 0 {
                return call(self.fd, (self.iov, self.count, self.offset));
            }
            match after(self.iov, self.count as usize, p.done()) {
                Some(left) => rest = left,
                // What has been done is the result.
                None => return Try::Done(Err(Errno::ENOMEM)),
            }
            call(self.fd, (rest.as_ptr(), rest.len() as c_int, p.at(self.offset)))
        });
        (self.progress, self.rest) = (progress, rest);
        r
    }

    fn is_whole(&self, n: i64) -> bool {
        n as usize >= total(self.iov, self.count as usize)
    }

    fn is_bounded(&self) -> bool {
        self.offset.is_some() || sys::is_file(self.fd) == Ok(true)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Readv(Buffers);

impl Readv {
    /// `iov` has `count` buffers. EINVAL: a negative offset, too many.
    pub fn new(
        fd: c_int,
        iov: *const iovec,
        count: c_int,
        offset: Option<i64>,
    ) -> Result<Readv, Errno> {
        Ok(Readv(Buffers::new(fd, iov, count, offset)?))
    }
}

impl Op for Readv {
    /// As a read.
    const TRY_FIRST: bool = true;
    const SEVERS: bool = true;
    const TAKES: bool = true;

    fn fd(&self) -> c_int {
        self.0.fd
    }
    fn attempt(&mut self) -> Try {
        self.0.attempt(|fd, (iov, count, at)| file::try_readv(fd, iov, count, at))
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    fn block(&mut self) -> R {
        let (iov, count, at) = self.0.given();
        self.0.progress.finish(file::readv_blocking(self.0.fd, iov, count, at))
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        let (iov, count, at) = self.0.given();
        sqe::readv(self.0.fd, iov, count, at)
    }
    fn finish(&mut self, r: R) -> R {
        self.0.progress.finish(r)
    }
    fn partial(&self) -> Option<i64> {
        self.0.progress.partial()
    }
    fn is_whole(&self, n: i64) -> bool {
        self.0.is_whole(n)
    }
    fn is_positional(&self) -> bool {
        self.0.offset.is_some()
    }
    fn is_bounded(&self) -> bool {
        self.0.is_bounded()
    }
}

/// See the module.
pub struct Writev {
    of: Buffers,
    /// The last try found a socket, to which this is sent.
    socket: Option<libc::msghdr>,
    /// It has to wait, and is a socket but no stream: see `send`.
    datagram: bool,
}

impl Writev {
    /// As [`Readv::new`].
    pub fn new(
        fd: c_int,
        iov: *const iovec,
        count: c_int,
        offset: Option<i64>,
    ) -> Result<Writev, Errno> {
        let of = Buffers::new(fd, iov, count, offset)?;
        Ok(Writev { of, socket: None, datagram: false })
    }
}

impl std::fmt::Debug for Writev {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writev").field("fd", &self.of.fd).finish_non_exhaustive()
    }
}

impl Op for Writev {
    /// As a write.
    const TRY_FIRST: bool = true;
    const SEVERS: bool = true;

    fn fd(&self) -> c_int {
        self.of.fd
    }
    fn attempt(&mut self) -> Try {
        self.socket = None;
        let b = &mut self.of;
        if b.offset.is_none() && b.progress.done() == 0 {
            match file::try_sendv(b.fd, b.iov, b.count) {
                Try::Done(Err(Errno::ENOTSOCK)) => {}
                done => {
                    self.socket = Some(file::message(b.iov, b.count));
                    return match done {
                        Try::Wait => sys::send_waits(b.fd, &mut self.datagram),
                        done => done,
                    };
                }
            }
        }
        b.attempt(|fd, (iov, count, at)| file::try_writev(fd, iov, count, at))
    }
    fn by_readiness(&self) -> bool {
        self.datagram
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    fn block(&mut self) -> R {
        let (iov, count, at) = self.of.given();
        self.of.progress.finish(file::writev_blocking(self.of.fd, iov, count, at))
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        let (iov, count, at) = self.of.given();
        match &self.socket {
            Some(m) => sqe::sendmsg(self.of.fd, m, libc::MSG_NOSIGNAL),
            None => sqe::writev(self.of.fd, iov, count, at),
        }
    }
    fn finish(&mut self, r: R) -> R {
        self.of.progress.finish(r)
    }
    fn partial(&self) -> Option<i64> {
        self.of.progress.partial()
    }
    fn is_whole(&self, n: i64) -> bool {
        self.of.is_whole(n)
    }
    fn is_positional(&self) -> bool {
        self.of.offset.is_some()
    }
    fn is_bounded(&self) -> bool {
        self.of.is_bounded()
    }
}

/// The bytes that a call was about which has succeeded: so the system has read the array, and we may.
pub(super) fn total(iov: *const iovec, count: usize) -> usize {
    // SAFETY: above. (The ABI says that it stays until the call has returned.)
    let len = |i| unsafe { (*iov.add(i)).iov_len };
    (0..count).fold(0, |sum: usize, i| sum.saturating_add(len(i))).min(MAX_LEN)
}

/// What is left of the buffers of such a call after `done` bytes; None: no memory.
fn after(iov: *const iovec, count: usize, done: usize) -> Option<Vec<iovec>> {
    let (mut skip, mut left) = (done, total(iov, count) - done);
    let mut rest = Vec::new();
    for i in 0..count {
        // SAFETY: as in `total`.
        let v = unsafe { *iov.add(i) };
        let past = skip.min(v.iov_len);
        let len = (v.iov_len - past).min(left);
        skip -= past;
        left -= len;
        if len > 0 {
            rest.try_reserve(count - i).ok()?;
            rest.push(iovec {
                iov_base: v.iov_base.cast::<u8>().wrapping_add(past).cast(),
                iov_len: len,
            });
        }
    }
    Some(rest)
}

fn check(count: c_int, offset: Option<i64>) -> Result<(), Errno> {
    let good = (0..=MOST).contains(&count) && offset.is_none_or(|at| at >= 0);
    if good { Ok(()) } else { Err(Errno::EINVAL) }
}

/// co_io_readv (offset None), co_io_preadv. `iov` has `count` buffers, which are given back when
/// this returns.
pub fn readv(
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    offset: Option<i64>,
    timeout_ns: i64,
) -> R {
    run(Readv::new(fd, iov, count, offset)?, timeout_ns)
}

/// co_io_writev (offset None), co_io_pwritev. As [`readv`].
pub fn writev(
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    offset: Option<i64>,
    timeout_ns: i64,
) -> R {
    run(Writev::new(fd, iov, count, offset)?, timeout_ns)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_begins_in_the_middle_of_a_buffer() {
        let mut bytes = [0u8; 12];
        let base = bytes.as_mut_ptr();
        let v = |at: usize, len| iovec { iov_base: base.wrapping_add(at).cast(), iov_len: len };
        let iov = [v(0, 3), v(3, 0), v(3, 4), v(7, 5)];
        let left = |done| {
            let rest = after(iov.as_ptr(), 4, done).expect("memory");
            rest.iter()
                .map(|r| (r.iov_base as usize - base as usize, r.iov_len))
                .collect::<Vec<_>>()
        };
        assert_eq!(left(1), [(1, 2), (3, 4), (7, 5)]);
        assert_eq!(left(3), [(3, 4), (7, 5)]);
        assert_eq!(left(8), [(8, 4)]);
        assert_eq!(left(12), []);
    }
}
