//! Header section `io`.

use crate::convert::value;
use libc::{sockaddr, socklen_t};
use photonrt_runtime::io;
use std::ffi::{c_char, c_int, c_short, c_void};

/// Opens a file, as open(2) does, always close-on-exec. `mode` counts with O_CREAT only.
///
/// Blocks the coroutine; a cancellation point. Plain threads too. The descriptor; or what open(2)
/// gives, -ETIMEDOUT (-EAGAIN with CO_NOW where it can't be had at once), -ECANCELED or an
/// interrupt's error, -EINVAL (timeout below -1).
///
/// # Safety
/// `path` is NULL (-EFAULT) or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_open(
    path: *const c_char,
    flags: c_int,
    mode: u32,
    timeout_ns: i64,
) -> c_int {
    value(io::open(path, flags, mode, timeout_ns)) as c_int
}

/// Reads up to `len` bytes at the file's position: a file, socket, pipe, terminal, eventfd..., in
/// blocking mode or not. 0 is the end.
///
/// All co_io_* calls: block the coroutine and never the vCPU; are cancellation points; work on
/// plain threads too, which they block. Whatever they return, the system no longer holds the
/// buffer. They give what the system call gives (>= 0, or its error), or -ETIMEDOUT (-EAGAIN with
/// CO_NOW), -ECANCELED or an interrupt's error if nothing was transferred before, -EBADF when
/// co_io_close closes the descriptor meanwhile, -EINVAL for a timeout below -1. A length over
/// INT_MAX is treated as INT_MAX rounded down to a page.
///
/// # Safety
/// `buf` points to `len` bytes (memory that is not there gives -EFAULT).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_read(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    value(io::read(fd, buf.cast(), len, timeout_ns))
}

/// Writes up to `len` bytes at the file's position and gives how many it wrote. As co_io_read; a
/// pipe or socket without a reader gives -EPIPE (and for a pipe the system's SIGPIPE, unless it is
/// ignored).
///
/// # Safety
/// `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_write(
    fd: c_int,
    buf: *const c_void,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    value(io::write(fd, buf.cast(), len, timeout_ns))
}

/// Reads up to `len` bytes at `offset` (>= 0), the file's position unmoved. As co_io_read; -ESPIPE
/// where the descriptor has no positions.
///
/// # Safety
/// `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_pread(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    offset: i64,
    timeout_ns: i64,
) -> i64 {
    value(io::pread(fd, buf.cast(), len, offset, timeout_ns))
}

/// Writes up to `len` bytes at `offset` (>= 0), the file's position unmoved. As co_io_read; -ESPIPE
/// where the descriptor has no positions.
///
/// # Safety
/// `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_pwrite(
    fd: c_int,
    buf: *const c_void,
    len: usize,
    offset: i64,
    timeout_ns: i64,
) -> i64 {
    value(io::pwrite(fd, buf.cast(), len, offset, timeout_ns))
}

/// Waits until what was written to the file is on its device. 0, or as co_io_read. A timeout or
/// cancel stops the waiting for it, where the system lets it.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_fsync(fd: c_int, timeout_ns: i64) -> c_int {
    value(io::fsync(fd, timeout_ns)) as c_int
}

/// Ends every co_io_* call that is under way on `fd` in any coroutine (each gives -EBADF, or its
/// result if it was done), waits until they have, then closes `fd`. The number may be reused only
/// after that, so no call can hit a successor.
///
/// Blocks the coroutine, not cancellable: after it the descriptor is closed. Plain threads too. 0;
/// -EBADF (not open); what close(2) gives (-EINTR and -EIO: closed nevertheless).
#[unsafe(no_mangle)]
pub extern "C" fn co_io_close(fd: c_int) -> c_int {
    value(io::close(fd)) as c_int
}

/// Creates a socket, as socket(2) does, close-on-exec and ready for the co_io_* calls. Never
/// blocks. The descriptor, or what socket(2) gives.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_socket(domain: c_int, type_: c_int, protocol: c_int) -> c_int {
    value(io::socket(domain, type_, protocol)) as c_int
}

/// Accepts a connection. `addr` and `len` may be NULL; otherwise they receive the peer's address as
/// accept(2) gives it. `flags`: SOCK_NONBLOCK, SOCK_CLOEXEC (which is set anyway). The descriptor,
/// or as co_io_read.
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

/// Waits until `fd` has one of `events` (POLLIN, POLLOUT, POLLPRI, POLLRDHUP) and gives those it
/// has, with POLLERR, POLLHUP where they hold, as poll(2) does. As co_io_read.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_poll(fd: c_int, events: c_short, timeout_ns: i64) -> c_int {
    value(io::poll(fd, events, timeout_ns)) as c_int
}

/// Makes a TCP socket that listens on `host` (an IPv4 or IPv6 address as text; NULL: every address,
/// IPv6 and IPv4 where the system has both) and `port` (0: one that the system picks; getsockname
/// tells), with SO_REUSEADDR. `backlog` <= 0: the system's greatest. Does not block.
///
/// The descriptor; -EINVAL (`host` is no address), or what socket(2), bind(2), listen(2) give,
/// -EADDRINUSE for instance.
///
/// # Safety
/// `host` is NULL or ended by a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_tcp_listen(host: *const c_char, port: u16, backlog: c_int) -> c_int {
    // SAFETY: the caller vouches for the text.
    let host = unsafe { crate::convert::optional_text(host) };
    value(io::tcp_listen(host, port, backlog).map(i64::from)) as c_int
}
