//! recvmsg and sendmsg: several buffers, addresses, control messages. The msghdr stays the caller's,
//! and the system reads and writes it.
//!
//! With MSG_WAITALL a stream is received piece by piece, so there the msghdr and its iovecs are
//! copied (when the system has said that they can be read):
//! ```text
//!   caller's  { name, iov, control, flags }    copied once; lengths and flags are written back
//!   ours      { name, iov[at..], control, 0 }  shortened by what has come, for each piece
//! ```
//! A piece with control messages is the last: the system itself does not read on past descriptors,
//! and the next piece's would need the same room.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::vector::total;
use crate::io::op::{MAX_LEN, Op, ZERO_COPY, ZERO_COPY_MIN, patience};
use crate::io::sys::{self, R, Try, memory};
use crate::io::table;
use libc::{iovec, msghdr};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// What the system takes: UIO_MAXIOV.
const MAX_IOVECS: usize = 1024;

/// musl's own recvmsg and sendmsg read the msghdr, and recvmsg writes it, before or after the system
/// has: a bad address would be a crash there, so it is looked at first.
const LIBC_LOOKS: bool = cfg!(target_env = "musl");

/// See the module.
pub struct RecvMsg {
    fd: c_int,
    msg: *mut msghdr,
    flags: c_int,
    whole: Option<Whole>,
}

/// MSG_WAITALL.
struct Whole {
    /// The msghdr as the caller gave it.
    given: msghdr,
    /// What is left to be filled begins at `at`.
    iov: Vec<iovec>,
    at: usize,
    left: usize,
    got: usize,
}

impl Whole {
    fn new(msg: *mut msghdr) -> Result<Whole, Errno> {
        // SAFETY: any bytes are a valid msghdr.
        let given = unsafe { memory::fetch(msg)? };
        // We will write to it: better to know now.
        memory::store(msg, &given, size_of::<msghdr>())?;
        let n: usize = given.msg_iovlen as _;
        if n > MAX_IOVECS {
            return Err(Errno::EMSGSIZE);
        }
        let mut iov = Vec::new();
        iov.try_reserve_exact(n).map_err(|_| Errno::ENOMEM)?;
        for i in 0..n {
            // SAFETY: any bytes are a valid iovec.
            iov.push(unsafe { memory::fetch(given.msg_iov.wrapping_add(i))? });
        }
        let left = iov.iter().fold(0, |sum: usize, v| sum.saturating_add(v.iov_len)).min(MAX_LEN);
        Ok(Whole { given, iov, at: 0, left, got: 0 })
    }

    /// A msghdr for the rest.
    fn rest(&mut self) -> msghdr {
        let rest = &mut self.iov[self.at..];
        let mut msg = self.given;
        msg.msg_iov = rest.as_mut_ptr();
        msg.msg_iovlen = rest.len() as _;
        msg
    }

    /// `n` bytes have come.
    fn advance(&mut self, n: usize) {
        self.got += n;
        self.left = self.left.saturating_sub(n);
        let mut n = n;
        while let Some(v) = self.iov.get_mut(self.at) {
            let part = n.min(v.iov_len);
            // SAFETY: within the buffer that the system has just filled.
            v.iov_base = unsafe { v.iov_base.byte_add(part) };
            v.iov_len -= part;
            n -= part;
            if v.iov_len > 0 {
                break;
            }
            self.at += 1;
        }
    }
}

impl RecvMsg {
    /// `msg` is as recvmsg(2) wants it. With MSG_WAITALL: EFAULT, EMSGSIZE, ENOMEM. EFAULT: see
    /// `LIBC_LOOKS`.
    pub fn new(fd: c_int, msg: *mut msghdr, flags: c_int) -> Result<RecvMsg, Errno> {
        if LIBC_LOOKS {
            // SAFETY: any bytes are a valid msghdr.
            let given = unsafe { memory::fetch(msg)? };
            memory::store(msg, &given, size_of::<msghdr>())?;
        }
        let all = flags & (libc::MSG_WAITALL | libc::MSG_PEEK) == libc::MSG_WAITALL;
        let whole = if all && sys::is_stream(fd) { Some(Whole::new(msg)?) } else { None };
        Ok(RecvMsg { fd, msg, flags, whole })
    }

    fn try_once(&mut self) -> Try {
        match sys::try_recvmsg(self.fd, self.msg, self.flags) {
            Try::Done(r) => Try::Done(self.finish(r)),
            other => other,
        }
    }

    fn try_whole(&mut self) -> Try {
        let (fd, to, flags) = (self.fd, self.msg, self.flags & !libc::MSG_WAITALL);
        let Some(w) = &mut self.whole else { return self.try_once() };
        loop {
            let mut msg = w.rest();
            let n = match sys::try_recvmsg(fd, &raw mut msg, flags) {
                Try::Done(Ok(n)) => n as usize,
                Try::Done(Err(_)) if w.got > 0 => return Try::Done(Ok(w.got as i64)),
                other => return other,
            };
            sys::received(&raw mut msg, self.flags, table::begins);
            // SAFETY: it could be read and written to when the call began, and is the caller's.
            unsafe {
                (*to).msg_namelen = msg.msg_namelen;
                (*to).msg_controllen = msg.msg_controllen;
                (*to).msg_flags = msg.msg_flags;
            }
            w.advance(n);
            if n == 0 || w.left == 0 || msg.msg_controllen > 0 || msg.msg_flags & ENDS != 0 {
                return Try::Done(Ok(w.got as i64));
            }
        }
    }
}

/// What in a piece's flags means that no other piece belongs to it.
const ENDS: c_int = libc::MSG_TRUNC | libc::MSG_CTRUNC | libc::MSG_OOB | libc::MSG_EOR;

impl std::fmt::Debug for RecvMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecvMsg").field("fd", &self.fd).finish_non_exhaustive()
    }
}

impl Op for RecvMsg {
    const TAKES: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::RECVMSG);

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        self.try_whole()
    }
    /// The ring waits for what is not asked for, or loses control messages between pieces.
    fn by_readiness(&self) -> bool {
        self.whole.is_some() || self.flags & (libc::MSG_OOB | ERRQUEUE | libc::MSG_WAITALL) != 0
    }
    fn events(&self) -> c_short {
        receive_events(self.flags)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::recvmsg(self.fd, self.msg, self.flags | sys::RECEIVED_CLOEXEC)
    }
    fn finish(&mut self, r: R) -> R {
        r.inspect(|_| sys::received(self.msg, self.flags, table::begins))
    }
    fn partial(&self) -> Option<i64> {
        self.whole.as_ref().filter(|w| w.got > 0).map(|w| w.got as i64)
    }
    fn is_whole(&self, n: i64) -> bool {
        is_whole(self.msg, n)
    }
}

#[cfg(target_os = "linux")]
pub(super) const ERRQUEUE: c_int = libc::MSG_ERRQUEUE;
#[cfg(not(target_os = "linux"))]
pub(super) const ERRQUEUE: c_int = 0;

/// What to wait for when there is nothing to be received.
pub(super) fn receive_events(flags: c_int) -> c_short {
    if flags & ERRQUEUE != 0 {
        // The error itself, which is reported unasked.
        0
    } else if flags & libc::MSG_OOB != 0 {
        libc::POLLPRI
    } else {
        libc::POLLIN
    }
}

/// co_io_recvmsg.
pub fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int, timeout_ns: i64) -> R {
    let timeout_ns = patience(flags, timeout_ns);
    run(RecvMsg::new(fd, msg, flags)?, timeout_ns)
}

/// See the module.
#[derive(Debug)]
pub struct SendMsg {
    fd: c_int,
    msg: *const msghdr,
    flags: c_int,
    zero_copy: bool,
}

impl SendMsg {
    /// `msg` is as sendmsg(2) wants it. With ZERO_COPY: EFAULT. EFAULT: see `LIBC_LOOKS`.
    pub fn new(fd: c_int, msg: *const msghdr, flags: c_int) -> Result<SendMsg, Errno> {
        if LIBC_LOOKS {
            // SAFETY: any bytes are a valid msghdr.
            unsafe { memory::fetch(msg)? };
        }
        let zero_copy = flags & ZERO_COPY != 0 && pays_without_copy(fd, msg)?;
        Ok(SendMsg { fd, msg, flags: flags & !ZERO_COPY, zero_copy })
    }
}

/// Whether `n` are all the bytes of a message that the system has taken: so it has read it, and we
/// may.
fn is_whole(msg: *const msghdr, n: i64) -> bool {
    // SAFETY: above. (The ABI says that it stays until the call has returned.)
    let (iov, count) = unsafe { ((*msg).msg_iov, (*msg).msg_iovlen) };
    n as usize >= total(iov, count as _)
}

impl Op for SendMsg {
    const SENDS: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        match sys::try_sendmsg(self.fd, self.msg, self.flags) {
            Try::Wait => sys::send_waits(self.fd, &mut false),
            t => t,
        }
    }
    /// As with send the first try mostly succeeds. Then the same way again: see `send` about
    /// datagrams; and a message's control part goes with the same bytes on every engine.
    fn by_readiness(&self) -> bool {
        true
    }
    fn events(&self) -> c_short {
        libc::POLLOUT
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::poll(self.fd, libc::POLLOUT)
    }
    fn is_whole(&self, n: i64) -> bool {
        is_whole(self.msg, n)
    }
    fn zero_copy(&self) -> bool {
        self.zero_copy
    }
    #[cfg(target_os = "linux")]
    fn zero_copy_sqe(&mut self) -> Option<Sqe> {
        Some(sqe::sendmsg_zero_copy(self.fd, self.msg, self.flags | libc::MSG_NOSIGNAL))
    }
}

/// Whether a message is long enough for it, and nothing but bytes for a TCP connection.
fn pays_without_copy(fd: c_int, msg: *const msghdr) -> Result<bool, Errno> {
    if !sys::is_tcp(fd) {
        return Ok(false);
    }
    // SAFETY: any bytes are a valid msghdr.
    let m = unsafe { memory::fetch(msg)? };
    let (mut bytes, n): (usize, usize) = (0, m.msg_iovlen as _);
    for i in 0..n.min(MAX_IOVECS) {
        // SAFETY: any bytes are a valid iovec.
        let v = unsafe { memory::fetch(m.msg_iov.wrapping_add(i))? };
        bytes = bytes.saturating_add(v.iov_len);
        if bytes >= ZERO_COPY_MIN {
            return Ok(m.msg_controllen == 0);
        }
    }
    Ok(false)
}

/// co_io_sendmsg.
pub fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int, timeout_ns: i64) -> R {
    run(SendMsg::new(fd, msg, flags)?, patience(flags, timeout_ns))
}
