//! fsync and fdatasync. Nothing tells beforehand whether it would wait: with CO_NOW it always
//! would.

use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{self, R, file};
use std::ffi::c_int;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Fsync {
    fd: c_int,
    /// Only what it takes to read the data again.
    data: bool,
}

impl Fsync {
    /// `data`: only what it takes to read the data again.
    pub fn new(fd: c_int, data: bool) -> Fsync {
        Fsync { fd, data }
    }
}

impl Op for Fsync {
    const BLOCKS: bool = true;

    fn fd(&self) -> c_int {
        self.fd
    }
    fn block(&mut self) -> R {
        if self.data { file::fdatasync(self.fd) } else { sys::fsync(self.fd) }
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::fsync(self.fd, self.data)
    }
    fn is_bounded(&self) -> bool {
        true
    }
}

/// co_io_fsync.
pub fn fsync(fd: c_int, timeout_ns: i64) -> R {
    run(Fsync { fd, data: false }, timeout_ns)
}

/// co_io_fdatasync.
pub fn fdatasync(fd: c_int, timeout_ns: i64) -> R {
    run(Fsync { fd, data: true }, timeout_ns)
}
