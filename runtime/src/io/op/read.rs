//! read and pread.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct Read {
    fd: c_int,
    buf: *mut u8,
    len: usize,
    /// None: at the file's position.
    offset: Option<i64>,
}

impl Op for Read {
    /// A file's pages are mostly in memory.
    const TRY_FIRST: bool = true;
    const TAKES: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        sys::try_read(self.fd, self.buf, self.len, self.offset)
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    fn block(&mut self) -> R {
        sys::read_blocking(self.fd, self.buf, self.len, self.offset)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::read(self.fd, self.buf, self.len, self.offset)
    }
}

/// co_io_read. `buf` has `len` bytes; it is given back when this returns.
pub fn read(fd: c_int, buf: *mut u8, len: usize, timeout_ns: i64) -> R {
    run(Read { fd, buf, len: len.min(MAX_LEN), offset: None }, timeout_ns)
}

/// co_io_pread.
pub fn pread(fd: c_int, buf: *mut u8, len: usize, offset: i64, timeout_ns: i64) -> R {
    if offset < 0 {
        return Err(Errno::EINVAL);
    }
    run(Read { fd, buf, len: len.min(MAX_LEN), offset: Some(offset) }, timeout_ns)
}
