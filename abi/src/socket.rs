//! Header section `socket`: the calls of sockets.

use crate::convert::value;
use libc::{msghdr, sockaddr, socklen_t};
use photonrt_runtime::io;
use std::ffi::{c_int, c_void};

/// Creates a socket, as socket(2) does, close-on-exec and ready for the co_io_* calls. Never
/// blocks. The descriptor, or what socket(2) gives.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_socket(domain: c_int, type_: c_int, protocol: c_int) -> c_int {
    value(io::socket(domain, type_, protocol)) as c_int
}

/// Creates two connected sockets, as socketpair(2) does, close-on-exec, and writes them to `fds`.
/// Never blocks. 0, or what socketpair(2) gives, -EFAULT for one.
///
/// # Safety
/// `fds` has room for two.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_socketpair(
    domain: c_int,
    type_: c_int,
    protocol: c_int,
    fds: *mut c_int,
) -> c_int {
    value(io::socketpair(domain, type_, protocol, fds)) as c_int
}

/// bind(2): gives a socket its own address. Never blocks. 0, or what bind(2) gives, -EADDRINUSE for
/// one.
///
/// # Safety
/// `addr` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    value(io::bind(fd, addr, len)) as c_int
}

/// listen(2): makes a socket one that co_io_accept accepts from. Never blocks. 0, or what listen(2)
/// gives. (A listener in O_NONBLOCK mode spares each accept a look beforehand; co_tcp_listen's
/// are.)
#[unsafe(no_mangle)]
pub extern "C" fn co_io_listen(fd: c_int, backlog: c_int) -> c_int {
    value(io::listen(fd, backlog)) as c_int
}

/// Accepts a connection. `addr` and `len` may be NULL; otherwise they receive the peer's address as
/// accept(2) gives it. `flags`: SOCK_NONBLOCK, SOCK_CLOEXEC (which is set anyway), CO_IO_AHEAD. The
/// descriptor, or as co_io_read.
///
/// With CO_IO_AHEAD (see co_io_recv_buf) connections may have been accepted before the call, with the flags
/// of the first such call; the address of a peer that has gone meanwhile is then empty (`*len` 0),
/// and closing the listener closes those that nobody has taken.
///
/// # Safety
/// `addr` is NULL or points to `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_accept(
    fd: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
    flags: c_int,
    timeout_ns: i64,
) -> c_int {
    value(io::accept(fd, addr, len, flags, timeout_ns)) as c_int
}

/// Connects a socket. 0, or as co_io_read. After a timeout or a cancel the connection may be under
/// way: close the socket.
///
/// # Safety
/// `addr` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_connect(
    fd: c_int,
    addr: *const sockaddr,
    len: socklen_t,
    timeout_ns: i64,
) -> c_int {
    value(io::connect(fd, addr, len, timeout_ns)) as c_int
}

/// Receives up to `len` bytes from a socket; `flags` as recv(2). 0 is the end of a stream. As
/// co_io_read.
///
/// # Safety
/// `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_recv(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    flags: c_int,
    timeout_ns: i64,
) -> i64 {
    value(io::recv(fd, buf.cast(), len, flags, timeout_ns))
}

/// Sends up to `len` bytes on a socket and gives how many it took; `flags` as send(2), to which
/// MSG_NOSIGNAL is added: a peer that is gone gives -EPIPE and no signal. As co_io_read.
///
/// MSG_ZEROCOPY asks not to copy where that pays (64 KiB or more to a TCP connection by io_uring;
/// not once the system has copied nevertheless); elsewhere it is as if it were not there. The
/// buffer is the caller's when this returns, as ever, so the call lasts until the peer has
/// acknowledged the data, beyond its timeout and in spite of a cancel: not for peers that may stop
/// reading. co_io_close ends it and resets the connection.
///
/// # Safety
/// `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_send(
    fd: c_int,
    buf: *const c_void,
    len: usize,
    flags: c_int,
    timeout_ns: i64,
) -> i64 {
    value(io::send(fd, buf.cast(), len, flags, timeout_ns))
}

/// Receives as co_io_recv does, and the sender's address: `addr` and `addr_len` may be NULL, or as
/// recvfrom(2) wants them; an address that is longer than its room is cut, and `*addr_len` is its
/// full length.
///
/// # Safety
/// `buf` points to `len` bytes; `addr` is NULL or points to `*addr_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_recvfrom(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    flags: c_int,
    addr: *mut sockaddr,
    addr_len: *mut socklen_t,
    timeout_ns: i64,
) -> i64 {
    value(io::recvfrom(fd, buf.cast(), len, flags, addr, addr_len, timeout_ns))
}

/// Sends as co_io_send does, to `addr` unless that is NULL.
///
/// # Safety
/// `buf` points to `len` bytes; `addr` is NULL or points to `addr_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_sendto(
    fd: c_int,
    buf: *const c_void,
    len: usize,
    flags: c_int,
    addr: *const sockaddr,
    addr_len: socklen_t,
    timeout_ns: i64,
) -> i64 {
    value(io::sendto(fd, buf.cast(), len, flags, addr, addr_len, timeout_ns))
}

/// Receives a message as recvmsg(2) does, into several buffers, with the sender's address and
/// control messages; msg_flags tells what was cut (MSG_TRUNC, MSG_CTRUNC). Descriptors that come
/// with it (SCM_RIGHTS) are new ones of the caller's, close-on-exec. With MSG_ERRQUEUE it waits for
/// an error in the queue; with MSG_WAITALL, on a stream, until the buffers are full or control
/// messages have come. As co_io_read.
///
/// # Safety
/// `msg` and what it points to are valid (memory that is not there gives -EFAULT).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_recvmsg(
    fd: c_int,
    msg: *mut msghdr,
    flags: c_int,
    timeout_ns: i64,
) -> i64 {
    value(io::recvmsg(fd, msg, flags, timeout_ns))
}

/// Sends a message as sendmsg(2) does, from several buffers, with an address and control messages
/// (SCM_RIGHTS passes descriptors, which stay open here), and gives how many bytes it took; to
/// `flags` MSG_NOSIGNAL is added, and MSG_ZEROCOPY is as with co_io_send. As co_io_read.
///
/// # Safety
/// `msg` and what it points to are valid (memory that is not there gives -EFAULT).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_sendmsg(
    fd: c_int,
    msg: *const msghdr,
    flags: c_int,
    timeout_ns: i64,
) -> i64 {
    value(io::sendmsg(fd, msg, flags, timeout_ns))
}

/// Shuts down one or both directions of a socket, as shutdown(2) does: `how` is SHUT_RD, SHUT_WR or
/// SHUT_RDWR. Never blocks. 0, or what shutdown(2) gives.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_shutdown(fd: c_int, how: c_int) -> c_int {
    value(io::shutdown(fd, how)) as c_int
}

/// getsockname(2): the socket's own address. Never blocks. 0, or what getsockname(2) gives.
///
/// # Safety
/// `addr` points to `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_getsockname(
    fd: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    value(io::getsockname(fd, addr, len)) as c_int
}

/// getpeername(2): the peer's address. Never blocks. 0, or what getpeername(2) gives, -ENOTCONN for
/// one.
///
/// # Safety
/// `addr` points to `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_getpeername(
    fd: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    value(io::getpeername(fd, addr, len)) as c_int
}

/// getsockopt(2): the value of a socket's option. Never blocks. 0, or what getsockopt(2) gives.
/// (This and the next set no errno, which is all that they add.)
///
/// # Safety
/// `option` points to `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    option: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    value(io::getsockopt(fd, level, name, option, len)) as c_int
}

/// setsockopt(2): sets a socket's option. Never blocks. 0, or what setsockopt(2) gives. A receive
/// or send timeout (SO_RCVTIMEO, SO_SNDTIMEO) has no effect on the co_io_* calls: they have their
/// own.
///
/// # Safety
/// `option` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_setsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    option: *const c_void,
    len: socklen_t,
) -> c_int {
    value(io::setsockopt(fd, level, name, option, len)) as c_int
}
