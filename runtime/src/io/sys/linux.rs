//! Linux: see the duties in the parent.
#![allow(unsafe_code)]

use super::{R, Try, look_first, tried, uninterrupted};
use crate::arch::syscall::syscall;
use crate::err::Errno;
use crate::io::table::{self, Entry};
use std::ffi::{c_char, c_int, c_short, c_void};

/// MSG_NOSIGNAL, for send.
pub const NO_SIGNAL: c_int = libc::MSG_NOSIGNAL;
/// SOCK_CLOEXEC, where accept knows it.
pub const CLOEXEC: c_int = libc::SOCK_CLOEXEC;
/// For a receive from TCP whose bytes nobody wants: they are not copied.
pub const DISCARD: c_int = libc::MSG_TRUNC;
/// What poll may report that a reader of a descriptor wants to know.
pub const POLL_READ: c_short = libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP;

/// poll(2) with nanoseconds.
pub fn poll_ns(p: &mut [libc::pollfd], timeout: Option<i64>) -> c_int {
    let t = timeout
        .map(|ns| libc::timespec { tv_sec: ns / 1_000_000_000, tv_nsec: ns % 1_000_000_000 });
    let t = t.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: pollfds and their number, a timeout that is NULL or valid, no signal mask.
    unsafe { libc::ppoll(p.as_mut_ptr(), p.len() as libc::nfds_t, t, std::ptr::null()) }
}

/// recv(2) without blocking.
#[inline]
pub fn try_recv(fd: c_int, buf: *mut u8, len: usize, flags: c_int) -> Try {
    let args =
        [fd as usize, buf.expose_provenance(), len, (flags | libc::MSG_DONTWAIT) as usize, 0, 0];
    // SAFETY: the caller of the API vouches for the buffer; the system checks the address.
    tried(direct(|| unsafe { syscall(libc::SYS_recvfrom, args) }))
}

/// send(2) without blocking, and without SIGPIPE.
#[inline]
pub fn try_send(fd: c_int, buf: *const u8, len: usize, flags: c_int) -> Try {
    let flags = flags | libc::MSG_DONTWAIT | NO_SIGNAL;
    // SAFETY: as try_recv.
    let r = direct(|| unsafe {
        syscall(libc::SYS_sendto, [fd as usize, buf.expose_provenance(), len, flags as usize, 0, 0])
    });
    tried(r)
}

/// `uninterrupted` for calls that give -errno.
#[inline]
pub fn direct(mut call: impl FnMut() -> i64) -> R {
    loop {
        match call() {
            n if n >= 0 => return Ok(n),
            e if e == -i64::from(libc::EINTR) => {}
            e => return Err(Errno(-e as i32)),
        }
    }
}

/// What a read or write with RWF_NOWAIT came to, and what to do where the descriptor knows no such
/// thing: `call`, once it is ready. `positional`: readiness says nothing about it, and what has no
/// positions is no file.
pub fn nowait(events: c_short, fd: c_int, positional: bool, r: R, call: impl FnOnce() -> R) -> Try {
    match r {
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) if positional => {
            // SAFETY: touches no memory; moves nothing.
            match Errno::check(unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) }) {
                Ok(_) => Try::Blocks,
                Err(e) => Try::Done(Err(e)),
            }
        }
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => look_first(fd, events, call),
        // pwritev2 of a file may have to wait for something else than the descriptor; the engine
        // finds out that it is one.
        r => tried(r),
    }
}

/// A file that is read and written past the page cache (O_DIRECT). RWF_NOWAIT then means "wait for
/// nothing but the disk", and does wait for that: so such a file must not be tried. The common answer,
/// no, is remembered for as long as the descriptor lives.
#[inline]
pub fn always_waits(fd: c_int) -> bool {
    let Ok(entry) = table::entry(fd) else { return false };
    !entry.is_cached() && find_out(fd, entry)
}

#[cold]
fn find_out(fd: c_int, entry: &Entry) -> bool {
    // SAFETY: touches no memory of ours.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return false;
    }
    // Of a pipe, which has no positions, the flag means something else. (This and the question above
    // are asked for every call on such a file, so they should be cheap: fstat would take twice as long.)
    // SAFETY: touches no memory; moves nothing.
    let direct = flags & libc::O_DIRECT != 0 && unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) } >= 0;
    if !direct {
        entry.note_cached();
    }
    direct
}

/// Of preadv2 and pwritev2: the offset is whole in the first of its two words.
pub fn nowait_args(fd: c_int, v: *const libc::iovec, count: c_int, at: i64) -> [usize; 6] {
    let [fd, count, at] = [fd as usize, count as usize, at as usize];
    [fd, v.expose_provenance(), count, at, 0, libc::RWF_NOWAIT as usize]
}

/// read(2) (offset None) or pread(2), without blocking.
pub fn try_read(fd: c_int, buf: *mut u8, len: usize, offset: Option<i64>) -> Try {
    if always_waits(fd) {
        return Try::Blocks;
    }
    let v = libc::iovec { iov_base: buf.cast(), iov_len: len };
    let at = offset.unwrap_or(-1);
    let args = nowait_args(fd, &raw const v, 1, at);
    // SAFETY: one iovec; the caller of the API vouches for the buffer, the system checks the
    // address.
    let r = direct(|| unsafe { syscall(libc::SYS_preadv2, args) });
    nowait(libc::POLLIN, fd, offset.is_some(), r, || super::read_blocking(fd, buf, len, offset))
}

/// Whether a read or write at an offset does not fail with ESPIPE.
pub fn has_positions(fd: c_int) -> bool {
    let args = nowait_args(fd, std::ptr::null(), 0, 0);
    // SAFETY: no buffers.
    let r = direct(|| unsafe { syscall(libc::SYS_preadv2, args) });
    r != Err(Errno::ESPIPE)
}

/// As much as a pipe takes at once when it says that it is writable, and a terminal (which has no
/// such promise) in practice.
const PIPE_ATOMIC: usize = 4096;
const TERMINAL: usize = 256;

/// write(2) (offset None) or pwrite(2), without blocking and not on a socket (SIGPIPE).
pub fn try_write(fd: c_int, buf: *const u8, len: usize, offset: Option<i64>) -> Try {
    if always_waits(fd) {
        return Try::Blocks;
    }
    let v = libc::iovec { iov_base: buf.cast_mut().cast(), iov_len: len };
    let at = offset.unwrap_or(-1);
    let args = nowait_args(fd, &raw const v, 1, at);
    // SAFETY: as try_read.
    let r = direct(|| unsafe { syscall(libc::SYS_pwritev2, args) });
    nowait(libc::POLLOUT, fd, offset.is_some(), r, || {
        super::write_blocking(fd, buf, len.min(most_at_once(fd)?), offset)
    })
}

/// How much a writable descriptor that is no file takes without blocking.
pub fn most_at_once(fd: c_int) -> Result<usize, Errno> {
    let pipe = super::stat(fd)?.st_mode & libc::S_IFMT == libc::S_IFIFO;
    Ok(if pipe { PIPE_ATOMIC } else { TERMINAL })
}

fn open_cached(dir: c_int, path: *const c_char, flags: c_int) -> R {
    // SAFETY: all-zero is a valid open_how; the path as above.
    unsafe {
        let mut how = std::mem::zeroed::<libc::open_how>();
        how.flags = (flags | libc::O_CLOEXEC) as u64;
        how.resolve = libc::RESOLVE_CACHED;
        let size = size_of::<libc::open_how>();
        uninterrupted(|| libc::syscall(libc::SYS_openat2, dir, path, &raw const how, size))
    }
}

/// openat(2) of a file or directory that needs no disk: its path is in memory and nothing is
/// created or cut. Everything else `Blocks`.
pub fn try_open(dir: c_int, path: *const c_char, flags: c_int) -> Try {
    if path.is_null() {
        return Try::Done(Err(Errno::EFAULT));
    }
    if flags & (libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE) != 0 {
        return Try::Blocks;
    }
    // A named pipe's open waits for the other side, a device's for anything: look at what it is
    // first.
    let looked = open_cached(dir, path, libc::O_PATH | flags & libc::O_NOFOLLOW).and_then(|fd| {
        let file = super::is_file(fd as c_int);
        let _ = super::close(fd as c_int);
        file
    });
    match looked {
        Ok(true) => match open_cached(dir, path, flags) {
            Err(Errno::EAGAIN) => Try::Blocks,
            r => Try::Done(r),
        },
        Ok(false) | Err(Errno::EAGAIN | Errno::ENOSYS) => Try::Blocks,
        Err(e) => Try::Done(Err(e)),
    }
}

/// socket(2), close-on-exec.
pub fn socket(domain: c_int, type_: c_int, protocol: c_int) -> R {
    // SAFETY: touches no memory of ours.
    Errno::check(i64::from(unsafe { libc::socket(domain, type_ | libc::SOCK_CLOEXEC, protocol) }))
}

/// What accept4(2) knows.
pub const ACCEPT_FLAGS: c_int = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;

/// recvmsg(2)'s flag for descriptors that are close-on-exec from the beginning.
pub const RECEIVED_CLOEXEC: c_int = libc::MSG_CMSG_CLOEXEC;

/// What has been received is that already.
pub fn close_on_exec(_fd: c_int) {}

/// socketpair(2), close-on-exec.
pub fn socketpair(domain: c_int, type_: c_int, protocol: c_int, fds: *mut c_int) -> R {
    let type_ = type_ | libc::SOCK_CLOEXEC;
    // SAFETY: the caller of the API vouches for room for two; the system checks the address.
    Errno::check(i64::from(unsafe { libc::socketpair(domain, type_, protocol, fds) }))
}

/// accept4(2) as it blocks or not by the descriptor's mode; the new one is close-on-exec.
pub fn accept(fd: c_int, addr: *mut libc::sockaddr, len: *mut libc::socklen_t, flags: c_int) -> R {
    let flags = flags | libc::SOCK_CLOEXEC;
    // SAFETY: the caller of the API vouches for both pointers; the system checks the addresses.
    uninterrupted(|| i64::from(unsafe { libc::accept4(fd, addr, len, flags) }))
}

/// A TCP socket's receive tells by a short count that there is no more: nothing else does.
pub fn is_tcp(fd: c_int) -> bool {
    super::socket_option(fd, libc::SOL_SOCKET, libc::SO_PROTOCOL) == Ok(libc::IPPROTO_TCP)
}

/// An eventfd: nothing in it.
pub fn eventfd() -> Result<c_int, Errno> {
    // SAFETY: touches no memory of ours.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    Errno::check(i64::from(fd)).map(|fd| fd as c_int)
}

/// Adds one to an eventfd.
pub fn eventfd_add(fd: c_int) {
    let one = 1u64;
    // A wake must not be lost to a signal. Nothing else can fail: the count would have to reach
    // 2^64 - 1, and then it is readable too.
    // SAFETY: eight bytes.
    let _ = uninterrupted(|| unsafe {
        libc::write(fd, (&raw const one).cast::<c_void>(), size_of::<u64>()) as i64
    });
}
