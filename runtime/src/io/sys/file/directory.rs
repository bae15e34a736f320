//! Directory entries, from the system's records to ours, in the caller's buffer.
//!
//! ```text
//!   buf |<- a quarter ->|<------ the system's records, three quarters ------>|
//!       | ours, growing -->      | read up to here -->                       |
//! ```
//! Ours are at most 4/3 as long as the system's (theirs have 24 bytes at least, and ours at most 8
//! more), so what has been written never reaches what has not been read.
#![allow(unsafe_code)]

use super::{Record, read_entries, record};
use crate::err::Errno;
use crate::io::sys::{R, memory};
use std::ffi::c_int;

/// What stands before an entry's name, as C sees it; the name follows, ended by a zero byte.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Dirent {
    /// Bytes to the next one.
    pub size: u32,
    /// DT_*.
    pub kind: u16,
    /// Without the zero byte.
    pub name_length: u16,
    /// The file's number.
    pub ino: u64,
    /// Where lseek finds the next one.
    pub next: i64,
}

const HEAD: usize = size_of::<Dirent>();
/// So that three quarters hold an entry with the longest name of POSIX systems.
const LEAST: usize = 512;

/// Reads entries from where the directory is. The bytes that they fill; 0: there are no more.
/// EINVAL: the buffer is too small.
pub fn readdir(fd: c_int, buf: *mut u8, len: usize) -> R {
    if len < LEAST {
        return Err(Errno::EINVAL);
    }
    // The system will look at the rest of it only.
    memory::store(buf.cast::<u64>(), &0, size_of::<u64>())?;
    let most = len / 4 * 3;
    // SAFETY: within the buffer.
    let theirs = unsafe { buf.add(len - most) };
    let got = read_entries(fd, theirs, most)? as usize;
    let (mut read, mut written) = (0, 0);
    while read < got {
        // SAFETY: the system has written whole records up to `got`; and see the module.
        unsafe {
            let r = record(theirs.add(read));
            written += write(buf.add(written), &r);
            read += r.size;
        }
    }
    Ok(written as i64)
}

/// # Safety
/// There is room, at most over records that have been read and over this one.
unsafe fn write(to: *mut u8, r: &Record) -> usize {
    let size = (HEAD + r.name_length + 1).next_multiple_of(8);
    let head = Dirent {
        size: size as u32,
        kind: r.kind,
        name_length: r.name_length as u16,
        ino: r.ino,
        next: r.next,
    };
    // SAFETY: the caller's; the name first, since the head may be written over it.
    unsafe {
        std::ptr::copy(r.name, to.add(HEAD), r.name_length);
        to.add(HEAD + r.name_length).write_bytes(0, size - HEAD - r.name_length);
        to.cast::<Dirent>().write_unaligned(head);
    }
    size
}
