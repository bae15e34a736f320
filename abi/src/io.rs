//! Header section `io`: what every descriptor can do.

use crate::convert::value;
use libc::{iovec, pollfd};
use photonrt_runtime::io;
use std::ffi::{c_char, c_int, c_short, c_uint, c_void};

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

/// Reads at the file's position into `count` buffers, one after the other, as readv(2). As
/// co_io_read; -EINVAL also for a `count` below 0 or above 1024.
///
/// # Safety
/// `iov` points to `count` buffers, and each to as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_readv(
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    timeout_ns: i64,
) -> i64 {
    value(io::readv(fd, iov, count, None, timeout_ns))
}

/// Writes `count` buffers, one after the other, at the file's position, as writev(2). As
/// co_io_write; -EINVAL also for a `count` below 0 or above 1024.
///
/// # Safety
/// `iov` points to `count` buffers, and each to as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_writev(
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    timeout_ns: i64,
) -> i64 {
    value(io::writev(fd, iov, count, None, timeout_ns))
}

/// Reads into `count` buffers from `offset` (>= 0) on, the file's position unmoved. As co_io_pread and
/// co_io_readv.
///
/// # Safety
/// `iov` points to `count` buffers, and each to as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_preadv(
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    offset: i64,
    timeout_ns: i64,
) -> i64 {
    value(io::readv(fd, iov, count, Some(offset), timeout_ns))
}

/// Writes `count` buffers from `offset` (>= 0) on, the file's position unmoved. As co_io_pwrite and
/// co_io_writev.
///
/// # Safety
/// `iov` points to `count` buffers, and each to as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_pwritev(
    fd: c_int,
    iov: *const iovec,
    count: c_int,
    offset: i64,
    timeout_ns: i64,
) -> i64 {
    value(io::writev(fd, iov, count, Some(offset), timeout_ns))
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

/// Waits until `fd` has one of `events` (POLLIN, POLLOUT, POLLPRI, POLLRDHUP) and gives those it
/// has, with POLLERR, POLLHUP where they hold, as poll(2) does. As co_io_read.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_poll(fd: c_int, events: c_short, timeout_ns: i64) -> c_int {
    value(io::poll(fd, events, timeout_ns)) as c_int
}

/// poll(2) on several descriptors: waits until one of the `n` in `fds` has an event, writes what
/// each has to its revents and gives the number of those that have something. POLLERR, POLLHUP and
/// POLLNVAL (not open) need not be asked for; a negative fd is left out; one may be there more than
/// once. A descriptor that co_io_close closes meanwhile has POLLNVAL. With `n` 0 it is a sleep.
///
/// Blocks; a cancellation point. Plain threads too. >= 1; -ETIMEDOUT (-EAGAIN with CO_NOW), with
/// every revents 0; -ECANCELED or an interrupt's error; -EINVAL (a timeout below -1, more than
/// RLIMIT_NOFILE entries); -EFAULT; -ENOMEM.
///
/// # Safety
/// `fds` points to `n` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_poll_many(fds: *mut pollfd, n: c_uint, timeout_ns: i64) -> c_int {
    value(io::poll_many(fds, n, timeout_ns)) as c_int
}
