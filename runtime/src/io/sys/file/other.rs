//! macOS and the BSDs: see the duties in the parent.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::sys::{self, R, Try, look_first, memory};
use libc::iovec;
use std::ffi::c_int;

/// readv(2) (offset None) or preadv(2), without blocking.
pub fn try_readv(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    look_first(fd, libc::POLLIN, || super::readv_blocking(fd, iov, count, offset))
}

/// writev(2) (offset None) or pwritev(2), without blocking.
pub fn try_writev(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    look_first(fd, libc::POLLOUT, || {
        for i in 0..count as usize {
            // SAFETY: any bytes are an iovec.
            let v = unsafe { memory::fetch(iov.wrapping_add(i))? };
            if v.iov_len > 0 {
                let len = v.iov_len.min(sys::PIPE_ATOMIC);
                return sys::write_blocking(fd, v.iov_base.cast(), len, offset);
            }
        }
        Ok(0)
    })
}

/// There is no such call everywhere: the whole file.
pub fn fdatasync(fd: c_int) -> R {
    sys::fsync(fd)
}

/// `mode` 0 only: the file is made longer, which leaves a hole where the file system has holes.
pub fn fallocate(fd: c_int, mode: c_int, offset: i64, len: i64) -> R {
    if mode != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if offset < 0 || len <= 0 {
        return Err(Errno::EINVAL);
    }
    let end = offset.checked_add(len).ok_or(Errno::EFBIG)?;
    let st = sys::stat(fd)?;
    match st.st_mode & libc::S_IFMT {
        libc::S_IFREG if st.st_size >= end => Ok(0),
        libc::S_IFREG => super::ftruncate(fd, end),
        libc::S_IFIFO => Err(Errno::ESPIPE),
        libc::S_IFDIR => Err(Errno::EISDIR),
        _ => Err(Errno::ENODEV),
    }
}
