//! read and pread.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::progress::Progress;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Read {
    fd: c_int,
    buf: *mut u8,
    len: usize,
    /// None: at the file's position.
    offset: Option<i64>,
    progress: Progress,
}

impl Read {
    /// `buf` has `len` bytes. EINVAL: a negative offset.
    pub fn new(fd: c_int, buf: *mut u8, len: usize, offset: Option<i64>) -> Result<Read, Errno> {
        if offset.is_some_and(|o| o < 0) {
            return Err(Errno::EINVAL);
        }
        Ok(Read { fd, buf, len: len.min(MAX_LEN), offset, progress: Progress::default() })
    }

    /// What is still to be read.
    fn rest(&self, p: Progress) -> (*mut u8, usize, Option<i64>) {
        (self.buf.wrapping_add(p.done()), self.len - p.done(), p.at(self.offset))
    }
}

impl Op for Read {
    /// A file's pages are mostly in memory.
    const TRY_FIRST: bool = true;
    const TAKES: bool = true;
    const SEVERS: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        let call = |p| {
            let (buf, len, offset) = self.rest(p);
            sys::try_read(self.fd, buf, len, offset)
        };
        let (progress, r) = self.progress.attempt(self.fd, || self.len, call);
        self.progress = progress;
        r
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    fn block(&mut self) -> R {
        let (buf, len, offset) = self.rest(self.progress);
        let r = sys::read_blocking(self.fd, buf, len, offset);
        self.finish(r)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        let (buf, len, offset) = self.rest(self.progress);
        sqe::read(self.fd, buf, len, offset)
    }
    fn finish(&mut self, r: R) -> R {
        self.progress.finish(r)
    }
    fn partial(&self) -> Option<i64> {
        self.progress.partial()
    }
    fn is_whole(&self, n: i64) -> bool {
        n as usize == self.len
    }
    fn is_positional(&self) -> bool {
        self.offset.is_some()
    }
    fn is_bounded(&self) -> bool {
        self.offset.is_some() || sys::is_file(self.fd) == Ok(true)
    }
}

/// co_io_read. `buf` has `len` bytes; it is given back when this returns.
pub fn read(fd: c_int, buf: *mut u8, len: usize, timeout_ns: i64) -> R {
    run(Read::new(fd, buf, len, None)?, timeout_ns)
}

/// co_io_pread.
pub fn pread(fd: c_int, buf: *mut u8, len: usize, offset: i64, timeout_ns: i64) -> R {
    run(Read::new(fd, buf, len, Some(offset))?, timeout_ns)
}
