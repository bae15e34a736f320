//! macOS and the BSDs: see the duties in the parent.
#![allow(unsafe_code)]

use super::{Record, Stat, Time};
use crate::err::Errno;
use crate::io::sys::{self, R, Try, look_first, memory, uninterrupted};
use libc::iovec;
use std::ffi::{c_char, c_int, c_uint};

/// readv(2) (offset None) or preadv(2), without blocking.
pub fn try_readv(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    look_first(fd, libc::POLLIN, || super::readv_blocking(fd, iov, count, offset))
}

/// writev(2) (offset None) or pwritev(2), without blocking.
pub fn try_writev(fd: c_int, iov: *const iovec, count: c_int, offset: Option<i64>) -> Try {
    look_first(fd, libc::POLLOUT, || {
        let (some, n) = super::first_buffers(iov, count, sys::PIPE_ATOMIC)?;
        super::writev_blocking(fd, some.as_ptr(), n, offset)
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

/// renameat(2): there are no flags.
pub fn renameat(dirs: [c_int; 2], paths: [*const c_char; 2], flags: u32) -> R {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let ([dir, to_dir], [path, to]) = (dirs, paths);
    // SAFETY: the caller of the API vouches for the paths; the system checks the addresses.
    uninterrupted(|| i64::from(unsafe { libc::renameat(dir, path, to_dir, to) }))
}

/// Linux's: these systems have no such flag.
pub const AT_EMPTY_PATH: c_int = 0x1000;

/// The system's struct.
pub struct RawStat(libc::stat);

impl RawStat {
    /// Zeros.
    pub fn new() -> RawStat {
        // SAFETY: all-zero is a valid stat.
        RawStat(unsafe { std::mem::zeroed() })
    }

    /// As everybody knows it.
    pub fn convert(&self) -> Stat {
        let s = &self.0;
        let time = |seconds, ns: i64| Time { seconds, nanoseconds: ns as u32 };
        Stat {
            mode: u32::from(s.st_mode),
            nlink: u64::from(s.st_nlink),
            uid: s.st_uid,
            gid: s.st_gid,
            ino: s.st_ino,
            dev: s.st_dev as u64,
            rdev: s.st_rdev as u64,
            length: s.st_size,
            blocks: s.st_blocks,
            block_size: s.st_blksize as u32,
            accessed: time(s.st_atime, s.st_atime_nsec),
            modified: time(s.st_mtime, s.st_mtime_nsec),
            changed: time(s.st_ctime, s.st_ctime_nsec),
            born: time(s.st_birthtime, s.st_birthtime_nsec),
        }
    }
}

/// fstatat(2), or fstat(2) for what AT_EMPTY_PATH means elsewhere.
pub fn statx(dir: c_int, path: *const c_char, flags: c_int, out: &mut RawStat) -> R {
    if flags & AT_EMPTY_PATH != 0 {
        // SAFETY: any byte is one.
        if unsafe { memory::fetch(path.cast::<u8>())? } == 0 {
            out.0 = sys::stat(dir)?;
            return Ok(0);
        }
    }
    // SAFETY: the caller of the API vouches for the path; the system checks the address. `out` is a
    // stat.
    uninterrupted(|| unsafe {
        i64::from(libc::fstatat(dir, path, &raw mut out.0, flags & !AT_EMPTY_PATH))
    })
}

/// What readdir(3) of macOS is made of; Go's and its own library's way.
#[cfg(target_vendor = "apple")]
pub fn read_entries(fd: c_int, buf: *mut u8, len: usize) -> R {
    unsafe extern "C" {
        fn __getdirentries64(fd: c_int, buf: *mut u8, len: usize, base: *mut i64) -> isize;
    }
    let mut base = 0;
    // SAFETY: the caller of the API vouches for the buffer; the system checks the address.
    uninterrupted(|| unsafe { __getdirentries64(fd, buf, len, &raw mut base) as i64 })
}

/// getdirentries(2) differs from system to system.
#[cfg(not(target_vendor = "apple"))]
pub fn read_entries(_fd: c_int, _buf: *mut u8, _len: usize) -> R {
    Err(Errno::ENOSYS)
}

/// # Safety
/// `p` is a record that the system has written.
pub unsafe fn record(p: *const u8) -> Record {
    // SAFETY: the caller's; a record is aligned only if the buffer is.
    unsafe {
        let p = p.cast::<libc::dirent>();
        Record {
            size: usize::from((&raw const (*p).d_reclen).read_unaligned()),
            kind: u16::from((*p).d_type),
            ino: (&raw const (*p).d_ino).read_unaligned(),
            next: (&raw const (*p).d_seekoff).read_unaligned() as i64,
            name: (&raw const (*p).d_name).cast(),
            name_length: usize::from((&raw const (*p).d_namlen).read_unaligned()),
        }
    }
}

/// pipe(2), close-on-exec. `flags`: O_NONBLOCK, O_CLOEXEC.
pub fn pipe(flags: c_int) -> Result<[c_int; 2], Errno> {
    if flags & !(libc::O_NONBLOCK | libc::O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let mut new = [-1; 2];
    // SAFETY: room for two.
    Errno::check(i64::from(unsafe { libc::pipe(new.as_mut_ptr()) }))?;
    let prepare = |fd| {
        // SAFETY: touches no memory of ours.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        sys::set_flags(fd, sys::flags(fd)? | flags & libc::O_NONBLOCK)
    };
    prepare(new[0]).and_then(|()| prepare(new[1])).map(|()| new).inspect_err(|_| {
        // Nothing is to be done about a failure of these.
        let _ = new.map(sys::close);
    })
}

/// From file to file, by hand. EINVAL: what is no file, or a range onto itself.
pub fn copy_range(fds: [c_int; 2], offsets: [Option<i64>; 2], len: usize) -> R {
    let st = [sys::stat(fds[0])?, sys::stat(fds[1])?];
    let is = |kind| st.iter().any(|s| s.st_mode & libc::S_IFMT == kind);
    if is(libc::S_IFDIR) {
        return Err(Errno::EISDIR);
    }
    if st.iter().any(|s| s.st_mode & libc::S_IFMT != libc::S_IFREG) {
        return Err(Errno::EINVAL);
    }
    if (st[0].st_dev, st[0].st_ino) == (st[1].st_dev, st[1].st_ino) {
        let from = offsets[0].map_or_else(|| super::position(fds[0]), Ok)?;
        let to = offsets[1].map_or_else(|| super::position(fds[1]), Ok)?;
        if from.abs_diff(to) < len as u64 {
            return Err(Errno::EINVAL);
        }
    }
    super::copy_by_hand(fds, offsets, len)
}

/// splice(2) is Linux's: these only keep `op::splice` alive.
pub const SPLICE_FLAGS: c_uint = 0;
/// As above.
pub const SPLICE_NONBLOCK: c_uint = 0;
/// As above.
pub const O_PATH: c_int = 0;

/// There is no such thing here.
pub fn splice(
    _fds: [c_int; 2],
    _offsets: [Option<i64>; 2],
    _len: usize,
    _flags: c_uint,
    _quiet: bool,
) -> R {
    Err(Errno::ENOSYS)
}
