//! macOS and the BSDs: no call says "don't block" for a read or write, so it is: look whether it is
//! ready, then go, one at a time.
#![allow(unsafe_code)]

use super::{R, Try, look_first, tried, uninterrupted};
use crate::err::Errno;
use std::ffi::{c_char, c_int, c_short, c_void};

/// send has no such flag here: SO_NOSIGPIPE is set where a socket is made.
pub const NO_SIGNAL: c_int = 0;
/// accept has no flags here.
pub const CLOEXEC: c_int = 0;
/// For a receive whose bytes nobody wants: nothing spares their copying here.
pub const DISCARD: c_int = 0;
/// What poll may report that a reader of a descriptor wants to know.
pub const POLL_READ: c_short = libc::POLLIN | libc::POLLPRI;

/// poll(2), in milliseconds, never short.
pub fn poll_ns(p: &mut [libc::pollfd], timeout: Option<i64>) -> c_int {
    let ms = timeout.map_or(-1, |ns| (ns as u64).div_ceil(1_000_000).min(i32::MAX as u64) as c_int);
    // SAFETY: pollfds and their number.
    unsafe { libc::poll(p.as_mut_ptr(), p.len() as libc::nfds_t, ms) }
}

/// recv(2) without blocking.
pub fn try_recv(fd: c_int, buf: *mut u8, len: usize, flags: c_int) -> Try {
    let flags = flags | libc::MSG_DONTWAIT;
    // SAFETY: the caller of the API vouches for the buffer; the system checks the address.
    tried(uninterrupted(|| unsafe { libc::recv(fd, buf.cast::<c_void>(), len, flags) as i64 }))
}

/// send(2) without blocking; see [`NO_SIGNAL`].
pub fn try_send(fd: c_int, buf: *const u8, len: usize, flags: c_int) -> Try {
    let flags = flags | libc::MSG_DONTWAIT | NO_SIGNAL;
    // SAFETY: as try_recv.
    tried(uninterrupted(|| unsafe { libc::send(fd, buf.cast::<c_void>(), len, flags) as i64 }))
}

/// read(2) (offset None) or pread(2), without blocking.
pub fn try_read(fd: c_int, buf: *mut u8, len: usize, offset: Option<i64>) -> Try {
    look_first(fd, libc::POLLIN, || super::read_blocking(fd, buf, len, offset))
}

/// What a pipe takes at once when it says that it is writable.
pub const PIPE_ATOMIC: usize = 512;

/// write(2) (offset None) or pwrite(2), without blocking.
pub fn try_write(fd: c_int, buf: *const u8, len: usize, offset: Option<i64>) -> Try {
    look_first(fd, libc::POLLOUT, || super::write_blocking(fd, buf, len.min(PIPE_ATOMIC), offset))
}

/// Nothing tells whether an open needs the disk.
pub fn try_open(_dir: c_int, _path: *const c_char, _flags: c_int) -> Try {
    Try::Blocks
}

fn prepare(fd: c_int) -> R {
    let one: c_int = 1;
    let len = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `one` has `len` bytes; the descriptor is ours.
    unsafe {
        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, (&raw const one).cast(), len);
    }
    Ok(i64::from(fd))
}

/// socket(2), close-on-exec.
pub fn socket(domain: c_int, type_: c_int, protocol: c_int) -> R {
    // SAFETY: touches no memory of ours.
    Errno::check(i64::from(unsafe { libc::socket(domain, type_, protocol) }))
        .and_then(|fd| prepare(fd as c_int))
}

/// accept(2) takes none, and what the caller gives is not looked at.
pub const ACCEPT_FLAGS: c_int = !0;

/// recvmsg has no such flag here.
pub const RECEIVED_CLOEXEC: c_int = 0;

/// For a descriptor that has been received.
pub fn close_on_exec(fd: c_int) {
    // SAFETY: touches no memory of ours; the descriptor is new.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// socketpair(2), close-on-exec.
pub fn socketpair(domain: c_int, type_: c_int, protocol: c_int, fds: *mut c_int) -> R {
    // SAFETY: the caller of the API vouches for room for two; the system checks the address, and
    // has written to it when it gives 0.
    unsafe {
        Errno::check(i64::from(libc::socketpair(domain, type_, protocol, fds)))?;
        prepare(*fds)?;
        prepare(*fds.add(1))?;
    }
    Ok(0)
}

/// accept(2) as it blocks or not by the descriptor's mode; the new one is close-on-exec and in
/// blocking mode.
pub fn accept(fd: c_int, addr: *mut libc::sockaddr, len: *mut libc::socklen_t, _flags: c_int) -> R {
    // SAFETY: the caller of the API vouches for both pointers; the system checks the addresses.
    let new = uninterrupted(|| i64::from(unsafe { libc::accept(fd, addr, len) }))? as c_int;
    super::set_flags(new, super::flags(new)? & !libc::O_NONBLOCK)?;
    prepare(new)
}

/// Readiness here does not tell of a peer that has shut down, so a short count is no promise.
pub fn is_tcp(_fd: c_int) -> bool {
    false
}
