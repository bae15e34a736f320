//! Header section `batch`: several operations at once.

use crate::convert::{read_sized, value};
use libc::{sockaddr, socklen_t};
use photonrt_runtime::err::Errno;
use photonrt_runtime::io::{self, Operation};
use std::ffi::{c_int, c_short, c_void};

/// co_io_op_t.opcode: co_io_read: `fd`, `buf`, `len`.
pub const CO_OP_READ: u32 = 1;
/// co_io_write: `fd`, `buf`, `len`.
pub const CO_OP_WRITE: u32 = 2;
/// co_io_pread: `fd`, `buf`, `len`, `offset`.
pub const CO_OP_PREAD: u32 = 3;
/// co_io_pwrite: `fd`, `buf`, `len`, `offset`.
pub const CO_OP_PWRITE: u32 = 4;
/// co_io_fsync: `fd`.
pub const CO_OP_FSYNC: u32 = 5;
/// co_io_open: `buf` (the path), `op_flags`, `mode`.
pub const CO_OP_OPEN: u32 = 6;
/// co_io_poll: `fd`, `op_flags` (the events).
pub const CO_OP_POLL: u32 = 7;
/// A timer: ends with 0 after `offset` nanoseconds (>= 0).
pub const CO_OP_TIMER: u32 = 8;
/// co_io_accept: `fd`, `addr`, `addr_len`, `op_flags`.
pub const CO_OP_ACCEPT: u32 = 9;
/// co_io_connect: `fd`, `addr`, `addr_size`.
pub const CO_OP_CONNECT: u32 = 10;
/// co_io_recv: `fd`, `buf`, `len`, `op_flags`.
pub const CO_OP_RECV: u32 = 11;
/// co_io_send: `fd`, `buf`, `len`, `op_flags`.
pub const CO_OP_SEND: u32 = 12;

/// co_io_readv: `fd`, `buf` (the array of iovecs), `len` (their number).
pub const CO_OP_READV: u32 = 13;
/// co_io_writev: `fd`, `buf` (the array of iovecs), `len` (their number).
pub const CO_OP_WRITEV: u32 = 14;
/// co_io_preadv: as CO_OP_READV, and `offset`.
pub const CO_OP_PREADV: u32 = 15;
/// co_io_pwritev: as CO_OP_WRITEV, and `offset`.
pub const CO_OP_PWRITEV: u32 = 16;
/// co_io_recvfrom: `fd`, `buf`, `len`, `op_flags`, `addr`, `addr_len`.
pub const CO_OP_RECVFROM: u32 = 17;
/// co_io_sendto: `fd`, `buf`, `len`, `op_flags`, `addr`, `addr_size`.
pub const CO_OP_SENDTO: u32 = 18;
/// co_io_recvmsg: `fd`, `buf` (the msghdr), `op_flags`.
pub const CO_OP_RECVMSG: u32 = 19;
/// co_io_sendmsg: `fd`, `buf` (the msghdr), `op_flags`.
pub const CO_OP_SENDMSG: u32 = 20;
/// co_io_fdatasync: `fd`.
pub const CO_OP_FDATASYNC: u32 = 21;
/// co_io_fallocate: `fd`, `op_flags` (the mode), `offset`, `len`.
pub const CO_OP_FALLOCATE: u32 = 22;
/// co_io_ftruncate: `fd`, `offset` (the length).
pub const CO_OP_FTRUNCATE: u32 = 23;
/// co_io_openat: `fd` (the directory), `buf` (the path), `op_flags`, `mode`.
pub const CO_OP_OPENAT: u32 = 24;
/// co_io_unlinkat: `fd` (the directory), `buf` (the path), `op_flags`.
pub const CO_OP_UNLINKAT: u32 = 25;
/// co_io_mkdirat: `fd` (the directory), `buf` (the path), `mode`.
pub const CO_OP_MKDIRAT: u32 = 26;

const LAST_OPCODE: u32 = CO_OP_MKDIRAT;

/// co_io_op_t.flags: the next operation begins only when this one has succeeded wholly: with all
/// the bytes that it was to transfer. Otherwise the next, and what is linked to that in turn, is
/// not carried out: -ECANCELED.
pub const CO_OP_LINK: u32 = 1;

/// co_io_batch: return when one of the operations has ended, or of those that are linked a whole
/// chain.
pub const CO_BATCH_ANY: u32 = 1;

/// One operation of a batch. Each opcode names the fields that it reads, which mean what they mean
/// to that function; the others are ignored.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct co_io_op_t {
    /// sizeof(co_io_op_t), in each element of the array.
    pub size: u32,
    /// CO_OP_READ...
    pub opcode: u32,
    /// CO_OP_LINK.
    pub flags: u32,
    /// The descriptor.
    pub fd: c_int,
    /// The call's own flags.
    pub op_flags: u32,
    /// The mode of a new file.
    pub mode: u32,
    /// The size of an address that is read.
    pub addr_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The buffer.
    pub buf: *mut c_void,
    /// Its length.
    pub len: usize,
    /// A position, or a time.
    pub offset: i64,
    /// An address.
    pub addr: *mut sockaddr,
    /// The size of an address that is written.
    pub addr_len: *mut socklen_t,
    /// Written by co_io_batch: what the function would have returned.
    pub result: i64,
}

/// Carries out `n` operations at once, in one submission where the engine has such a thing, and
/// waits for all of them. Those that are not linked begin in the array's order, and may take effect
/// and end in any: operations that may be under way together must not share a buffer, unless they
/// only read it.
///
/// Blocks; a cancellation point. On plain threads too: there what must wait for a file's device is
/// done call by call, and the timeout does not end it.
///
/// The number of operations that were carried out, well or not: `n` unless something was called
/// off. Each has its result: the number >= 0 or negative error of the function itself; -ECANCELED
/// if it was called off (for CO_BATCH_ANY, a broken link, a cancel or an interrupt) or -ETIMEDOUT
/// (by the timeout; -EAGAIN with CO_NOW). On return the system has let go of all buffers; what
/// completed although it was called off has its own result and is counted. co_io_close of a
/// descriptor ends the operations on it, with -EBADF, and no others.
///
/// If none was carried out: -ETIMEDOUT, -EAGAIN, -ECANCELED or an interrupt's error, and results as
/// above. -EINVAL (a size, opcode, flag or timeout that is none), -EFAULT (`ops` NULL and `n` not
/// 0), -E2BIG (an element from a newer header), -ENOMEM: nothing has begun and no result is
/// written. 0 if `n` is 0.
///
/// # Safety
/// `ops` points to `n` elements of the size that they say; their pointers are as each function
/// wants them, until this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_io_batch(
    ops: *mut co_io_op_t,
    n: u32,
    flags: u32,
    timeout_ns: i64,
) -> c_int {
    if flags & !CO_BATCH_ANY != 0 {
        return -libc::EINVAL;
    }
    // SAFETY: the caller's.
    let array = match unsafe { Array::new(ops, n as usize) } {
        Ok(a) => a,
        Err(e) => return e.code(),
    };
    let all = (0..array.len).map(|i| array.operation(i));
    let any = flags & CO_BATCH_ANY != 0;
    value(io::batch(all, any, timeout_ns, |i, r| array.set_result(i, value(r)))) as c_int
}

/// The caller's array, each element of which has been found good.
struct Array {
    first: *mut u8,
    len: usize,
    stride: usize,
}

impl Array {
    /// # Safety
    /// As [`co_io_batch`].
    unsafe fn new(ops: *mut co_io_op_t, len: usize) -> Result<Array, Errno> {
        if len == 0 {
            return Ok(Array { first: ops.cast(), len, stride: 0 });
        }
        if ops.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's: there is a first element.
        let stride = unsafe { ops.cast::<u32>().read() } as usize;
        let least = std::mem::offset_of!(co_io_op_t, result) + size_of::<i64>();
        if stride < least || !stride.is_multiple_of(align_of::<co_io_op_t>()) {
            return Err(Errno::EINVAL);
        }
        let array = Array { first: ops.cast(), len, stride };
        for i in 0..len {
            // SAFETY: the caller's: each has as many bytes as the first says; one that says
            // otherwise is not looked at any further.
            let op = unsafe {
                if array.at(i).cast::<u32>().read() as usize != stride {
                    return Err(Errno::EINVAL);
                }
                read_sized(array.at(i))?.ok_or(Errno::EFAULT)?
            };
            let known = (CO_OP_READ..=LAST_OPCODE).contains(&op.opcode);
            if op.flags & !CO_OP_LINK != 0 || op.reserved != 0 || !known {
                return Err(Errno::EINVAL);
            }
        }
        Ok(array)
    }

    fn at(&self, i: usize) -> *mut co_io_op_t {
        self.first.wrapping_add(i * self.stride).cast()
    }

    fn operation(&self, i: usize) -> Operation {
        // SAFETY: `new` has read it.
        let op = unsafe { self.at(i).read() };
        let linked = op.flags & CO_OP_LINK != 0;
        match convert(&op) {
            Some(operation) => operation.linked(linked),
            // Changed by another thread meanwhile.
            None => Operation::refused(Errno::EINVAL),
        }
    }

    fn set_result(&self, i: usize, result: i64) {
        // SAFETY: as `operation`.
        unsafe { (&raw mut (*self.at(i)).result).write(result) };
    }
}

fn convert(o: &co_io_op_t) -> Option<Operation> {
    let (fd, buf, len, flags) = (o.fd, o.buf.cast::<u8>(), o.len, o.op_flags as c_int);
    Some(match o.opcode {
        CO_OP_READ => Operation::read(fd, buf, len, None),
        CO_OP_WRITE => Operation::write(fd, buf, len, None),
        CO_OP_PREAD => Operation::read(fd, buf, len, Some(o.offset)),
        CO_OP_PWRITE => Operation::write(fd, buf, len, Some(o.offset)),
        CO_OP_FSYNC => Operation::fsync(fd),
        CO_OP_OPEN => Operation::openat(libc::AT_FDCWD, buf.cast(), flags, o.mode),
        // What does not fit has bits that are no events.
        CO_OP_POLL => Operation::poll(fd, c_short::try_from(o.op_flags).unwrap_or(-1)),
        CO_OP_TIMER => Operation::timer(o.offset),
        CO_OP_ACCEPT => Operation::accept(fd, o.addr, o.addr_len, flags),
        CO_OP_CONNECT => Operation::connect(fd, o.addr, o.addr_size),
        CO_OP_RECV => Operation::recv(fd, buf, len, flags),
        CO_OP_SEND => Operation::send(fd, buf, len, flags),
        CO_OP_READV => Operation::readv(fd, buf.cast(), count(len), None),
        CO_OP_WRITEV => Operation::writev(fd, buf.cast(), count(len), None),
        CO_OP_PREADV => Operation::readv(fd, buf.cast(), count(len), Some(o.offset)),
        CO_OP_PWRITEV => Operation::writev(fd, buf.cast(), count(len), Some(o.offset)),
        CO_OP_RECVFROM => Operation::recvfrom(fd, buf, len, flags, o.addr, o.addr_len),
        CO_OP_SENDTO => Operation::sendto(fd, buf, len, flags, o.addr, o.addr_size),
        CO_OP_RECVMSG => Operation::recvmsg(fd, buf.cast(), flags),
        CO_OP_SENDMSG => Operation::sendmsg(fd, buf.cast(), flags),
        CO_OP_FDATASYNC => Operation::fdatasync(fd),
        CO_OP_FALLOCATE => {
            let len = i64::try_from(len).unwrap_or(i64::MAX);
            Operation::fallocate(fd, flags, o.offset, len)
        }
        CO_OP_FTRUNCATE => Operation::ftruncate(fd, o.offset),
        CO_OP_OPENAT => Operation::openat(fd, buf.cast(), flags, o.mode),
        CO_OP_UNLINKAT => Operation::unlinkat(fd, buf.cast(), flags),
        CO_OP_MKDIRAT => Operation::mkdirat(fd, buf.cast(), o.mode),
        _ => return None,
    })
}

/// A number of iovecs; too large a one is refused like a negative one.
fn count(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(-1)
}
