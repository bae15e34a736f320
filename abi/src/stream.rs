//! Header section `stream`: exactly so many bytes, lines, copies.

use crate::convert::{status, value};
use photonrt_runtime::err::Errno;
use photonrt_runtime::io::{self, Line, Reader};
use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;

/// Has `call` count what it moves, and tells the caller if it wants to know.
///
/// # Safety
/// `done` is NULL or valid.
unsafe fn counted(done: *mut usize, call: impl FnOnce(&mut usize) -> Result<i64, Errno>) -> i64 {
    let mut n = 0;
    let r = call(&mut n);
    // SAFETY: the caller's.
    if let Some(done) = unsafe { done.as_mut() } {
        *done = n;
    }
    value(r)
}

/// Reads until `len` bytes have come, or the end: as many co_io_read calls under one timeout.
///
/// `len`; less if the end came before (0: at once). An error is that of co_io_read, -EINVAL also
/// for a `len` over INT64_MAX; `*done` (unless NULL) then says how many bytes had come: they are in
/// `buf`, and to go on is a call for the rest. In every case `*done` is the number of bytes.
///
/// # Safety
/// `buf` points to `len` bytes; `done` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_read_full(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    done: *mut usize,
    timeout_ns: i64,
) -> i64 {
    // SAFETY: the caller's.
    unsafe { counted(done, |done| io::read_full(fd, buf.cast(), len, done, timeout_ns)) }
}

/// The same from `offset` on, the file's position unmoved, by co_io_pread.
///
/// # Safety
/// As co_io_read_full.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_pread_full(
    fd: c_int,
    buf: *mut c_void,
    len: usize,
    offset: i64,
    done: *mut usize,
    timeout_ns: i64,
) -> i64 {
    // SAFETY: the caller's.
    unsafe { counted(done, |done| io::pread_full(fd, buf.cast(), len, offset, done, timeout_ns)) }
}

/// Writes all of `len` bytes: as many co_io_write calls under one timeout.
///
/// `len`, or an error of co_io_write (-EIO if a write takes nothing), with `*done` (unless NULL) as
/// for co_io_read_full: so many bytes were written, to go on is a call for the rest.
///
/// # Safety
/// As co_io_read_full.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_write_all(
    fd: c_int,
    buf: *const c_void,
    len: usize,
    done: *mut usize,
    timeout_ns: i64,
) -> i64 {
    // SAFETY: the caller's.
    unsafe { counted(done, |done| io::write_all(fd, buf.cast(), len, done, timeout_ns)) }
}

/// The same from `offset` on, the file's position unmoved, by co_io_pwrite.
///
/// # Safety
/// As co_io_read_full.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_pwrite_all(
    fd: c_int,
    buf: *const c_void,
    len: usize,
    offset: i64,
    done: *mut usize,
    timeout_ns: i64,
) -> i64 {
    // SAFETY: the caller's.
    unsafe { counted(done, |done| io::pwrite_all(fd, buf.cast(), len, offset, done, timeout_ns)) }
}

/// Copies `count` bytes, or with -1 everything up to the end, from one descriptor to another: files
/// (at their positions), pipes, stream sockets, devices. As many calls as it takes under one
/// timeout.
///
/// Blocks; a cancellation point; plain threads too. How many bytes: `count`, or less if the end
/// came before. An error is that of co_io_read or co_io_write, -EINVAL (`count` below -1, a socket
/// that is no stream), -ENOMEM; in every case `*done` (unless NULL) says how many bytes went
/// through. Nothing is lost between the two: what was not written is still to be read from `from`,
/// so a second call goes on (but for what a terminal or device had given and `to`, though ready,
/// did not take). Nobody else may read from `from` meanwhile.
///
/// # Safety
/// `done` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_copy(
    from: c_int,
    to: c_int,
    count: i64,
    done: *mut i64,
    timeout_ns: i64,
) -> i64 {
    let mut n = 0;
    let r = io::copy(from, to, count, &mut n, timeout_ns);
    // SAFETY: the caller's.
    if let Some(done) = unsafe { done.as_mut() } {
        *done = n;
    }
    value(r)
}

/// A buffered reader of lines and pieces, in memory of the caller's: it allocates nothing and needs
/// no destroying. One call at a time; a second one gets -EBUSY. What it has read stays buffered
/// whatever ends a call, so after a timeout the same call may be made again. Read from its
/// descriptor by the reader only.
#[repr(C)]
pub struct co_reader_t {
    /// sizeof(co_reader_t).
    pub size: u32,
    /// The reader's own.
    pub state32: u32,
    /// The reader's own.
    pub state: [u64; 7],
}

const _: () = assert!(size_of::<Reader>() <= size_of::<co_reader_t>());
const _: () = assert!(align_of::<Reader>() <= align_of::<co_reader_t>());

/// The runtime's view of it; EINVAL for NULL, or a struct that is too small.
///
/// # Safety
/// `r` is NULL or valid.
unsafe fn reader<'a>(r: *mut co_reader_t) -> Result<&'a Reader, Errno> {
    const { assert!(offset_of!(co_reader_t, size) == 0) };
    // SAFETY: the caller's; any bits of its size are a Reader.
    match unsafe { r.as_ref() } {
        Some(c) if c.size as usize >= size_of::<co_reader_t>() => {
            // SAFETY: as above.
            Ok(unsafe { &*r.cast::<Reader>() })
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Makes `r` a reader of `fd`, with `capacity` bytes at `buf` for what is read ahead: the longest
/// line, with its newline, must fit. Both are in use until the last call. Any thread; does not
/// block. To be done with a reader is to call it no more; what it has buffered is then lost.
///
/// 0; -EINVAL (`r` or `buf` NULL, r->size, no capacity), -EBADF.
///
/// # Safety
/// `r` is NULL or valid, `buf` points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_init(
    r: *mut co_reader_t,
    fd: c_int,
    buf: *mut c_void,
    capacity: usize,
) -> c_int {
    // SAFETY: the caller's.
    status(unsafe {
        reader(r).and_then(|_| Reader::init(r.cast::<Reader>(), fd, buf.cast(), capacity))
    })
}

/// Gives the next line: `*line` points to it in the reader's buffer, ended by a zero byte in place
/// of "\n" or "\r\n", `*len` (unless NULL) is its length without that. It is there until the next
/// call on `r`.
///
/// Blocks; a cancellation point; plain threads too. 1; 2 for the last bytes of a stream that ended
/// without a newline; 0 at the end. -EMSGSIZE: the buffer is full and no newline in it; nothing is
/// lost (take the bytes with another call, or see co_reader_rebuffer). -EBUSY; -EINVAL (not
/// initialised, `line` NULL), or as co_io_read.
///
/// # Safety
/// Pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_line(
    r: *mut co_reader_t,
    line: *mut *mut c_char,
    len: *mut usize,
    timeout_ns: i64,
) -> c_int {
    if line.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller's.
    let (kind, text, n) = match unsafe { reader(r) }.and_then(|r| r.line(timeout_ns)) {
        Ok(Line::End) => return 0,
        Ok(Line::Whole(text, n)) => (1, text, n),
        Ok(Line::Cut(text, n)) => (2, text, n),
        Err(e) => return e.code(),
    };
    // SAFETY: as above.
    unsafe {
        line.write(text.cast());
        if let Some(len) = len.as_mut() {
            *len = n;
        }
    }
    kind
}

/// Gives up to `len` bytes: what is buffered if anything is, else one read's. 0 is the end.
///
/// Blocks; a cancellation point; plain threads too. -EBUSY, -EINVAL (not initialised), -EFAULT
/// (`buf` NULL), or as co_io_read.
///
/// # Safety
/// `r` is NULL or valid, `buf` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_read(
    r: *mut co_reader_t,
    buf: *mut c_void,
    len: usize,
    timeout_ns: i64,
) -> i64 {
    // SAFETY: the caller's.
    value(unsafe { reader(r) }.and_then(|r| r.read(buf.cast(), len, timeout_ns)))
}

/// Gives exactly `len` bytes, or less at the end, as co_io_read_full does. What is larger than the
/// buffer goes around it.
///
/// # Safety
/// As co_reader_read; `done` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_read_full(
    r: *mut co_reader_t,
    buf: *mut c_void,
    len: usize,
    done: *mut usize,
    timeout_ns: i64,
) -> i64 {
    // SAFETY: the caller's.
    let r = unsafe { reader(r) };
    // SAFETY: the caller's.
    unsafe { counted(done, |done| r.and_then(|r| r.read_full(buf.cast(), len, done, timeout_ns))) }
}

/// Waits until at least `need` bytes are buffered and points `*data` to them, where they stay:
/// co_reader_consume takes them off. Gives how many are buffered; less than `need` at the end. With
/// a `need` of 0 it does not read. The bytes are there until the next call on `r` that is not
/// co_reader_consume.
///
/// Blocks; a cancellation point; plain threads too. -EMSGSIZE (`need` is more than the capacity);
/// -EBUSY; -EINVAL (not initialised, `data` NULL), or as co_io_read.
///
/// # Safety
/// Pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_peek(
    r: *mut co_reader_t,
    data: *mut *mut c_char,
    need: usize,
    timeout_ns: i64,
) -> i64 {
    if data.is_null() {
        return -i64::from(libc::EINVAL);
    }
    // SAFETY: the caller's.
    match unsafe { reader(r) }.and_then(|r| r.peek(need, timeout_ns)) {
        Ok((first, n)) => {
            // SAFETY: as above.
            unsafe { data.write(first.cast()) };
            n as i64
        }
        Err(e) => i64::from(e.code()),
    }
}

/// Takes the first `n` buffered bytes off. Never blocks. 0; -EINVAL (not initialised, fewer are
/// buffered); -EBUSY.
///
/// # Safety
/// `r` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_consume(r: *mut co_reader_t, n: usize) -> c_int {
    // SAFETY: the caller's.
    status(unsafe { reader(r) }.and_then(|r| r.consume(n)))
}

/// Moves what is buffered to `capacity` bytes at `buf`, larger or smaller; the former buffer is the
/// caller's again. Never blocks. 0; -EMSGSIZE (it does not fit: nothing has changed); -EINVAL (not
/// initialised, `buf` NULL, no capacity); -EBUSY.
///
/// # Safety
/// `r` is NULL or valid, `buf` points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reader_rebuffer(
    r: *mut co_reader_t,
    buf: *mut c_void,
    capacity: usize,
) -> c_int {
    // SAFETY: the caller's.
    status(unsafe { reader(r).and_then(|r| r.rebuffer(buf.cast(), capacity)) })
}
