//! ftruncate: a file made shorter or longer. With CO_NOW it would always wait, as fsync.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::{Op, blocks_if_open};
use crate::io::sys::{R, Try, file};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct Ftruncate {
    fd: c_int,
    len: i64,
}

impl Op for Ftruncate {
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::FTRUNCATE);

    fn fd(&self) -> c_int {
        self.fd
    }
    fn attempt(&mut self) -> Try {
        blocks_if_open(self.fd)
    }
    fn events(&self) -> c_short {
        0
    }
    fn block(&mut self) -> R {
        file::ftruncate(self.fd, self.len)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::ftruncate(self.fd, self.len)
    }
}

/// co_io_ftruncate.
pub fn ftruncate(fd: c_int, len: i64, timeout_ns: i64) -> R {
    if len < 0 {
        return Err(Errno::EINVAL);
    }
    run(Ftruncate { fd, len }, timeout_ns)
}
