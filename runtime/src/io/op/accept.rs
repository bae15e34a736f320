//! accept. The system has no accept that doesn't block on a listener in blocking mode: look first,
//! through the gate. (Another process that accepts on the same blocking listener could come
//! between; such listeners should be O_NONBLOCK.)
//!
//! With CO_IO_AHEAD the runtime may accept before it is asked: `engine::ahead`.

use crate::err::Errno;
use crate::io::engine::ahead::{self, Want};
use crate::io::engine::run;
use crate::io::op::{AHEAD, Op};
use crate::io::sys::{self, R, Try};
use crate::io::table;
use crate::wait::Deadline;
use libc::{sockaddr, socklen_t};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Accept {
    fd: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
    flags: c_int,
}

impl Accept {
    /// `addr` and `len` are NULL or as accept(2) wants them.
    pub fn new(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> Accept {
        Accept { fd, addr, len, flags }
    }

    fn accept(&self) -> R {
        let r = sys::accept(self.fd, self.addr, self.len, self.flags);
        began(r)
    }
}

/// The number is new: what was noted about it is void.
fn began(r: R) -> R {
    r.inspect(|&fd| table::begins(fd as c_int))
}

impl Op for Accept {
    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        match sys::flags(self.fd) {
            Err(e) => Try::Done(Err(e)),
            Ok(f) if f & libc::O_NONBLOCK != 0 => sys::tried(self.accept()),
            Ok(_) => match sys::guarded(self.fd, libc::POLLIN, || self.accept()) {
                // What does not listen would never become ready: it says so at once.
                Try::Wait if !sys::listens(self.fd) => sys::tried(self.accept()),
                other => other,
            },
        }
    }
    fn events(&self) -> c_short {
        libc::POLLIN
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::accept(self.fd, self.addr, self.len, self.flags | libc::SOCK_CLOEXEC)
    }
    fn finish(&mut self, r: R) -> R {
        began(r)
    }
}

/// co_io_accept. `addr` and `len` are NULL or as accept(2) wants them; `flags` may have AHEAD.
pub fn accept(
    fd: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
    flags: c_int,
    timeout_ns: i64,
) -> R {
    if flags & !(AHEAD | sys::ACCEPT_FLAGS) != 0 {
        return Err(Errno::EINVAL);
    }
    let plain = Accept { fd, addr, len, flags: flags & !AHEAD };
    let deadline = Deadline::new(timeout_ns)?;
    let keep = flags & AHEAD != 0;
    match ahead::take(fd, Want::Socket, keep, plain.flags | sys::CLOEXEC, deadline)? {
        Some((new, _)) => with_peer(new as c_int, addr, len),
        None => run(plain, timeout_ns),
    }
}

/// A connection that was accepted ahead: its address is looked up. It is empty when the peer
/// has gone meanwhile.
fn with_peer(new: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> R {
    if addr.is_null() {
        return Ok(i64::from(new));
    }
    match sys::peer_name(new, addr, len) {
        Ok(_) => Ok(i64::from(new)),
        Err(e) => {
            // As accept(2): a bad address costs the connection.
            let _ = sys::close(new);
            Err(e)
        }
    }
}
