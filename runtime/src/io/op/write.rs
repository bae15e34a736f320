//! write and pwrite. A write to a socket is a send, so that a peer that is gone raises no SIGPIPE:
//! whether it is one, the first try tells. (Untried are only those at an offset, and of files.)

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
pub struct Write {
    fd: c_int,
    buf: *const u8,
    len: usize,
    /// None: at the file's position.
    offset: Option<i64>,
    /// The last try found a socket.
    socket: bool,
    /// It has to wait, and is a socket but no stream: see `send`.
    datagram: bool,
    progress: Progress,
}

impl Write {
    /// `buf` has `len` bytes. EINVAL: a negative offset.
    pub fn new(fd: c_int, buf: *const u8, len: usize, offset: Option<i64>) -> Result<Write, Errno> {
        if offset.is_some_and(|o| o < 0) {
            return Err(Errno::EINVAL);
        }
        let len = len.min(MAX_LEN);
        Ok(Write {
            fd,
            buf,
            len,
            offset,
            socket: false,
            datagram: false,
            progress: Progress::default(),
        })
    }

    /// What is still to be written.
    fn rest(&self, p: Progress) -> (*const u8, usize, Option<i64>) {
        (self.buf.wrapping_add(p.done()), self.len - p.done(), p.at(self.offset))
    }
}

impl Op for Write {
    /// Mostly there is room; and the try tells sockets apart.
    const TRY_FIRST: bool = true;
    const SEVERS: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        if self.offset.is_none() && self.progress.done() == 0 {
            match sys::try_send(self.fd, self.buf, self.len, 0) {
                Try::Done(Err(Errno::ENOTSOCK)) => {}
                done => {
                    self.socket = true;
                    return match done {
                        Try::Wait => sys::send_waits(self.fd, &mut self.datagram),
                        done => done,
                    };
                }
            }
        }
        self.socket = false;
        let call = |p| {
            let (buf, len, offset) = self.rest(p);
            sys::try_write(self.fd, buf, len, offset)
        };
        let (progress, r) = self.progress.attempt(self.fd, || self.len, call);
        self.progress = progress;
        r
    }
    fn by_readiness(&self) -> bool {
        self.datagram
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    fn block(&mut self) -> R {
        let (buf, len, offset) = self.rest(self.progress);
        let r = sys::write_blocking(self.fd, buf, len, offset);
        self.finish(r)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        if self.socket {
            sqe::send(self.fd, self.buf, self.len, libc::MSG_NOSIGNAL)
        } else {
            let (buf, len, offset) = self.rest(self.progress);
            sqe::write(self.fd, buf, len, offset)
        }
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

/// co_io_write. `buf` has `len` bytes; it is given back when this returns.
pub fn write(fd: c_int, buf: *const u8, len: usize, timeout_ns: i64) -> R {
    run(Write::new(fd, buf, len, None)?, timeout_ns)
}

/// co_io_pwrite.
pub fn pwrite(fd: c_int, buf: *const u8, len: usize, offset: i64, timeout_ns: i64) -> R {
    run(Write::new(fd, buf, len, Some(offset))?, timeout_ns)
}
