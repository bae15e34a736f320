//! fsync. Nothing tells beforehand whether it would wait: with CO_NOW it always would.

use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{self, R, Try};
use std::ffi::{c_int, c_short};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct Fsync(c_int);

impl Op for Fsync {
    const BLOCKS: bool = true;

    fn fd(&self) -> c_int {
        self.0
    }
    fn attempt(&mut self) -> Try {
        match sys::flags(self.0) {
            Err(e) => Try::Done(Err(e)),
            Ok(_) => Try::Blocks,
        }
    }
    fn events(&self) -> c_short {
        0
    }
    fn block(&mut self) -> R {
        sys::fsync(self.0)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::fsync(self.0)
    }
}

/// co_io_fsync.
pub fn fsync(fd: c_int, timeout_ns: i64) -> R {
    run(Fsync(fd), timeout_ns)
}
