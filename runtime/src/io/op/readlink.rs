//! readlink. The ring has no such operation: on a thread of the pool.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::{MAX_LEN, Op};
use crate::io::sys::{R, file};
use std::ffi::{c_char, c_int};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct Readlink {
    dir: c_int,
    path: *const c_char,
    buf: *mut u8,
    len: usize,
}

impl Op for Readlink {
    const HAS_FD: bool = false;
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::NONE);

    fn fd(&self) -> c_int {
        self.dir.max(-1)
    }
    fn block(&mut self) -> R {
        file::readlinkat(self.dir, self.path, self.buf, self.len)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        unreachable!("it has no opcode")
    }
}

/// co_io_readlinkat. `path` is NULL or ended by a zero byte, `buf` has `len` bytes.
pub fn readlinkat(dir: c_int, path: *const c_char, buf: *mut u8, len: usize, timeout_ns: i64) -> R {
    if path.is_null() {
        return Err(Errno::EFAULT);
    }
    if len == 0 {
        // The system's answer; musl's is another.
        return Err(Errno::EINVAL);
    }
    run(Readlink { dir, path, buf, len: len.min(MAX_LEN) }, timeout_ns)
}
