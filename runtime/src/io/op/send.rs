//! send and sendto.

use crate::io::engine::{at_once, run};
use crate::io::op::{MAX_LEN, Op, ZERO_COPY, ZERO_COPY_MIN, patience};
use crate::io::sys::{self, R, Try};
use libc::{sockaddr, socklen_t};
use std::ffi::{c_int, c_short};
use std::ptr::null;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Send {
    fd: c_int,
    buf: *const u8,
    len: usize,
    flags: c_int,
    /// Where to, or NULL.
    addr: *const sockaddr,
    addr_len: socklen_t,
    /// It has to wait, and is no stream.
    datagram: bool,
    zero_copy: bool,
}

impl Send {
    /// `buf` has `len` bytes.
    pub fn new(fd: c_int, buf: *const u8, len: usize, flags: c_int) -> Send {
        let (addr, addr_len) = (null(), 0);
        let zero_copy = flags & ZERO_COPY != 0 && len >= ZERO_COPY_MIN && sys::is_tcp(fd);
        let (len, flags) = (len.min(MAX_LEN), flags & !ZERO_COPY);
        Send { fd, buf, len, flags, addr, addr_len, datagram: false, zero_copy }
    }

    /// The same to an address, unless that is NULL.
    pub fn to(self, addr: *const sockaddr, addr_len: socklen_t) -> Send {
        Send { addr, addr_len, ..self }
    }
}

impl Op for Send {
    /// Mostly there is room in the socket's buffer, and a call is cheaper than the ring, a park and
    /// a wake.
    const TRY_FIRST: bool = true;
    const SENDS: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        let (fd, buf, len, flags) = (self.fd, self.buf, self.len, self.flags);
        let t = if self.addr.is_null() {
            sys::try_send(fd, buf, len, flags)
        } else {
            sys::try_sendto(fd, buf, len, flags, self.addr, self.addr_len)
        };
        match t {
            Try::Wait => sys::send_waits(fd, &mut self.datagram),
            t => t,
        }
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    /// The ring, when it tries a datagram again, sends what its first try has left of it: nothing
    /// (seen on Linux 6.18). And it knows no address in a send.
    fn by_readiness(&self) -> bool {
        self.datagram || !self.addr.is_null()
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::send(self.fd, self.buf, self.len, self.flags | libc::MSG_NOSIGNAL)
    }
    fn zero_copy(&self) -> bool {
        self.zero_copy
    }
    #[cfg(target_os = "linux")]
    fn zero_copy_sqe(&mut self) -> Option<Sqe> {
        let flags = self.flags | libc::MSG_NOSIGNAL;
        Some(sqe::send_zero_copy(self.fd, self.buf, self.len, flags))
    }
    fn is_whole(&self, n: i64) -> bool {
        n as usize == self.len
    }
}

/// co_io_send. `buf` has `len` bytes; it is given back when this returns.
pub fn send(fd: c_int, buf: *const u8, len: usize, flags: c_int, timeout_ns: i64) -> R {
    if flags & ZERO_COPY == 0 && timeout_ns >= -1 {
        let attempt = || sys::try_send(fd, buf, len.min(MAX_LEN), flags);
        if let Some(r) = at_once(fd, attempt) {
            return r;
        }
    }
    sendto(fd, buf, len, flags, null(), 0, timeout_ns)
}

/// co_io_sendto. `addr` has `addr_len` bytes.
pub fn sendto(
    fd: c_int,
    buf: *const u8,
    len: usize,
    flags: c_int,
    addr: *const sockaddr,
    addr_len: socklen_t,
    timeout_ns: i64,
) -> R {
    let timeout_ns = patience(flags, timeout_ns);
    run(Send::new(fd, buf, len, flags).to(addr, addr_len), timeout_ns)
}
