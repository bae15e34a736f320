//! send.

use crate::io::engine::run;
use crate::io::op::{MAX_LEN, Op, patience};
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Send {
    fd: c_int,
    buf: *const u8,
    len: usize,
    flags: c_int,
}

impl Send {
    /// `buf` has `len` bytes.
    pub fn new(fd: c_int, buf: *const u8, len: usize, flags: c_int) -> Send {
        Send { fd, buf, len: len.min(MAX_LEN), flags }
    }
}

impl Op for Send {
    /// Mostly there is room in the socket's buffer, and a call is cheaper than the ring, a park and
    /// a wake.
    const TRY_FIRST: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        sys::try_send(self.fd, self.buf, self.len, self.flags)
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    fn block(&mut self) -> R {
        // Only files get here, and they are no sockets.
        Err(crate::err::Errno::ENOTSOCK)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::send(self.fd, self.buf, self.len, self.flags | libc::MSG_NOSIGNAL)
    }
    fn is_whole(&self, n: i64) -> bool {
        n as usize == self.len
    }
}

/// co_io_send. `buf` has `len` bytes; it is given back when this returns.
pub fn send(fd: c_int, buf: *const u8, len: usize, flags: c_int, timeout_ns: i64) -> R {
    let timeout_ns = patience(flags, timeout_ns);
    run(Send::new(fd, buf, len, flags), timeout_ns)
}
