//! The system calls of sockets: those that take addresses and messages, without blocking; and what
//! never blocks. Pointers come from the caller of the API, who vouches for them; the system checks
//! the addresses and says EFAULT.
#![allow(unsafe_code)]

use super::{NO_SIGNAL, R, RECEIVED_CLOEXEC, Try, close_on_exec, tried, uninterrupted};
use crate::err::Errno;
use libc::{msghdr, sockaddr, socklen_t};
use std::ffi::{c_int, c_void};

/// recvfrom(2) without blocking.
pub fn try_recvfrom(
    fd: c_int,
    buf: *mut u8,
    len: usize,
    flags: c_int,
    addr: *mut sockaddr,
    addr_len: *mut socklen_t,
) -> Try {
    let flags = flags | libc::MSG_DONTWAIT;
    let buf = buf.cast::<c_void>();
    // SAFETY: see the module.
    tried(uninterrupted(|| unsafe { libc::recvfrom(fd, buf, len, flags, addr, addr_len) as i64 }))
}

/// sendto(2) without blocking, and without SIGPIPE where the call itself can say so.
pub fn try_sendto(
    fd: c_int,
    buf: *const u8,
    len: usize,
    flags: c_int,
    addr: *const sockaddr,
    addr_len: socklen_t,
) -> Try {
    let flags = flags | libc::MSG_DONTWAIT | NO_SIGNAL;
    let buf = buf.cast::<c_void>();
    // SAFETY: see the module.
    tried(uninterrupted(|| unsafe { libc::sendto(fd, buf, len, flags, addr, addr_len) as i64 }))
}

/// Whether it is a socket, and no stream.
pub fn is_datagram(fd: c_int) -> bool {
    let kind = super::socket_option(fd, libc::SOL_SOCKET, libc::SO_TYPE);
    kind.is_ok_and(|kind| kind != libc::SOCK_STREAM)
}

/// What to do about a send that would block. A local datagram socket whose receiver's queue is full
/// says that it is writable all the same, and nothing tells when the queue has room. `datagram`:
/// whether it is no stream.
pub fn send_waits(fd: c_int, datagram: &mut bool) -> Try {
    *datagram = is_datagram(fd);
    if *datagram && super::try_poll(fd, libc::POLLOUT).is_ok_and(|got| got != 0) {
        return Try::Again;
    }
    Try::Wait
}

/// recvmsg(2) without blocking; descriptors that come with it are close-on-exec.
pub fn try_recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> Try {
    let flags = flags | libc::MSG_DONTWAIT | RECEIVED_CLOEXEC;
    // SAFETY: see the module.
    tried(uninterrupted(|| unsafe { libc::recvmsg(fd, msg, flags) as i64 }))
}

/// sendmsg(2) without blocking, and without SIGPIPE where the call itself can say so.
pub fn try_sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> Try {
    let flags = flags | libc::MSG_DONTWAIT | NO_SIGNAL;
    // SAFETY: see the module.
    tried(uninterrupted(|| unsafe { libc::sendmsg(fd, msg, flags) as i64 }))
}

/// A message has been received into `msg`: makes the descriptors that came with it close-on-exec
/// where recvmsg(2) can't, takes back the flag that we added to the caller's `flags`, and calls
/// `each` with every new descriptor.
pub fn received(msg: *mut msghdr, flags: c_int, mut each: impl FnMut(c_int)) {
    // SAFETY: the system has just written to the msghdr, and to the control buffer as many bytes as
    // it says.
    unsafe {
        if RECEIVED_CLOEXEC != 0 && flags & RECEIVED_CLOEXEC == 0 {
            (*msg).msg_flags &= !RECEIVED_CLOEXEC;
        }
        let mut c = libc::CMSG_FIRSTHDR(msg);
        while let Some(head) = c.as_ref() {
            if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_RIGHTS {
                let len: usize = head.cmsg_len as _;
                let bytes = len.saturating_sub(libc::CMSG_LEN(0) as usize);
                let fds = libc::CMSG_DATA(c).cast::<c_int>();
                for i in 0..bytes / size_of::<c_int>() {
                    let fd = fds.add(i).read_unaligned();
                    close_on_exec(fd);
                    each(fd);
                }
            }
            c = libc::CMSG_NXTHDR(msg, c);
        }
    }
}

/// bind(2).
pub fn bind_to(fd: c_int, addr: *const sockaddr, len: socklen_t) -> R {
    // SAFETY: see the module.
    Errno::check(i64::from(unsafe { libc::bind(fd, addr, len) }))
}

/// getsockname(2), or getpeername(2) with `peer`.
pub fn address(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, peer: bool) -> R {
    let call = if peer { libc::getpeername } else { libc::getsockname };
    // SAFETY: see the module.
    Errno::check(i64::from(unsafe { call(fd, addr, len) }))
}

/// getsockopt(2).
pub fn get_option(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> R {
    // SAFETY: see the module.
    Errno::check(i64::from(unsafe { libc::getsockopt(fd, level, name, value, len) }))
}

/// setsockopt(2) with any value.
pub fn set_option_to(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> R {
    // SAFETY: see the module.
    Errno::check(i64::from(unsafe { libc::setsockopt(fd, level, name, value, len) }))
}

/// Takes a stream socket's connection away: what is still to be sent is thrown away, and the peer
/// is told by a reset.
pub fn reset(fd: c_int) {
    // SAFETY: all-zero is an address of no family, of the length given. A failure means that there
    // is no connection.
    unsafe {
        let none = std::mem::zeroed::<sockaddr>();
        libc::connect(fd, &raw const none, size_of::<sockaddr>() as socklen_t);
    }
}
