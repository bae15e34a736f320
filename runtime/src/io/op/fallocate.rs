//! fallocate: room on the device for a part of a file, or holes in it. With CO_NOW it would always
//! wait, as fsync.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{R, file};
use std::ffi::c_int;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// See the module.
#[derive(Debug)]
pub struct Fallocate {
    fd: c_int,
    mode: c_int,
    offset: i64,
    len: i64,
}

impl Fallocate {
    /// EINVAL: a negative offset, no length.
    pub fn new(fd: c_int, mode: c_int, offset: i64, len: i64) -> Result<Fallocate, Errno> {
        if offset < 0 || len <= 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Fallocate { fd, mode, offset, len })
    }
}

impl Op for Fallocate {
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::FALLOCATE);

    fn fd(&self) -> c_int {
        self.fd
    }
    fn block(&mut self) -> R {
        file::fallocate(self.fd, self.mode, self.offset, self.len)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::fallocate(self.fd, self.mode, self.offset, self.len)
    }
    fn is_bounded(&self) -> bool {
        true
    }
}

/// co_io_fallocate.
pub fn fallocate(fd: c_int, mode: c_int, offset: i64, len: i64, timeout_ns: i64) -> R {
    run(Fallocate::new(fd, mode, offset, len)?, timeout_ns)
}
