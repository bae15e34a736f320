//! The system calls, each in two forms where it may block: `try_*` never blocks, whatever mode the
//! descriptor is in, and `*_blocking` may.
//!
//! Duties of a platform (`linux.rs`, `other.rs`): read and write without blocking on anything,
//! sockets that are close-on-exec from the beginning, no SIGPIPE from sockets, open from what the
//! system has in memory.
//!
//! The rest, here, is POSIX. None of these functions switches, so errno is read on the thread that
//! set it.
#![allow(unsafe_code)]

use crate::err::Errno;
use crate::io::entry::Entry;
use crate::io::table;
use std::ffi::{c_int, c_short, c_uint, c_void};

mod net;
pub use net::*;

pub mod file;
pub mod memory;
pub mod process;
pub mod signal;
mod socket;
pub use socket::*;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::*;

/// What an I/O call gives.
pub type R = Result<i64, Errno>;

/// What a try without blocking came to.
#[derive(Debug)]
#[must_use]
pub enum Try {
    /// Done, well or not.
    Done(R),
    /// Not ready: wait for the descriptor.
    Wait,
    /// Somebody else is at it for a moment, or the system can't tell us when: try again shortly.
    Again,
    /// It would block and no readiness will tell: a file.
    Blocks,
}

/// Repeats a system call while a signal interrupts it.
pub fn uninterrupted(mut call: impl FnMut() -> i64) -> R {
    loop {
        match Errno::check(call()) {
            Err(Errno::EINTR) => {}
            r => return r,
        }
    }
}

/// A result of a call that says EAGAIN when it would block.
pub fn tried(r: R) -> Try {
    match r {
        Err(e) if e == Errno::EAGAIN || e.0 == libc::EWOULDBLOCK => Try::Wait,
        r => Try::Done(r),
    }
}

/// poll(2) on one descriptor, without waiting: the events it has; EBADF if it is not open.
pub fn try_poll(fd: c_int, events: c_short) -> Result<c_short, Errno> {
    poll(fd, events, Some(0))
}

/// poll(2) on one descriptor for at most `timeout` nanoseconds (None: for ever). No events: the
/// time is up. EINTR is passed on, so that the caller looks at its clock.
pub fn poll(fd: c_int, events: c_short, timeout: Option<i64>) -> Result<c_short, Errno> {
    poll_or(fd, events, -1, timeout)
}

/// poll(2) on an array, without waiting: how many have events. EFAULT, EINVAL (more than there can
/// be descriptors).
pub fn poll_array(fds: *mut libc::pollfd, n: c_uint) -> R {
    // SAFETY: the caller of the API vouches for the array; the system checks the address.
    uninterrupted(|| i64::from(unsafe { libc::poll(fds, n as libc::nfds_t, 0) }))
}

/// [`poll`], ended also when `other` becomes readable (-1: there is none).
pub fn poll_or(
    fd: c_int,
    events: c_short,
    other: c_int,
    timeout: Option<i64>,
) -> Result<c_short, Errno> {
    let watch = |(fd, events)| libc::pollfd { fd, events, revents: 0 };
    let mut p = [(fd, events), (other, libc::POLLIN)].map(watch);
    let n = if other < 0 { 1 } else { 2 };
    Errno::check(i64::from(poll_ns(&mut p[..n], timeout)))?;
    if p[0].revents & libc::POLLNVAL != 0 {
        return Err(Errno::EBADF);
    }
    Ok(p[0].revents)
}

/// What ends a [`poll_or`]: a pipe with something in it.
#[derive(Debug)]
pub struct Signal {
    read: c_int,
    write: c_int,
}

impl Signal {
    /// EMFILE and the like.
    pub fn new() -> Result<Signal, Errno> {
        let mut fds = [-1; 2];
        // SAFETY: room for two.
        Errno::check(i64::from(unsafe { libc::pipe(fds.as_mut_ptr()) }))?;
        let s = Signal { read: fds[0], write: fds[1] };
        for fd in fds {
            // SAFETY: touches no memory of ours.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            set_flags(fd, flags(fd)? | libc::O_NONBLOCK)?;
        }
        Ok(s)
    }

    /// What becomes readable.
    pub fn fd(&self) -> c_int {
        self.read
    }

    /// Makes it readable. Any thread.
    pub fn raise(&self) {
        // A full pipe is readable as well.
        let _ = write_blocking(self.write, [1].as_ptr(), 1, None);
    }

    /// Makes it unreadable again.
    pub fn lower(&self) {
        let mut b = [0; 64];
        while read_blocking(self.read, b.as_mut_ptr(), b.len(), None).is_ok_and(|n| n > 0) {}
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        // Nothing is to be done about a failure.
        let _ = (close(self.read), close(self.write));
    }
}

/// Whether it is a file, a directory or a disk: what poll calls always ready, and blocks
/// nevertheless.
pub fn is_file(fd: c_int) -> Result<bool, Errno> {
    let st = stat(fd)?;
    Ok(matches!(st.st_mode & libc::S_IFMT, libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK))
}

/// Whether a read or write that has done less than it was asked for would go on if it could wait: of
/// a file, which ends it only at its own end or that of the disk. Those that don't wait stop where a
/// page is not in memory.
pub fn may_go_on(fd: c_int) -> bool {
    let entry = table::entry(fd);
    if entry.is_ok_and(Entry::is_stream) {
        return false;
    }
    let file = is_file(fd) == Ok(true);
    if let (false, Ok(entry)) = (file, entry) {
        entry.note_stream();
    }
    file
}

/// fstat(2).
pub fn stat(fd: c_int) -> Result<libc::stat, Errno> {
    // SAFETY: all-zero is a valid stat; fstat writes to it and to nothing else.
    unsafe {
        let mut st = std::mem::zeroed::<libc::stat>();
        Errno::check(i64::from(libc::fstat(fd, &raw mut st)))?;
        Ok(st)
    }
}

/// A read or write on a descriptor that has no form without blocking: look first, and let nobody in
/// between. `limit` is how much it takes without blocking once it is ready.
pub fn look_first(fd: c_int, events: c_short, call: impl FnOnce() -> R) -> Try {
    match is_file(fd) {
        Err(e) => return Try::Done(Err(e)),
        Ok(true) => return Try::Blocks,
        Ok(false) => {}
    }
    match guarded(fd, events, call) {
        Try::Wait => check_access(fd, events).map_or_else(|e| Try::Done(Err(e)), |()| Try::Wait),
        other => other,
    }
}

/// EBADF if the descriptor is not open for what `events` (POLLIN or POLLOUT) are about. poll(2) calls an
/// end of a pipe never ready for what only the other can do: to wait for it would be for ever.
pub fn check_access(fd: c_int, events: c_short) -> Result<(), Errno> {
    let wrong = if events & libc::POLLIN != 0 { libc::O_WRONLY } else { libc::O_RDONLY };
    if flags(fd)? & libc::O_ACCMODE == wrong { Err(Errno::EBADF) } else { Ok(()) }
}

/// The same without the question for a file.
pub fn guarded(fd: c_int, events: c_short, call: impl FnOnce() -> R) -> Try {
    let entry = match table::entry(fd) {
        Ok(e) => e,
        Err(e) => return Try::Done(Err(e)),
    };
    let Some(_gate) = entry.gate() else { return Try::Again };
    match try_poll(fd, events) {
        Err(e) => Try::Done(Err(e)),
        Ok(0) => Try::Wait,
        Ok(_) => tried(call()),
    }
}

/// read(2) or pread(2), as it blocks.
pub fn read_blocking(fd: c_int, buf: *mut u8, len: usize, offset: Option<i64>) -> R {
    // SAFETY: the caller of the API vouches for the buffer; the system checks the address.
    uninterrupted(|| unsafe {
        match offset {
            None => libc::read(fd, buf.cast::<c_void>(), len) as i64,
            Some(at) => libc::pread(fd, buf.cast::<c_void>(), len, at) as i64,
        }
    })
}

/// write(2) or pwrite(2), as it blocks.
pub fn write_blocking(fd: c_int, buf: *const u8, len: usize, offset: Option<i64>) -> R {
    // SAFETY: as read_blocking.
    uninterrupted(|| unsafe {
        match offset {
            None => libc::write(fd, buf.cast::<c_void>(), len) as i64,
            Some(at) => libc::pwrite(fd, buf.cast::<c_void>(), len, at) as i64,
        }
    })
}

/// Waits for the device.
pub fn fsync(fd: c_int) -> R {
    // SAFETY: touches no memory of ours.
    uninterrupted(|| i64::from(unsafe { libc::fsync(fd) }))
}

/// close(2): the number is free afterwards whatever it gives (but EBADF).
pub fn close(fd: c_int) -> R {
    // SAFETY: the caller of the API says that the descriptor is its own to close.
    Errno::check(i64::from(unsafe { libc::close(fd) }))
}

/// The same file under another number, close-on-exec.
pub fn duplicate(fd: c_int) -> Result<c_int, Errno> {
    // SAFETY: touches no memory of ours.
    let r = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    Errno::check(i64::from(r)).map(|fd| fd as c_int)
}

/// F_GETFL.
pub fn flags(fd: c_int) -> Result<c_int, Errno> {
    // SAFETY: touches no memory of ours.
    Errno::check(i64::from(unsafe { libc::fcntl(fd, libc::F_GETFL) })).map(|f| f as c_int)
}

/// F_SETFL.
pub fn set_flags(fd: c_int, flags: c_int) -> Result<(), Errno> {
    // SAFETY: touches no memory of ours.
    Errno::check(i64::from(unsafe { libc::fcntl(fd, libc::F_SETFL, flags) })).map(drop)
}

/// A socket option that is an int.
pub fn socket_option(fd: c_int, level: c_int, name: c_int) -> Result<c_int, Errno> {
    let (mut value, mut len): (c_int, _) = (0, size_of::<c_int>() as libc::socklen_t);
    // SAFETY: `value` has `len` bytes.
    let r = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut len) };
    Errno::check(i64::from(r)).map(|_| value)
}

/// Whether a close of this socket waits for its peer (SO_LINGER). False for what is no socket.
pub fn lingers(fd: c_int) -> bool {
    let mut linger = libc::linger { l_onoff: 0, l_linger: 0 };
    let mut len = size_of::<libc::linger>() as libc::socklen_t;
    let p = (&raw mut linger).cast();
    // SAFETY: `linger` has `len` bytes.
    let r = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, p, &raw mut len) };
    r == 0 && linger.l_onoff != 0 && linger.l_linger > 0
}

/// connect(2), as it blocks or not by the descriptor's mode.
pub fn connect(fd: c_int, addr: *const libc::sockaddr, len: libc::socklen_t) -> R {
    // SAFETY: the caller of the API vouches for the address; the system checks it.
    uninterrupted(|| i64::from(unsafe { libc::connect(fd, addr, len) }))
}

/// getpeername(2); an empty address if there is no peer any more.
pub fn peer_name(fd: c_int, addr: *mut libc::sockaddr, len: *mut libc::socklen_t) -> R {
    // SAFETY: the caller of the API vouches for both; the system checks the addresses.
    match Errno::check(i64::from(unsafe { libc::getpeername(fd, addr, len) })) {
        Err(Errno::ENOTCONN) => {
            // SAFETY: the system has read it just now.
            unsafe { *len = 0 };
            Ok(0)
        }
        r => r,
    }
}

/// shutdown(2).
pub fn shutdown(fd: c_int, how: c_int) -> R {
    // SAFETY: touches no memory of ours.
    Errno::check(i64::from(unsafe { libc::shutdown(fd, how) }))
}

/// Sets a socket option that is an int.
pub fn set_option(fd: c_int, level: c_int, name: c_int, value: c_int) -> Result<(), Errno> {
    let len = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `value` has `len` bytes.
    let r = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), len) };
    Errno::check(i64::from(r)).map(drop)
}

/// listen(2).
pub fn listen(fd: c_int, backlog: c_int) -> Result<(), Errno> {
    // SAFETY: touches no memory of ours.
    Errno::check(i64::from(unsafe { libc::listen(fd, backlog) })).map(drop)
}

/// Whether it is a socket that listens.
pub fn listens(fd: c_int) -> bool {
    socket_option(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN).is_ok_and(|on| on != 0)
}

/// Whether it is a stream socket.
pub fn is_stream(fd: c_int) -> bool {
    socket_option(fd, libc::SOL_SOCKET, libc::SO_TYPE) == Ok(libc::SOCK_STREAM)
}
