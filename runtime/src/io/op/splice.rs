//! splice: between a pipe and anything, without a copy. Linux only.
//!
//! splice(2) can be told not to wait for its pipe, but not for what else there is. So each round
//! first waits until both sides are ready, as far as they tell, and then makes the call where
//! nothing is left to wait for, or where waiting harms nobody:
//! ```text
//!   pipe, socket, device --> pipe     here, a socket through the gate
//!   file --> pipe                     on a thread, for the disk
//!   pipe --> file, socket, device     on a thread, for the disk or the device; of a socket for
//!                                     SIGPIPE, which threads of the pool do not let through
//! ```
//! A descriptor in blocking mode is given only as much as it takes at once when it says that it is
//! ready.
//!
//! Rejected: the ring's splice, which always takes a thread of the kernel; one that waits for a
//! pipe on behalf of a file counts against the few that the ring has for files.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

use crate::err::Errno;
use crate::io::engine::{begin, run_part};
use crate::io::op::part::{Lives, Part};
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{self, R, Try, file};
use crate::wait::Deadline;
use std::ffi::{c_int, c_short, c_uint};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// What a socket takes that says that it is writable: a third of its buffer is free.
const SOCKET_ROOM: usize = 4096;
/// The same for a terminal, in practice.
const DEVICE_ROOM: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipe,
    File,
    Socket,
    Device,
}

#[derive(Clone, Copy)]
struct Side {
    fd: c_int,
    kind: Kind,
    flags: c_int,
    /// Device and number of the file.
    file: (libc::dev_t, libc::ino_t),
    offset: Option<i64>,
}

impl Side {
    fn new(fd: c_int, offset: Option<i64>) -> Result<Side, Errno> {
        let st = sys::stat(fd)?;
        let kind = match st.st_mode & libc::S_IFMT {
            libc::S_IFIFO => Kind::Pipe,
            libc::S_IFREG | libc::S_IFBLK | libc::S_IFDIR => Kind::File,
            libc::S_IFSOCK => Kind::Socket,
            _ => Kind::Device,
        };
        Ok(Side { fd, kind, flags: sys::flags(fd)?, file: (st.st_dev, st.st_ino), offset })
    }

    fn blocks(&self) -> bool {
        self.flags & libc::O_NONBLOCK == 0
    }

    fn can(&self, not: c_int) -> Result<(), Errno> {
        let bad = self.flags & libc::O_ACCMODE == not || self.flags & file::O_PATH != 0;
        if bad { Err(Errno::EBADF) } else { Ok(()) }
    }

    fn check_offset(&self) -> Result<(), Errno> {
        match (self.offset, self.kind) {
            (None, _) => Ok(()),
            (Some(_), Kind::Pipe) => Err(Errno::ESPIPE),
            (Some(at), _) if at < 0 => Err(Errno::EINVAL),
            (Some(_), Kind::Socket) => Err(Errno::EINVAL),
            (Some(_), _) => Ok(()),
        }
    }
}

struct Splice {
    from: Side,
    to: Side,
    len: usize,
    flags: c_uint,
    /// What the last try found not ready.
    waits_to_write: bool,
}

impl Splice {
    /// Whether it may have to wait, or raise a signal, with both sides ready.
    fn needs_thread(&self) -> bool {
        self.from.kind == Kind::File || self.to.kind != Kind::Pipe
    }

    fn call(&self) -> R {
        let fds = [self.from.fd, self.to.fd];
        let offsets = [self.from.offset, self.to.offset];
        file::splice(fds, offsets, self.len, self.flags, self.to.kind == Kind::Socket)
    }

    fn is_ready(&mut self, to_write: bool) -> Result<bool, Errno> {
        let (side, events) =
            if to_write { (&self.to, libc::POLLOUT) } else { (&self.from, libc::POLLIN) };
        if side.kind == Kind::File || sys::try_poll(side.fd, events)? != 0 {
            return Ok(true);
        }
        self.waits_to_write = to_write;
        Ok(false)
    }

    fn try_both(&mut self) -> Result<Try, Errno> {
        if !self.is_ready(false)? || !self.is_ready(true)? {
            return Ok(Try::Wait);
        }
        if self.needs_thread() {
            return Ok(Try::Blocks);
        }
        let r = match self.from.kind {
            Kind::Pipe => sys::tried(self.call()),
            _ => sys::guarded(self.from.fd, libc::POLLIN, || self.call()),
        };
        match r {
            // Somebody else was faster.
            Try::Wait if self.is_ready(false)? && self.is_ready(true)? => Ok(Try::Again),
            r => Ok(r),
        }
    }
}

impl Op for Splice {
    const TAKES: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::NONE);

    fn fd(&self) -> c_int {
        if self.waits_to_write { self.to.fd } else { self.from.fd }
    }
    fn attempt(&mut self) -> Try {
        self.try_both().unwrap_or_else(|e| Try::Done(Err(e)))
    }
    fn events(&self) -> c_short {
        if self.waits_to_write { libc::POLLOUT } else { libc::POLLIN }
    }
    fn block(&mut self) -> R {
        self.call()
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        unreachable!("it has no opcode")
    }
}

/// What the system would say of the arguments before it waits for anything.
fn check(from: &Side, to: &Side, flags: c_uint) -> Result<(), Errno> {
    from.can(libc::O_WRONLY)?;
    to.can(libc::O_RDONLY)?;
    let pipes = [from, to].map(|s| s.kind == Kind::Pipe);
    if flags & !file::SPLICE_FLAGS != 0 || pipes == [false, false] {
        return Err(Errno::EINVAL);
    }
    from.check_offset()?;
    to.check_offset()?;
    let appends = to.kind == Kind::File && to.flags & libc::O_APPEND != 0;
    if appends || pipes == [true, true] && from.file == to.file {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// co_io_splice, from the first to the second.
pub fn splice(
    fds: [c_int; 2],
    offsets: [Option<i64>; 2],
    len: usize,
    flags: c_uint,
    timeout_ns: i64,
) -> R {
    if !cfg!(target_os = "linux") {
        return Err(Errno::ENOSYS);
    }
    let now = flags & file::SPLICE_NONBLOCK != 0 && timeout_ns >= -1;
    let deadline = begin(if now { 0 } else { timeout_ns })?;
    let (from, to) = (Side::new(fds[0], offsets[0])?, Side::new(fds[1], offsets[1])?);
    check(&from, &to, flags)?;
    if len == 0 {
        return Ok(0);
    }
    let most = match to.kind {
        Kind::Socket if to.blocks() => SOCKET_ROOM,
        Kind::Device if to.blocks() => DEVICE_ROOM,
        _ => MAX_LEN,
    };
    let lives = Lives::new(fds);
    loop {
        let op = Splice { from, to, len: len.min(most), flags, waits_to_write: false };
        match run_part(Part { op, lives: &lives, begun: false }, deadline) {
            // On a thread it found what was ready gone.
            Err(Errno::EAGAIN) if deadline != Deadline::Now => {}
            r => return r,
        }
    }
}
