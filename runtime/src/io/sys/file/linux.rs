//! Linux: see the duties in the parent.
#![allow(unsafe_code)]

use super::{Record, Stat, Time};
use crate::err::Errno;
use crate::io::sys::{self, R, Try, memory, uninterrupted};
use libc::iovec;
use std::ffi::{CStr, c_char, c_int};

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

/// renameat2(2), from the first to the second.
pub fn renameat(dirs: [c_int; 2], paths: [*const c_char; 2], flags: u32) -> R {
    let number = libc::SYS_renameat2;
    // SAFETY: the caller of the API vouches for the paths; the system checks the addresses.
    uninterrupted(|| unsafe { libc::syscall(number, dirs[0], paths[0], dirs[1], paths[1], flags) })
}

pub use libc::AT_EMPTY_PATH;

/// What is asked of statx.
pub const STAT_MASK: u32 = libc::STATX_BASIC_STATS | libc::STATX_BTIME;

/// The system's struct.
pub struct RawStat(libc::statx);

impl RawStat {
    /// Zeros.
    pub fn new() -> RawStat {
        // SAFETY: all-zero is a valid statx.
        RawStat(unsafe { std::mem::zeroed() })
    }

    /// Where the system is to write it.
    pub fn as_ptr(&mut self) -> *mut libc::statx {
        &raw mut self.0
    }

    /// As everybody knows it.
    pub fn convert(&self) -> Stat {
        let s = &self.0;
        let time = |t: &libc::statx_timestamp| Time { seconds: t.tv_sec, nanoseconds: t.tv_nsec };
        Stat {
            mode: u32::from(s.stx_mode),
            nlink: u64::from(s.stx_nlink),
            uid: s.stx_uid,
            gid: s.stx_gid,
            ino: s.stx_ino,
            dev: libc::makedev(s.stx_dev_major, s.stx_dev_minor),
            rdev: libc::makedev(s.stx_rdev_major, s.stx_rdev_minor),
            length: s.stx_size as i64,
            blocks: s.stx_blocks as i64,
            block_size: s.stx_blksize,
            accessed: time(&s.stx_atime),
            modified: time(&s.stx_mtime),
            changed: time(&s.stx_ctime),
            born: time(&s.stx_btime),
        }
    }
}

/// statx(2).
pub fn statx(dir: c_int, path: *const c_char, flags: c_int, out: &mut RawStat) -> R {
    let out = out.as_ptr();
    // SAFETY: the caller of the API vouches for the path; the system checks the address. `out` is a
    // statx.
    uninterrupted(|| unsafe { libc::syscall(libc::SYS_statx, dir, path, flags, STAT_MASK, out) })
}

/// getdents64(2).
pub fn read_entries(fd: c_int, buf: *mut u8, len: usize) -> R {
    // SAFETY: the caller of the API vouches for the buffer; the system checks the address.
    uninterrupted(|| unsafe { libc::syscall(libc::SYS_getdents64, fd, buf, len) })
}

/// # Safety
/// `p` is a record that the system has written.
pub unsafe fn record(p: *const u8) -> Record {
    // SAFETY: the caller's; a record is aligned only if the buffer is.
    unsafe {
        let p = p.cast::<libc::dirent64>();
        let name = (&raw const (*p).d_name).cast::<c_char>();
        Record {
            size: usize::from((&raw const (*p).d_reclen).read_unaligned()),
            kind: u16::from((*p).d_type),
            ino: (&raw const (*p).d_ino).read_unaligned(),
            next: (&raw const (*p).d_off).read_unaligned(),
            name: name.cast(),
            name_length: CStr::from_ptr(name).count_bytes(),
        }
    }
}

/// pipe2(2), close-on-exec.
pub fn pipe(flags: c_int) -> Result<[c_int; 2], Errno> {
    let mut new = [-1; 2];
    // SAFETY: room for two.
    let r = unsafe { libc::pipe2(new.as_mut_ptr(), flags | libc::O_CLOEXEC) };
    Errno::check(i64::from(r)).map(|_| new)
}
