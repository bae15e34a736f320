//! The system calls about files, as they block, and reads and writes of several buffers.
//!
//! Duties of a platform (`linux.rs`, `other.rs`): the forms without blocking of what is here in
//! POSIX, and what POSIX has not.
#![allow(unsafe_code)]

use super::{R, Try, memory, tried, uninterrupted};
use crate::err::Errno;
use libc::iovec;
use std::ffi::{c_char, c_int};

mod directory;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::*;

pub use directory::{Dirent, readdir};

/// An entry of a directory in the system's record.
pub struct Record {
    /// Of the whole record.
    pub size: usize,
    /// DT_*.
    pub kind: u16,
    /// The file's number.
    pub ino: u64,
    /// Where lseek finds the next one.
    pub next: i64,
    /// In the record.
    pub name: *const u8,
    /// Without the zero byte.
    pub name_length: usize,
}

/// What is known of a file.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stat {
    /// S_IFMT and permissions.
    pub mode: u32,
    /// Names that it has.
    pub nlink: u64,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its number on its device.
    pub ino: u64,
    /// The device that it is on, as stat(2) has it.
    pub dev: u64,
    /// The device that it is.
    pub rdev: u64,
    /// Bytes.
    pub length: i64,
    /// Of 512 bytes.
    pub blocks: i64,
    /// Bytes.
    pub block_size: u32,
    /// When it was read last.
    pub accessed: Time,
    /// When it was written last.
    pub modified: Time,
    /// When anything of this, or it, changed last.
    pub changed: Time,
    /// When it was created; zero where the file system does not keep it.
    pub born: Time,
}

/// Of the system's real-time clock.
#[derive(Clone, Copy, Default, Debug)]
pub struct Time {
    /// Since 1970.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// openat(2), close-on-exec.
pub fn openat_blocking(dir: c_int, path: *const c_char, flags: c_int, mode: u32) -> R {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the caller of the API vouches for the path; the system checks the address.
    uninterrupted(|| i64::from(unsafe { libc::openat(dir, path, flags, mode) }))
}

/// readv(2) or preadv(2), as it blocks.
pub fn readv_blocking(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> R {
    // SAFETY: the caller of the API vouches for the buffers; the system checks the addresses.
    uninterrupted(|| unsafe {
        match offset {
            None => libc::readv(fd, iov, count) as i64,
            Some(at) => libc::preadv(fd, iov, count, at) as i64,
        }
    })
}

/// writev(2) or pwritev(2), as it blocks.
pub fn writev_blocking(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> R {
    // SAFETY: as readv_blocking.
    uninterrupted(|| unsafe {
        match offset {
            None => libc::writev(fd, iov, count) as i64,
            Some(at) => libc::pwritev(fd, iov, count, at) as i64,
        }
    })
}

/// Buffers that a call looks at at once where it may not have too much.
const SOME: usize = 16;

/// The first buffers, cut to `most` bytes together, and their number. EFAULT: the array is not
/// there.
fn first_buffers(
    iov: *const iovec,
    count: c_int,
    most: usize,
) -> Result<([iovec; SOME], c_int), Errno> {
    let mut some = [iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; SOME];
    let (mut n, mut left) = (0, most);
    for i in 0..count as usize {
        if n == SOME || left == 0 {
            break;
        }
        // SAFETY: any bytes are an iovec.
        let v = unsafe { memory::fetch(iov.wrapping_add(i))? };
        if v.iov_len > 0 {
            some[n] = iovec { iov_len: v.iov_len.min(left), ..v };
            left -= some[n].iov_len;
            n += 1;
        }
    }
    Ok((some, n as c_int))
}

/// A message of those buffers, to nobody in particular.
pub fn message(iov: *const iovec, count: c_int) -> libc::msghdr {
    // SAFETY: all-zero is a valid msghdr: no address, no buffers, no control data.
    let mut m = unsafe { std::mem::zeroed::<libc::msghdr>() };
    m.msg_iov = iov.cast_mut();
    m.msg_iovlen = count as _;
    m
}

/// A writev to a socket, without blocking and without SIGPIPE; ENOTSOCK.
pub fn try_sendv(fd: c_int, iov: *const iovec, count: c_int) -> Try {
    let m = message(iov, count);
    let flags = libc::MSG_DONTWAIT | super::NO_SIGNAL;
    // SAFETY: as readv_blocking.
    tried(uninterrupted(|| unsafe { libc::sendmsg(fd, &raw const m, flags) as i64 }))
}

/// ftruncate(2).
pub fn ftruncate(fd: c_int, len: i64) -> R {
    // SAFETY: touches no memory of ours.
    uninterrupted(|| i64::from(unsafe { libc::ftruncate(fd, len) }))
}

/// unlinkat(2).
pub fn unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> R {
    // SAFETY: the caller of the API vouches for the path; the system checks the address.
    uninterrupted(|| i64::from(unsafe { libc::unlinkat(dir, path, flags) }))
}

/// mkdirat(2).
pub fn mkdirat(dir: c_int, path: *const c_char, mode: u32) -> R {
    // SAFETY: as unlinkat.
    uninterrupted(|| i64::from(unsafe { libc::mkdirat(dir, path, mode as libc::mode_t) }))
}

/// linkat(2), from the first to the second.
pub fn linkat(dirs: [c_int; 2], paths: [*const c_char; 2], flags: c_int) -> R {
    let ([dir, to_dir], [path, to]) = (dirs, paths);
    // SAFETY: as unlinkat.
    uninterrupted(|| i64::from(unsafe { libc::linkat(dir, path, to_dir, to, flags) }))
}

/// symlinkat(2).
pub fn symlinkat(target: *const c_char, dir: c_int, path: *const c_char) -> R {
    // SAFETY: as unlinkat.
    uninterrupted(|| i64::from(unsafe { libc::symlinkat(target, dir, path) }))
}

/// readlinkat(2).
pub fn readlinkat(dir: c_int, path: *const c_char, buf: *mut u8, len: usize) -> R {
    // SAFETY: as unlinkat, and for the buffer too.
    uninterrupted(|| unsafe { libc::readlinkat(dir, path, buf.cast(), len) as i64 })
}

/// The file's position. ESPIPE.
pub fn position(fd: c_int) -> Result<i64, Errno> {
    // SAFETY: touches no memory.
    Errno::check(unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) })
}

/// Moves the file's position.
pub fn seek(fd: c_int, to: i64) -> R {
    // SAFETY: touches no memory.
    Errno::check(unsafe { libc::lseek(fd, to, libc::SEEK_SET) })
}

/// A copy by reading and writing, as long as nothing fails; both are at positions of their own.
fn copy_by_hand(fds: [c_int; 2], offsets: [Option<i64>; 2], len: usize) -> R {
    const PIECE: usize = 128 << 10;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(PIECE.min(len)).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(PIECE.min(len), 0);
    let [from, to] = [0, 1].map(|i| offsets[i].map_or_else(|| position(fds[i]), Ok));
    let (from, to, mut done) = (from?, to?, 0);
    let r = loop {
        let want = buffer.len().min(len - done);
        let n =
            match super::read_blocking(fds[0], buffer.as_mut_ptr(), want, Some(from + done as i64))
            {
                Ok(n) if n > 0 => n as usize,
                r => break r,
            };
        match super::write_blocking(fds[1], buffer.as_ptr(), n, Some(to + done as i64)) {
            Ok(w) => done += w as usize,
            Err(e) => break Err(e),
        }
        if done == len {
            break Ok(0);
        }
    };
    if done == 0 {
        return r;
    }
    for (i, start) in [(0, from), (1, to)] {
        if offsets[i].is_none() {
            seek(fds[i], start + done as i64)?;
        }
    }
    Ok(done as i64)
}
