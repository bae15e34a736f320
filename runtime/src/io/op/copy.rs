//! copy_file_range: from file to file, inside the system, or by blocks that are only shared. On a
//! thread of the pool: the ring has no such operation.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{self, R, Try, file};
use std::ffi::{c_int, c_uint};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

/// A call that a thread has begun is waited for; so this much at once, some tens of milliseconds.
const MOST: usize = 64 << 20;

struct Copy {
    fds: [c_int; 2],
    /// None: at the file's position.
    offsets: [Option<i64>; 2],
    len: usize,
}

impl Op for Copy {
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::NONE);

    fn fd(&self) -> c_int {
        self.fds[0]
    }
    fn fd2(&self) -> c_int {
        if self.fds[0] == self.fds[1] { -1 } else { self.fds[1] }
    }
    fn attempt(&mut self) -> Try {
        match self.fds.map(sys::flags) {
            [Err(e), _] | [_, Err(e)] => Try::Done(Err(e)),
            _ => Try::Blocks,
        }
    }
    fn block(&mut self) -> R {
        file::copy_range(self.fds, self.offsets, self.len)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        unreachable!("it has no opcode")
    }
}

/// co_io_copy_file_range, from the first to the second.
pub fn copy_file_range(
    fds: [c_int; 2],
    offsets: [Option<i64>; 2],
    len: usize,
    flags: c_uint,
    timeout_ns: i64,
) -> R {
    if flags != 0 || offsets.iter().flatten().any(|&at| at < 0) {
        return Err(Errno::EINVAL);
    }
    // A negative number is none, whatever the other.
    if fds.iter().any(|&fd| fd < 0) {
        return Err(Errno::EBADF);
    }
    run(Copy { fds, offsets, len: len.min(MOST) }, timeout_ns)
}
