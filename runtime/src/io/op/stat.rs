//! statx. On a thread, the kernel's or ours: an inode may be on any disk. The system's own struct
//! is on the coroutine's stack, and what C gets is made of it.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::Op;
use crate::io::sys::{R, file};

pub use file::{Stat, Time};
use std::ffi::{c_char, c_int};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, Sqe};

struct Statx<'a> {
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    out: &'a mut file::RawStat,
}

impl Op for Statx<'_> {
    const HAS_FD: bool = false;
    const BLOCKS: bool = true;
    #[cfg(target_os = "linux")]
    const OPTIONAL: Option<u8> = Some(sqe::STATX);

    fn fd(&self) -> c_int {
        self.dir.max(-1)
    }
    fn block(&mut self) -> R {
        file::statx(self.dir, self.path, self.flags, self.out)
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        sqe::statx(self.dir, self.path, self.flags, file::STAT_MASK, self.out.as_ptr())
    }
}

/// co_io_statx. `path` is NULL or ended by a zero byte. With AT_EMPTY_PATH an empty path, or NULL,
/// is `dir` itself.
pub fn statx(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    timeout_ns: i64,
) -> Result<Stat, Errno> {
    let path = match path.is_null() {
        true if flags & file::AT_EMPTY_PATH != 0 => c"".as_ptr(),
        true => return Err(Errno::EFAULT),
        false => path,
    };
    let mut raw = file::RawStat::new();
    run(Statx { dir, path, flags, out: &mut raw }, timeout_ns)?;
    Ok(raw.convert())
}
