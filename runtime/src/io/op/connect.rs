//! connect. Without the ring: O_NONBLOCK is set around the call only (through the gate: two at once
//! would mix up what was set before), then the socket becomes writable when the connection is there
//! or has failed.
//!
//! A local stream socket whose listener's queue is full says EAGAIN, and nothing tells when to try
//! again: every millisecond.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{self, R, Try};
use crate::io::table;
use libc::{sockaddr, socklen_t};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Connect {
    fd: c_int,
    addr: *const sockaddr,
    len: socklen_t,
    /// The connection is being made.
    begun: bool,
}

impl Connect {
    /// `addr` has `len` bytes.
    pub fn new(fd: c_int, addr: *const sockaddr, len: socklen_t) -> Connect {
        Connect { fd, addr, len, begun: false }
    }

    fn connect(&self) -> Try {
        let entry = match table::entry(self.fd) {
            Ok(e) => e,
            Err(e) => return Try::Done(Err(e)),
        };
        let Some(_gate) = entry.gate() else { return Try::Again };
        match self.without_blocking() {
            Err(Errno::EINPROGRESS | Errno::EALREADY) => Try::Wait,
            Err(Errno::EAGAIN) => Try::Again,
            Err(Errno::EISCONN) if self.begun => Try::Done(Ok(0)),
            r => Try::Done(r),
        }
    }

    fn without_blocking(&self) -> R {
        let flags = sys::flags(self.fd)?;
        let blocking = flags & libc::O_NONBLOCK == 0;
        if blocking {
            sys::set_flags(self.fd, flags | libc::O_NONBLOCK)?;
        }
        let r = sys::connect(self.fd, self.addr, self.len);
        if blocking {
            sys::set_flags(self.fd, flags)?;
        }
        r
    }
}

impl Op for Connect {
    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        if self.begun {
            match sys::socket_option(self.fd, libc::SOL_SOCKET, libc::SO_ERROR) {
                Err(e) => return Try::Done(Err(e)),
                Ok(0) => {}
                Ok(e) => return Try::Done(Err(Errno(e))),
            }
        }
        let r = self.connect();
        self.begun |= matches!(r, Try::Wait);
        r
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::connect(self.fd, self.addr, self.len)
    }
}

/// co_io_connect. `addr` has `len` bytes.
pub fn connect(fd: c_int, addr: *const sockaddr, len: socklen_t, timeout_ns: i64) -> R {
    run(Connect::new(fd, addr, len), timeout_ns)
}
