//! recv and recvfrom. With MSG_WAITALL it goes on until the buffer is full, the stream ends, or the
//! wait for more is ended; what came until then is the result. (A datagram is always whole.)
#![allow(unsafe_code)]

use crate::io::engine::run;
use crate::io::op::msg::{ERRQUEUE, receive_events};
use crate::io::op::{MAX_LEN, Op, patience};
use crate::io::sys::{self, R, Try};
use libc::{sockaddr, socklen_t};
use std::ffi::{c_int, c_short};
use std::ptr::null_mut;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// Whoever fills a buffer of so many bytes is probably not done: the next receive tries at once. So a
/// fast stream is emptied before its sender runs again, and its pages are used again while they are
/// in the cache: 1 MiB messages on one CPU cost 45 % less.
const BULK: usize = 16 << 10;

/// See the module.
#[derive(Debug)]
pub struct Recv {
    fd: c_int,
    buf: *mut u8,
    len: usize,
    flags: c_int,
    /// Where the sender's address goes, or NULL.
    addr: *mut sockaddr,
    addr_len: *mut socklen_t,
    /// MSG_WAITALL: received so far.
    got: usize,
}

impl Recv {
    /// `buf` has `len` bytes.
    pub fn new(fd: c_int, buf: *mut u8, len: usize, flags: c_int) -> Recv {
        let (addr, addr_len) = (null_mut(), null_mut());
        Recv { fd, buf, len: len.min(MAX_LEN), flags, addr, addr_len, got: 0 }
    }

    /// The same, and the sender's address goes to `addr`, or nowhere if it is NULL.
    pub fn from(self, addr: *mut sockaddr, addr_len: *mut socklen_t) -> Recv {
        Recv { addr, addr_len, ..self }
    }

    fn try_all(&mut self) -> Try {
        loop {
            // SAFETY: `got` bytes have been received into the buffer, so it has at least as many.
            let rest = unsafe { self.buf.add(self.got) };
            match self.receive(rest, self.len - self.got, self.flags & !libc::MSG_WAITALL) {
                Try::Done(Ok(n)) if n > 0 && self.got + (n as usize) < self.len => {
                    self.got += n as usize
                }
                Try::Done(Ok(n)) => return Try::Done(Ok(self.got as i64 + n)),
                Try::Done(Err(_)) if self.got > 0 => return Try::Done(Ok(self.got as i64)),
                other => return other,
            }
        }
    }

    fn receive(&self, buf: *mut u8, len: usize, flags: c_int) -> Try {
        // The address comes with the first of it.
        if self.addr.is_null() || self.got > 0 {
            return sys::try_recv(self.fd, buf, len, flags);
        }
        sys::try_recvfrom(self.fd, buf, len, flags, self.addr, self.addr_len)
    }

    fn waits_for_all(&self) -> bool {
        self.flags & (libc::MSG_WAITALL | libc::MSG_PEEK) == libc::MSG_WAITALL
            && sys::is_stream(self.fd)
    }
}

impl Op for Recv {
    const RECEIVES: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        if self.waits_for_all() {
            return self.try_all();
        }
        self.receive(self.buf, self.len, self.flags)
    }
    fn events(&self) -> c_short {
        receive_events(self.flags)
    }
    /// The ring would want the length of the address before it is known whether that can be read;
    /// and it waits for data, whatever is asked for.
    fn by_readiness(&self) -> bool {
        !self.addr.is_null() || self.flags & (libc::MSG_OOB | ERRQUEUE) != 0
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, wait_first: bool) -> Sqe {
        // SAFETY: as in try_all.
        let rest = unsafe { self.buf.add(self.got) };
        sqe::recv(self.fd, rest, self.len - self.got, self.flags, wait_first)
    }
    fn finish(&mut self, r: R) -> R {
        match r {
            Ok(n) => Ok(self.got as i64 + n),
            Err(_) if self.got > 0 => Ok(self.got as i64),
            e => e,
        }
    }
    fn partial(&self) -> Option<i64> {
        (self.got > 0).then_some(self.got as i64)
    }
    fn is_whole(&self, n: i64) -> bool {
        n as usize >= self.len
    }
    fn left_more(&self, r: &R) -> bool {
        self.flags == 0 && self.len >= BULK && *r == Ok(self.len as i64)
    }
    fn took_all(&self, r: &R) -> bool {
        self.flags == 0 && matches!(*r, Ok(n) if n > 0 && (n as usize) < self.len)
    }
}

/// co_io_recv. `buf` has `len` bytes; it is given back when this returns.
pub fn recv(fd: c_int, buf: *mut u8, len: usize, flags: c_int, timeout_ns: i64) -> R {
    recvfrom(fd, buf, len, flags, null_mut(), null_mut(), timeout_ns)
}

/// co_io_recvfrom. `addr` is NULL, or has as many bytes as `addr_len` points to.
pub fn recvfrom(
    fd: c_int,
    buf: *mut u8,
    len: usize,
    flags: c_int,
    addr: *mut sockaddr,
    addr_len: *mut socklen_t,
    timeout_ns: i64,
) -> R {
    let timeout_ns = patience(flags, timeout_ns);
    run(Recv::new(fd, buf, len, flags).from(addr, addr_len), timeout_ns)
}
