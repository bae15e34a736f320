//! What changes names: unlink, rename, mkdir, link, symlink, each from directories or from the
//! working directory. On a thread, the kernel's or ours, as open; nothing tells beforehand whether
//! one would wait, so with CO_NOW it always would.
//!
//! A change that has been begun is waited for, and if it happened it is reported, whatever came
//! meanwhile: a caller who is told of a timeout may rely on nothing having changed.

use crate::err::Errno;
use crate::io::engine::run;
use crate::io::op::{Op, first_and_other};
use crate::io::sys::{R, file};
use std::ffi::{c_char, c_int};

#[cfg(target_os = "linux")]
use crate::io::engine::uring::sqe::{self, self as code, Sqe};
/// Only to tell them apart.
#[cfg(not(target_os = "linux"))]
mod code {
    pub const UNLINK: u8 = 0;
    pub const RENAME: u8 = 1;
    pub const MKDIR: u8 = 2;
    pub const LINK: u8 = 3;
    pub const SYMLINK: u8 = 4;
}

#[derive(Clone, Copy, Debug)]
enum What {
    Unlink {
        flags: c_int,
    },
    Rename {
        flags: u32,
    },
    Mkdir {
        mode: u32,
    },
    Link {
        flags: c_int,
    },
    /// The target is the first path.
    Symlink,
}

/// OPCODE: see [`Op::OPTIONAL`]; each change has its own.
#[derive(Debug)]
pub struct Name<const OPCODE: u8> {
    what: What,
    /// What the paths begin from; for one path both are its.
    dirs: [c_int; 2],
    paths: [*const c_char; 2],
}

/// unlink.
pub type Unlink = Name<{ code::UNLINK }>;
/// mkdir.
pub type Mkdir = Name<{ code::MKDIR }>;

impl Unlink {
    /// From the directory `dir`; `path` is NULL (EFAULT) or ended by a zero byte.
    pub fn new(dir: c_int, path: *const c_char, flags: c_int) -> Result<Unlink, Errno> {
        Name::checked(What::Unlink { flags }, [dir; 2], [path; 2])
    }
}

impl Mkdir {
    /// As [`Unlink::new`].
    pub fn new(dir: c_int, path: *const c_char, mode: u32) -> Result<Mkdir, Errno> {
        Name::checked(What::Mkdir { mode }, [dir; 2], [path; 2])
    }
}

impl<const OPCODE: u8> Name<OPCODE> {
    fn checked(what: What, dirs: [c_int; 2], paths: [*const c_char; 2]) -> Result<Self, Errno> {
        if paths.iter().any(|p| p.is_null()) {
            return Err(Errno::EFAULT);
        }
        Ok(Name { what, dirs, paths })
    }
}

impl<const OPCODE: u8> Op for Name<OPCODE> {
    const HAS_FD: bool = false;
    const BLOCKS: bool = true;
    const OPTIONAL: Option<u8> = Some(OPCODE);

    fn fd(&self) -> c_int {
        first_and_other(self.dirs)[0]
    }
    fn fd2(&self) -> c_int {
        first_and_other(self.dirs)[1]
    }
    fn block(&mut self) -> R {
        let (dir, path) = (self.dirs[1], self.paths[1]);
        match self.what {
            What::Unlink { flags } => file::unlinkat(dir, path, flags),
            What::Rename { flags } => file::renameat(self.dirs, self.paths, flags),
            What::Mkdir { mode } => file::mkdirat(dir, path, mode),
            What::Link { flags } => file::linkat(self.dirs, self.paths, flags),
            What::Symlink => file::symlinkat(self.paths[0], dir, path),
        }
    }
    #[cfg(target_os = "linux")]
    fn sqe(&mut self, _wait_first: bool) -> Sqe {
        let (dir, path) = (self.dirs[1], self.paths[1]);
        match self.what {
            What::Unlink { flags } => sqe::unlink(dir, path, flags),
            What::Rename { flags } => sqe::rename(self.dirs, self.paths, flags),
            What::Mkdir { mode } => sqe::mkdir(dir, path, mode),
            What::Link { flags } => sqe::link(self.dirs, self.paths, flags),
            What::Symlink => sqe::symlink(self.paths[0], dir, path),
        }
    }
}

/// The paths are NULL or ended by a zero byte, as in all of these.
fn change<const OPCODE: u8>(
    what: What,
    dirs: [c_int; 2],
    paths: [*const c_char; 2],
    timeout_ns: i64,
) -> R {
    run(Name::<OPCODE>::checked(what, dirs, paths)?, timeout_ns)
}

/// co_io_unlinkat: a file's name, or with AT_REMOVEDIR a directory.
pub fn unlinkat(dir: c_int, path: *const c_char, flags: c_int, timeout_ns: i64) -> R {
    run(Unlink::new(dir, path, flags)?, timeout_ns)
}

/// co_io_renameat. `flags` as renameat2(2).
pub fn renameat(dirs: [c_int; 2], paths: [*const c_char; 2], flags: u32, timeout_ns: i64) -> R {
    change::<{ code::RENAME }>(What::Rename { flags }, dirs, paths, timeout_ns)
}

/// co_io_mkdirat.
pub fn mkdirat(dir: c_int, path: *const c_char, mode: u32, timeout_ns: i64) -> R {
    run(Mkdir::new(dir, path, mode)?, timeout_ns)
}

/// co_io_linkat.
pub fn linkat(dirs: [c_int; 2], paths: [*const c_char; 2], flags: c_int, timeout_ns: i64) -> R {
    change::<{ code::LINK }>(What::Link { flags }, dirs, paths, timeout_ns)
}

/// co_io_symlinkat.
pub fn symlinkat(target: *const c_char, dir: c_int, path: *const c_char, timeout_ns: i64) -> R {
    change::<{ code::SYMLINK }>(What::Symlink, [dir; 2], [target, path], timeout_ns)
}
