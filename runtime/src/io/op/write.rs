//! write and pwrite. A write to a socket is a send, so that a peer that is gone raises no SIGPIPE:
//! whether it is one, the first try tells.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct Write {
    fd: c_int,
    buf: *const u8,
    len: usize,
    /// None: at the file's position.
    offset: Option<i64>,
    /// The last try found a socket.
    socket: bool,
}

impl Op for Write {
    /// Mostly there is room; and the try tells sockets apart.
    const TRY_FIRST: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        if self.offset.is_none() {
            match sys::try_send(self.fd, self.buf, self.len, 0) {
                Try::Done(Err(Errno::ENOTSOCK)) => {}
                done => {
                    self.socket = true;
                    return done;
                }
            }
        }
        self.socket = false;
        sys::try_write(self.fd, self.buf, self.len, self.offset)
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    fn block(&mut self) -> R {
        sys::write_blocking(self.fd, self.buf, self.len, self.offset)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        if self.socket {
            sqe::send(self.fd, self.buf, self.len, libc::MSG_NOSIGNAL)
        } else {
            sqe::write(self.fd, self.buf, self.len, self.offset)
        }
    }
}

/// co_io_write. `buf` has `len` bytes; it is given back when this returns.
pub fn write(fd: c_int, buf: *const u8, len: usize, timeout_ns: i64) -> R {
    run(Write { fd, buf, len: len.min(MAX_LEN), offset: None, socket: false }, timeout_ns)
}

/// co_io_pwrite.
pub fn pwrite(fd: c_int, buf: *const u8, len: usize, offset: i64, timeout_ns: i64) -> R {
    if offset < 0 {
        return Err(Errno::EINVAL);
    }
    let offset = Some(offset);
    run(Write { fd, buf, len: len.min(MAX_LEN), offset, socket: false }, timeout_ns)
}
