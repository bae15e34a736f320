//! Header section `file`: files, directories, their names, and transfers between descriptors.

use crate::convert::{status, value};
use libc::AT_FDCWD;
use photonrt_runtime::err::Errno;
use photonrt_runtime::io::{self, memory};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::mem::offset_of;

/// What is known of a file. Times are of the system's real-time clock.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct co_stat_t {
    /// Set to sizeof(co_stat_t).
    pub size: u32,
    /// Kind (S_IFMT) and permissions.
    pub mode: u32,
    /// Number of the file on its device.
    pub ino: u64,
    /// The device that it is on, as st_dev of stat(2).
    pub dev: u64,
    /// The device that it is, if it is one.
    pub rdev: u64,
    /// Names that it has.
    pub nlink: u64,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its length in bytes.
    pub length: i64,
    /// Room that it takes, in units of 512 bytes.
    pub blocks: i64,
    /// Bytes that a transfer should have.
    pub blksize: u32,
    /// Nanoseconds of `atime`; so the next three.
    pub atime_ns: u32,
    /// Of `mtime`.
    pub mtime_ns: u32,
    /// Of `ctime`.
    pub ctime_ns: u32,
    /// Of `btime`.
    pub btime_ns: u32,
    /// 0.
    pub reserved: u32,
    /// When it was read last: seconds since 1970.
    pub atime: i64,
    /// When it was written last.
    pub mtime: i64,
    /// When anything about it changed last.
    pub ctime: i64,
    /// When it was created; 0 where the file system does not keep that.
    pub btime: i64,
}

impl From<io::Stat> for co_stat_t {
    fn from(s: io::Stat) -> co_stat_t {
        co_stat_t {
            size: size_of::<co_stat_t>() as u32,
            mode: s.mode,
            ino: s.ino,
            dev: s.dev,
            rdev: s.rdev,
            nlink: s.nlink,
            uid: s.uid,
            gid: s.gid,
            length: s.length,
            blocks: s.blocks,
            blksize: s.block_size,
            atime_ns: s.accessed.nanoseconds,
            mtime_ns: s.modified.nanoseconds,
            ctime_ns: s.changed.nanoseconds,
            btime_ns: s.born.nanoseconds,
            reserved: 0,
            atime: s.accessed.seconds,
            mtime: s.modified.seconds,
            ctime: s.changed.seconds,
            btime: s.born.seconds,
        }
    }
}

/// Opens a file as co_io_open does, with a relative `path` from the directory `dirfd` (AT_FDCWD:
/// the working directory).
///
/// All calls of this section: block the coroutine and never the vCPU; are cancellation points; work
/// on plain threads too, which they block. They give what the system call of their name gives (>=
/// 0, or its error), or -ETIMEDOUT, -ECANCELED or an interrupt's error. Those report that nothing
/// has happened: what the system has begun is waited for where it can't be called off, and what has
/// happened is reported. With CO_NOW they give -EAGAIN, since nothing tells beforehand whether a
/// disk must be waited for (unless a comment says more; this one tries, as co_io_open). -EINVAL for
/// a timeout below -1; -EFAULT for a pointer to nothing; -EBADF when co_io_close closes a
/// descriptor of the call meanwhile, a `dirfd` too.
///
/// # Safety
/// `path` is NULL (-EFAULT) or ended by a zero byte, here and in all that follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_openat(
    dirfd: c_int,
    path: *const c_char,
    flags: c_int,
    mode: u32,
    timeout_ns: i64,
) -> c_int {
    value(io::openat(dirfd, path, flags, mode, timeout_ns)) as c_int
}

/// Waits as co_io_fsync does, but only for what it takes to read the data again: not for the file's
/// times, for instance.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_fdatasync(fd: c_int, timeout_ns: i64) -> c_int {
    value(io::fdatasync(fd, timeout_ns)) as c_int
}

/// Makes room on the device for `len` bytes from `offset` on (`mode` 0: and makes the file as long
/// as that), or what else fallocate(2) does with FALLOC_FL_* in `mode`. 0. Elsewhere than on Linux
/// `mode` must be 0 (-EOPNOTSUPP) and the file is only made longer.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_fallocate(
    fd: c_int,
    mode: c_int,
    offset: i64,
    len: i64,
    timeout_ns: i64,
) -> c_int {
    value(io::fallocate(fd, mode, offset, len, timeout_ns)) as c_int
}

/// Makes the file `length` bytes long, by cutting it or by zeros. 0.
#[unsafe(no_mangle)]
pub extern "C" fn co_io_ftruncate(fd: c_int, length: i64, timeout_ns: i64) -> c_int {
    value(io::ftruncate(fd, length, timeout_ns)) as c_int
}

/// Fills `out` with what is known of a file. `flags`: AT_SYMLINK_NOFOLLOW and what else statx(2)
/// takes; with AT_EMPTY_PATH (0x1000) and a `path` that is empty or NULL, it is the file that
/// `dirfd` is. 0.
///
/// # Safety
/// `out` points to as many bytes as its first field says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_statx(
    dirfd: c_int,
    path: *const c_char,
    flags: c_int,
    out: *mut co_stat_t,
    timeout_ns: i64,
) -> c_int {
    let fill = || {
        // SAFETY: any bytes are a u32.
        let size = unsafe { memory::fetch(out.cast::<u32>())? };
        if size < 8 {
            return Err(Errno::EINVAL);
        }
        let mut found = co_stat_t::from(io::statx(dirfd, path, flags, timeout_ns)?);
        found.size = size;
        memory::store(out, &found, size as usize)
    };
    status(fill())
}

/// Takes a file's name away; the file goes with its last name and its last descriptor. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_unlink(path: *const c_char, timeout_ns: i64) -> c_int {
    value(io::unlinkat(AT_FDCWD, path, 0, timeout_ns)) as c_int
}

/// The same from the directory `dirfd`; with AT_REMOVEDIR in `flags` it is an empty directory that
/// goes. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_unlinkat(
    dirfd: c_int,
    path: *const c_char,
    flags: c_int,
    timeout_ns: i64,
) -> c_int {
    value(io::unlinkat(dirfd, path, flags, timeout_ns)) as c_int
}

/// Removes an empty directory. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_rmdir(path: *const c_char, timeout_ns: i64) -> c_int {
    value(io::unlinkat(AT_FDCWD, path, libc::AT_REMOVEDIR, timeout_ns)) as c_int
}

/// Gives a file or directory another name, in the place of what had that before. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_rename(
    from: *const c_char,
    to: *const c_char,
    timeout_ns: i64,
) -> c_int {
    value(io::renameat([AT_FDCWD; 2], [from, to], 0, timeout_ns)) as c_int
}

/// The same from directories. `flags` as renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE...;
/// elsewhere than on Linux 0 (-EINVAL). 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_renameat(
    from_dirfd: c_int,
    from: *const c_char,
    to_dirfd: c_int,
    to: *const c_char,
    flags: u32,
    timeout_ns: i64,
) -> c_int {
    value(io::renameat([from_dirfd, to_dirfd], [from, to], flags, timeout_ns)) as c_int
}

/// Makes a directory. `mode`: its permissions, less the process's umask. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_mkdir(path: *const c_char, mode: u32, timeout_ns: i64) -> c_int {
    value(io::mkdirat(AT_FDCWD, path, mode, timeout_ns)) as c_int
}

/// The same from the directory `dirfd`. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_mkdirat(
    dirfd: c_int,
    path: *const c_char,
    mode: u32,
    timeout_ns: i64,
) -> c_int {
    value(io::mkdirat(dirfd, path, mode, timeout_ns)) as c_int
}

/// Gives the file `from` the further name `to`. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_link(
    from: *const c_char,
    to: *const c_char,
    timeout_ns: i64,
) -> c_int {
    value(io::linkat([AT_FDCWD; 2], [from, to], 0, timeout_ns)) as c_int
}

/// The same from directories. `flags`: AT_SYMLINK_FOLLOW, and what else linkat(2) takes. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_linkat(
    from_dirfd: c_int,
    from: *const c_char,
    to_dirfd: c_int,
    to: *const c_char,
    flags: c_int,
    timeout_ns: i64,
) -> c_int {
    value(io::linkat([from_dirfd, to_dirfd], [from, to], flags, timeout_ns)) as c_int
}

/// Makes a symbolic link `path` that says `target`. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_symlink(
    target: *const c_char,
    path: *const c_char,
    timeout_ns: i64,
) -> c_int {
    value(io::symlinkat(target, AT_FDCWD, path, timeout_ns)) as c_int
}

/// The same with `path` from the directory `dirfd`. 0.
///
/// # Safety
/// As co_io_openat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_symlinkat(
    target: *const c_char,
    dirfd: c_int,
    path: *const c_char,
    timeout_ns: i64,
) -> c_int {
    value(io::symlinkat(target, dirfd, path, timeout_ns)) as c_int
}

/// Reads what a symbolic link says into `buf`, as much as fits into `len` bytes and without a zero
/// byte at the end. The number of bytes.
///
/// # Safety
/// As co_io_openat; `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_readlink(
    path: *const c_char,
    buf: *mut c_void,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    value(io::readlinkat(AT_FDCWD, path, buf.cast(), len, timeout_ns))
}

/// The same from the directory `dirfd`.
///
/// # Safety
/// As co_io_openat; `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_readlinkat(
    dirfd: c_int,
    path: *const c_char,
    buf: *mut c_void,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    value(io::readlinkat(dirfd, path, buf.cast(), len, timeout_ns))
}

/// What stands before an entry's name. The name follows right after it, at `(const char *)(entry +
/// 1)`, ended by a zero byte.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_dirent_t {
    /// Bytes from here to the next entry.
    pub size: u32,
    /// DT_REG, DT_DIR, DT_LNK... of <dirent.h>; DT_UNKNOWN where co_io_statx must be asked.
    pub type_: u16,
    /// Length of the name, without the zero byte.
    pub name_length: u16,
    /// Number of the file on its device.
    pub ino: u64,
    /// Where lseek(2) of the directory goes on after this entry.
    pub next: i64,
}

// The runtime writes them.
const _: () = assert!(size_of::<co_dirent_t>() == size_of::<io::Dirent>());
const _: () = assert!(offset_of!(co_dirent_t, ino) == offset_of!(io::Dirent, ino));
const _: () = assert!(offset_of!(co_dirent_t, next) == offset_of!(io::Dirent, next));

/// Reads entries of a directory, from where it is (lseek to 0: from the first one again), as many
/// as fit into `len` bytes (at least 512; -EINVAL if the next one does not fit): co_dirent_t after
/// co_dirent_t, `size` bytes apart. "." and ".." are among them where the file system has them. The
/// bytes filled; 0: there are no more.
///
/// # Safety
/// `buf` points to `len` bytes, aligned to 8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_readdir(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    value(io::readdir(fd, buf.cast(), len, timeout_ns))
}

/// Makes a pipe, close-on-exec: `fds[0]` to read from, `fds[1]` to write to. `flags`: O_NONBLOCK,
/// and what else pipe2(2) takes. Never blocks. 0; -EMFILE and the like, -EFAULT, -EINVAL.
///
/// # Safety
/// `fds` has room for two.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_pipe(fds: *mut c_int, flags: c_int) -> c_int {
    value(io::pipe(fds, flags)) as c_int
}

/// What is at the pointers to offsets, once it is known that they can be written too. NULL: none.
fn offsets<const N: usize>(at: [*mut i64; N]) -> Result<[Option<i64>; N], Errno> {
    let mut found = [None; N];
    for (found, p) in found.iter_mut().zip(at).filter(|(_, p)| !p.is_null()) {
        // SAFETY: any bytes are an i64.
        let value = unsafe { memory::fetch(p)? };
        memory::store(p, &value, size_of::<i64>())?;
        *found = Some(value);
    }
    Ok(found)
}

/// A transfer of `n` bytes moves its offsets.
fn moved<const N: usize>(at: [*mut i64; N], from: [Option<i64>; N], n: i64) -> Result<i64, Errno> {
    for (p, from) in at.into_iter().zip(from) {
        if let Some(from) = from {
            memory::store(p, &(from + n), size_of::<i64>())?;
        }
    }
    Ok(n)
}

/// Moves up to `len` bytes from one descriptor to another, one of which is a pipe, without a copy,
/// as splice(2) does: it waits until there is something and room for it, and moves what there is.
/// `off_in`, `off_out`: NULL, or where a file is read or written, and moved; its position then
/// stays. `flags`: SPLICE_F_MOVE, SPLICE_F_MORE, and SPLICE_F_NONBLOCK, which is CO_NOW. Linux
/// only: elsewhere -ENOSYS.
///
/// The bytes moved; 0 is the end of what is read. -EPIPE without SIGPIPE for a socket, perhaps with
/// it for a pipe. With CO_NOW files and sockets to write to always give -EAGAIN.
///
/// # Safety
/// `off_in` and `off_out` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_splice(
    fd_in: c_int,
    off_in: *mut i64,
    fd_out: c_int,
    off_out: *mut i64,
    len: usize,
    flags: c_uint,
    timeout_ns: i64,
) -> i64 {
    let at = [off_in, off_out];
    value(offsets(at).and_then(|from| {
        moved(at, from, io::splice([fd_in, fd_out], from, len, flags, timeout_ns)?)
    }))
}

/// Sends `len` bytes of the file `in_fd` to `out_fd`, which may be anything, in either mode: from
/// `*offset` on, which is moved, or (NULL) from the file's position, which is.
///
/// The bytes sent: fewer than `len` if the file ends, or if a timeout, a cancel, an interrupt, a
/// close or an error of `out_fd` came after some; what the next call would find again is then told
/// by that. -EINVAL: `in_fd` is no file. A socket without a reader gives -EPIPE and no signal. With
/// CO_NOW what can be had and sent at once, else -EAGAIN.
///
/// # Safety
/// `offset` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_sendfile(
    out_fd: c_int,
    in_fd: c_int,
    offset: *mut i64,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    let at = [offset];
    value(
        offsets(at).and_then(|from| {
            moved(at, from, io::sendfile(out_fd, in_fd, from[0], len, timeout_ns)?)
        }),
    )
}

/// Copies up to `len` bytes from file to file inside the system, as copy_file_range(2) does; at
/// most 64 MiB a call, so that it can be stopped in between. Offsets as co_io_splice; `flags` is 0.
///
/// The bytes copied; 0 is the end of the file. -EINVAL: one is no file, or the ranges overlap in
/// the same file. Files on different file systems are copied by reading and writing.
///
/// # Safety
/// `off_in` and `off_out` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_copy_file_range(
    fd_in: c_int,
    off_in: *mut i64,
    fd_out: c_int,
    off_out: *mut i64,
    len: usize,
    flags: c_uint,
    timeout_ns: i64,
) -> i64 {
    let at = [off_in, off_out];
    value(offsets(at).and_then(|from| {
        moved(at, from, io::copy_file_range([fd_in, fd_out], from, len, flags, timeout_ns)?)
    }))
}
