//! Linux: see the duties in the parent.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::sys::{self, R, Try, memory, uninterrupted};
use libc::iovec;
use std::ffi::c_int;

/// readv(2) (offset None) or preadv(2), without blocking.
pub fn try_readv(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    let at = offset.unwrap_or(-1);
    // SAFETY: the caller of the API vouches for the buffers; the system checks the addresses.
    let r = uninterrupted(|| unsafe { libc::preadv2(fd, iov, count, at, libc::RWF_NOWAIT) as i64 });
    let call = || super::readv_blocking(fd, iov, count, offset);
    sys::nowait(libc::POLLIN, fd, offset.is_some(), r, call)
}

/// writev(2) (offset None) or pwritev(2), without blocking and not on a socket (SIGPIPE).
pub fn try_writev(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    let at = offset.unwrap_or(-1);
    // SAFETY: as try_readv.
    let r =
        uninterrupted(|| unsafe { libc::pwritev2(fd, iov, count, at, libc::RWF_NOWAIT) as i64 });
    sys::nowait(libc::POLLOUT, fd, offset.is_some(), r, || {
        // As much as is taken without blocking, which is in one buffer at least.
        let first = first_buffer(iov, count)?;
        let len = first.iov_len.min(sys::most_at_once(fd)?);
        sys::write_blocking(fd, first.iov_base.cast(), len, offset)
    })
}

/// The first buffer with something in it.
fn first_buffer(iov: *const iovec, count: c_int) -> Result<iovec, Errno> {
    for i in 0..count as usize {
        // SAFETY: any bytes are an iovec.
        let v = unsafe { memory::fetch(iov.wrapping_add(i))? };
        if v.iov_len > 0 {
            return Ok(v);
        }
    }
    Ok(iovec { iov_base: std::ptr::null_mut(), iov_len: 0 })
}

/// fdatasync(2).
pub fn fdatasync(fd: c_int) -> R {
    // SAFETY: touches no memory of ours.
    uninterrupted(|| i64::from(unsafe { libc::fdatasync(fd) }))
}

/// fallocate(2).
pub fn fallocate(fd: c_int, mode: c_int, offset: i64, len: i64) -> R {
    // SAFETY: touches no memory of ours.
    uninterrupted(|| i64::from(unsafe { libc::fallocate(fd, mode, offset, len) }))
}
