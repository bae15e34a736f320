//! Header section `buffer`: receiving into the runtime's own buffers, and ahead of being asked.

use crate::convert::{status, value};
use photonrt_runtime::io;
use std::ffi::{c_int, c_void};

/// For co_io_recv_buf and co_io_accept: the runtime may take what comes before it is asked for.
pub const CO_IO_AHEAD: c_int = 1 << 30;

/// A buffer of the runtime's, lent to the caller until co_buf_release.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct co_buf_t {
    /// The bytes; the caller may write to them too.
    pub data: *mut c_void,
    /// How many.
    pub len: usize,
    /// For co_buf_release.
    pub id: u64,
}

/// Receives from a socket into a buffer of the runtime's, 16 KiB at most (what is beyond that of a
/// datagram is lost), and lends it: `*buf` is filled in, and is to be given to co_buf_release. Who
/// waits holds no buffer, so an idle connection costs none. `flags`: 0 or CO_IO_AHEAD.
///
/// With CO_IO_AHEAD the runtime may receive before it is asked, so that many receives cost one
/// operation of the system; engines that can, do. Whoever sets it says this about the descriptor,
/// until it is closed or a call without the flag has given -EAGAIN: nothing is received (accepted)
/// on it in another way (other co_io_* calls that would, and plain threads, get -EBUSY), and it is
/// closed with co_io_close, since after a plain close(2) it would stay open. What nobody has taken
/// by then is lost.
///
/// The number of bytes; 0 is the end of a stream or an empty datagram (and `*buf` empty). As
/// co_io_read; -ENOBUFS: 16,384 buffers of this vCPU (of all plain threads) are held; -EINVAL
/// (flags); -EBUSY (see CO_IO_AHEAD).
///
/// # Safety
/// `buf` points to a co_buf_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_recv_buf(
    fd: c_int,
    buf: *mut co_buf_t,
    flags: c_int,
    timeout_ns: i64,
) -> i64 {
    if buf.is_null() {
        return i64::from(-libc::EINVAL);
    }
    let r = io::recv_buf(fd, flags, timeout_ns);
    let (n, held) = match r {
        Ok((n, held)) => (Ok(n), held),
        Err(e) => (Err(e), None),
    };
    let out = match held {
        Some(h) => co_buf_t { data: h.data.cast(), len: n.unwrap_or(0) as usize, id: h.id },
        None => co_buf_t { data: std::ptr::null_mut(), len: 0, id: 0 },
    };
    // SAFETY: the caller's.
    unsafe { buf.write(out) };
    value(n)
}

/// Gives a buffer back and empties `*buf`; an empty one is left alone. Any thread, any coroutine;
/// does not block. 0; -EINVAL (it is not lent: given back already, or never lent).
///
/// # Safety
/// `buf` points to a co_buf_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_buf_release(buf: *mut co_buf_t) -> c_int {
    if buf.is_null() {
        return -libc::EINVAL;
    }
    // SAFETY: the caller's.
    let lent = unsafe { buf.replace(co_buf_t { data: std::ptr::null_mut(), len: 0, id: 0 }) };
    if lent.id == 0 && lent.data.is_null() {
        return 0;
    }
    status(io::buffer::release(lent.id))
}
