//! Linux: see the duties in the parent.
#![allow(unsafe_code)]

use super::{Record, Stat, Time};
use crate::arch::syscall::syscall;
use crate::err::Errno;
use crate::io::sys::{self, R, Try, uninterrupted};
use libc::iovec;
use std::ffi::{CStr, c_char, c_int, c_uint};

/// readv(2) (offset None) or preadv(2), without blocking.
pub fn try_readv(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    if sys::always_waits(fd) {
        return Try::Blocks;
    }
    let args = sys::nowait_args(fd, iov, count, offset.unwrap_or(-1));
    // SAFETY: the caller of the API vouches for the buffers; the system checks the addresses.
    let r = sys::direct(|| unsafe { syscall(libc::SYS_preadv2, args) });
    let call = || super::readv_blocking(fd, iov, count, offset);
    sys::nowait(libc::POLLIN, fd, offset.is_some(), r, call)
}

/// writev(2) (offset None) or pwritev(2), without blocking and not on a socket (SIGPIPE).
pub fn try_writev(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    if sys::always_waits(fd) {
        return Try::Blocks;
    }
    let args = sys::nowait_args(fd, iov, count, offset.unwrap_or(-1));
    // SAFETY: as try_readv.
    let r = sys::direct(|| unsafe { syscall(libc::SYS_pwritev2, args) });
    sys::nowait(libc::POLLOUT, fd, offset.is_some(), r, || {
        let most = sys::most_at_once(fd)?;
        let (some, n) = super::first_buffers(iov, count, most)?;
        super::writev_blocking(fd, some.as_ptr(), n, offset)
    })
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

/// copy_file_range(2), from the first to the second (None: at the file's position). Between file
/// systems that have nothing to do with each other it may be refused: then by hand.
pub fn copy_range(fds: [c_int; 2], offsets: [Option<i64>; 2], len: usize) -> R {
    let mut at = offsets.map(Option::unwrap_or_default);
    let p = |i: usize, at: &mut i64| offsets[i].map_or(std::ptr::null_mut(), |_| &raw mut *at);
    let [a, b] = &mut at;
    let (a, b) = (p(0, a), p(1, b));
    // By number: glibc has a function of that name since 2.27 only.
    // SAFETY: offsets of ours.
    let r = uninterrupted(|| unsafe {
        libc::syscall(libc::SYS_copy_file_range, fds[0], a, fds[1], b, len, 0usize)
    });
    match r {
        Err(Errno(libc::EXDEV) | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
            super::copy_by_hand(fds, offsets, len)
        }
        r => r,
    }
}

pub use libc::{O_PATH, SPLICE_F_NONBLOCK as SPLICE_NONBLOCK};

/// What splice(2) knows.
pub const SPLICE_FLAGS: c_uint =
    libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MORE | libc::SPLICE_F_GIFT;

/// splice(2) that does not wait for a pipe. `quiet`: without SIGPIPE.
pub fn splice(
    fds: [c_int; 2],
    offsets: [Option<i64>; 2],
    len: usize,
    flags: c_uint,
    quiet: bool,
) -> R {
    let mut at = offsets.map(Option::unwrap_or_default);
    let p = |i: usize, at: &mut i64| offsets[i].map_or(std::ptr::null_mut(), |_| &raw mut *at);
    let [a, b] = &mut at;
    let (a, b) = (p(0, a), p(1, b));
    let flags = flags | libc::SPLICE_F_NONBLOCK;
    // SAFETY: offsets of ours.
    let call =
        || uninterrupted(|| unsafe { libc::splice(fds[0], a, fds[1], b, len, flags) as i64 });
    if quiet { without_sigpipe(call) } else { call() }
}

/// A call with SIGPIPE held back in this thread, and taken away if the call has raised it: what the
/// flag of send does, for calls that have no flags. Threads of the pool let no signal through.
fn without_sigpipe(call: impl FnOnce() -> R) -> R {
    // SAFETY: sets of signals of ours; it all concerns this thread only.
    unsafe {
        let [mut pipe, mut old, mut pending] = std::mem::zeroed::<[libc::sigset_t; 3]>();
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        libc::sigpending(&raw mut pending);
        let before = libc::sigismember(&raw const pending, libc::SIGPIPE) == 1;
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut old);
        let r = call();
        if r == Err(Errno::EPIPE) && !before {
            let no_time = std::mem::zeroed::<libc::timespec>();
            libc::sigtimedwait(&raw const pipe, std::ptr::null_mut(), &raw const no_time);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const old, std::ptr::null_mut());
        r
    }
}
