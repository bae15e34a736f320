//! Header section `socket`: the calls of sockets.

use crate::convert::value;
use libc::{sockaddr, socklen_t};
use photonrt_runtime::io;
use std::ffi::{c_int, c_void};

/// Creates a socket, as socket(2) does, close-on-exec and ready for the co_io_* calls. Never
/// blocks. The descriptor, or what socket(2) gives.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_socket(domain: c_int, type_: c_int, protocol: c_int) -> c_int {
    value(io::socket(domain, type_, protocol)) as c_int
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

/// Shuts down one or both directions of a socket, as shutdown(2) does: `how` is SHUT_RD, SHUT_WR or
/// SHUT_RDWR. Never blocks. 0, or what shutdown(2) gives.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_shutdown(fd: c_int, how: c_int) -> c_int {
    value(io::shutdown(fd, how)) as c_int
}
