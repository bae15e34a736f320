//! ftruncate: a file made shorter or longer. With CO_NOW it would always wait, as fsync.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{R, file};
use std::ffi::c_int;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Ftruncate {
    fd: c_int,
    len: i64,
}

impl Ftruncate {
    /// EINVAL: a negative length.
    pub fn new(fd: c_int, len: i64) -> Result<Ftruncate, Errno> {
        if len < 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Ftruncate { fd, len })
    }
}

impl Op for Ftruncate {
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::FTRUNCATE);

    fn fd(&self) -> c_int {
        self.fd
    }
    fn block(&mut self) -> R {
        file::ftruncate(self.fd, self.len)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::ftruncate(self.fd, self.len)
    }
    fn is_bounded(&self) -> bool {
        true
    }
}

/// co_io_ftruncate.
pub fn ftruncate(fd: c_int, len: i64, timeout_ns: i64) -> R {
    run(Ftruncate::new(fd, len)?, timeout_ns)
}
