//! open and openat. Always on a thread, the kernel's or ours: a path may be on any disk, and the
//! open of a named pipe or a device may wait for anything. (The ring by itself first tries such an
//! open as if O_NONBLOCK had been given: a named pipe then opens, or fails, at once, which is not
//! what was asked for.)
//!
//! `ready`: an open that a thread has begun can't be stopped; it is waited for, even by a cancel.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{self, R, Try, file};
use crate::io::table;
use std::ffi::{c_char, c_int};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Open {
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mode: u32,
}

impl Open {
    /// `path` is NULL (EFAULT) or ended by a zero byte.
    pub fn new(dir: c_int, path: *const c_char, flags: c_int, mode: u32) -> Result<Open, Errno> {
        if path.is_null() {
            return Err(Errno::EFAULT);
        }
        Ok(Open { dir, path, flags, mode })
    }
}

impl Op for Open {
    const HAS_FD: bool = false;
    const BLOCKS: bool = true;

    fn fd(&self) -> c_int {
        self.dir.max(-1)
    }
    fn attempt(&mut self) -> Try {
        match sys::try_open(self.dir, self.path, self.flags) {
            Try::Done(r) => Try::Done(self.finish(r)),
            other => other,
        }
    }
    fn block(&mut self) -> R {
        let r = file::openat_blocking(self.dir, self.path, self.flags, self.mode);
        self.finish(r)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::open(self.dir, self.path, self.flags | libc::O_CLOEXEC, self.mode)
    }
    fn finish(&mut self, r: R) -> R {
        r.inspect(|&fd| table::begins(fd as c_int))
    }
}

/// co_io_open: from the working directory.
pub fn open(path: *const c_char, flags: c_int, mode: u32, timeout_ns: i64) -> R {
    openat(libc::AT_FDCWD, path, flags, mode, timeout_ns)
}

/// co_io_openat. `path` is NULL or ended by a zero byte. A close of `dir` ends it, whether or not
/// the path begins there: only the system can look at the path.
pub fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: u32, timeout_ns: i64) -> R {
    run(Open::new(dir, path, flags, mode)?, timeout_ns)
}
