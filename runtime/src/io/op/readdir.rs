//! readdir. The ring has no such operation: on a thread of the pool, which also makes our records
//! of the system's. What has been read is reported, so no entry is lost to a timeout.

use crate::io::engine::run;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{R, file};
use std::ffi::c_int;

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

pub use file::Dirent;

struct Readdir {
    fd: c_int,
    buf: *mut u8,
    len: usize,
}

impl Op for Readdir {
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::NONE);

    fn fd(&self) -> c_int {
        self.fd
    }
    fn block(&mut self) -> R {
        file::readdir(self.fd, self.buf, self.len)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        unreachable!("it has no opcode")
    }
}

/// co_io_readdir. `buf` has `len` bytes; it is given back when this returns.
pub fn readdir(fd: c_int, buf: *mut u8, len: usize, timeout_ns: i64) -> R {
    run(Readdir { fd, buf, len: len.min(MAX_LEN) }, timeout_ns)
}
