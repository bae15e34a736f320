//! readv, preadv, writev, pwritev: as `read` and `write`, of several buffers. The array of buffers
//! is the caller's, and may not be there: the system reads it, not we.

#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{self, R, Try, file};
use libc::iovec;
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// IOV_MAX of every system that we know.
const MOST: c_int = 1024;

/// See the module.
#[derive(Debug)]
pub struct Readv {
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    /// None: at the file's position.
    offset: Option<i64>,
}

impl Readv {
    /// `iov` has `count` buffers. EINVAL: a negative offset, too many.
    pub fn new(
        fd: c_int,
        iov: *const iovec,
        count: c_int,
        offset: Option<i64>,
    ) -> Result<Readv, Errno> {
        check(count, offset)?;
        Ok(Readv { fd, iov, count, offset })
    }
}

impl Op for Readv {
    /// As a read.
    const TRY_FIRST: bool = true;
    const SEVERS: bool = true;
    const TAKES: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        file::try_readv(self.fd, self.iov, self.count, self.offset)
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    fn block(&mut self) -> R {
        file::readv_blocking(self.fd, self.iov, self.count, self.offset)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::readv(self.fd, self.iov, self.count, self.offset)
    }
    fn is_whole(&self, n: i64) -> bool {
        n as usize >= total(self.iov, self.count as usize)
    }
    fn is_positional(&self) -> bool {
        self.offset.is_some()
    }
    fn is_bounded(&self) -> bool {
        self.offset.is_some() || sys::is_file(self.fd) == Ok(true)
    }
}

/// See the module.
pub struct Writev {
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    /// None: at the file's position.
    offset: Option<i64>,
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
        check(count, offset)?;
        Ok(Writev { fd, iov, count, offset, socket: None, datagram: false })
    }
}

impl std::fmt::Debug for Writev {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writev").field("fd", &self.fd).finish_non_exhaustive()
    }
}

impl Op for Writev {
    /// As a write.
    const TRY_FIRST: bool = true;
    const SEVERS: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        self.socket = None;
        if self.offset.is_none() {
            match file::try_sendv(self.fd, self.iov, self.count) {
                Try::Done(Err(Errno::ENOTSOCK)) => {}
                done => {
                    self.socket = Some(file::message(self.iov, self.count));
                    return match done {
                        Try::Wait => sys::send_waits(self.fd, &mut self.datagram),
                        done => done,
                    };
                }
            }
        }
        file::try_writev(self.fd, self.iov, self.count, self.offset)
    }
    fn by_readiness(&self) -> bool {
        self.datagram
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    fn block(&mut self) -> R {
        file::writev_blocking(self.fd, self.iov, self.count, self.offset)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        match &self.socket {
            Some(m) => sqe::sendmsg(self.fd, m, libc::MSG_NOSIGNAL),
            None => sqe::writev(self.fd, self.iov, self.count, self.offset),
        }
    }
    fn is_whole(&self, n: i64) -> bool {
        n as usize >= total(self.iov, self.count as usize)
    }
    fn is_positional(&self) -> bool {
        self.offset.is_some()
    }
    fn is_bounded(&self) -> bool {
        self.offset.is_some() || sys::is_file(self.fd) == Ok(true)
    }
}

/// The bytes that a call was about which has succeeded: so the system has read the array, and we may.
pub(super) fn total(iov: *const iovec, count: usize) -> usize {
    // SAFETY: above. (The ABI says that it stays until the call has returned.)
    let len = |i| unsafe { (*iov.add(i)).iov_len };
    (0..count).fold(0, |sum: usize, i| sum.saturating_add(len(i))).min(MAX_LEN)
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
