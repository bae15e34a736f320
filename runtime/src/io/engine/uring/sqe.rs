//! The ring's entries for the operations. `io-uring` is named in this module only.

// Each is named after its operation.
#![allow(missing_docs)]

use io_uring::{opcode, squeue, types};
use std::ffi::{c_char, c_int, c_short};

/// An entry of the submission queue.
pub type Sqe = squeue::Entry;

/// IORING_RECVSEND_POLL_FIRST: don't try before there is something.
const POLL_FIRST: u16 = 1;
/// "At the file's position."
const HERE: u64 = u64::MAX;

/// The opcode of operations that have no entry.
pub const NONE: u8 = u8::MAX;

fn fd(fd: c_int) -> types::Fd {
    types::Fd(fd)
}

fn at(offset: Option<i64>) -> u64 {
    offset.map_or(HERE, |o| o as u64)
}

pub fn read(f: c_int, buf: *mut u8, len: usize, offset: Option<i64>) -> Sqe {
    opcode::Read::new(fd(f), buf, len as u32).offset(at(offset)).build()
}

pub fn write(f: c_int, buf: *const u8, len: usize, offset: Option<i64>) -> Sqe {
    opcode::Write::new(fd(f), buf, len as u32).offset(at(offset)).build()
}

pub fn recv(f: c_int, buf: *mut u8, len: usize, flags: c_int, wait_first: bool) -> Sqe {
    let ioprio = if wait_first { POLL_FIRST } else { 0 };
    opcode::Recv::new(fd(f), buf, len as u32).flags(flags).ioprio(ioprio).build()
}

/// One completion for each time that there is something, in a buffer of group `group`.
pub fn recv_always(f: c_int, group: u16) -> Sqe {
    opcode::RecvMulti::new(fd(f), group).build()
}

/// One completion for each connection.
pub fn accept_always(f: c_int, flags: c_int) -> Sqe {
    opcode::AcceptMulti::new(fd(f)).flags(flags).build()
}

pub fn send(f: c_int, buf: *const u8, len: usize, flags: c_int) -> Sqe {
    opcode::Send::new(fd(f), buf, len as u32).flags(flags).build()
}

/// Not among [`NEEDED`]: see `zero_copy`.
pub const SEND_ZC: u8 = opcode::SendZc::CODE;
pub const SENDMSG_ZC: u8 = opcode::SendMsgZc::CODE;
/// IORING_SEND_ZC_REPORT_USAGE: say whether it was copied nevertheless.
const REPORT_USAGE: u16 = 8;

pub fn send_zero_copy(f: c_int, buf: *const u8, len: usize, flags: c_int) -> Sqe {
    opcode::SendZc::new(fd(f), buf, len as u32).flags(flags).zc_flags(REPORT_USAGE).build()
}

pub fn sendmsg_zero_copy(f: c_int, msg: *const libc::msghdr, flags: c_int) -> Sqe {
    opcode::SendMsgZc::new(fd(f), msg).flags(flags as u32).ioprio(REPORT_USAGE).build()
}

/// Not among [`NEEDED`]: named by its operation.
pub const RECVMSG: u8 = opcode::RecvMsg::CODE;

pub fn recvmsg(f: c_int, msg: *mut libc::msghdr, flags: c_int) -> Sqe {
    opcode::RecvMsg::new(fd(f), msg).flags(flags as u32).build()
}

pub fn accept(f: c_int, addr: *mut libc::sockaddr, len: *mut libc::socklen_t, flags: c_int) -> Sqe {
    opcode::Accept::new(fd(f), addr, len).flags(flags).build()
}

pub fn connect(f: c_int, addr: *const libc::sockaddr, len: libc::socklen_t) -> Sqe {
    opcode::Connect::new(fd(f), addr, len).build()
}

/// On a thread of the kernel: see `op::open`.
pub fn open(dir: c_int, path: *const c_char, flags: c_int, mode: u32) -> Sqe {
    let open = opcode::OpenAt::new(fd(dir), path).flags(flags).mode(mode).build();
    open.flags(squeue::Flags::ASYNC)
}

/// On a thread of the kernel: what is slow to close comes here.
pub fn close(f: c_int) -> Sqe {
    opcode::Close::new(fd(f)).build().flags(squeue::Flags::ASYNC)
}

pub fn fsync(f: c_int, data: bool) -> Sqe {
    let flags = if data { types::FsyncFlags::DATASYNC } else { types::FsyncFlags::empty() };
    opcode::Fsync::new(fd(f)).flags(flags).build()
}

pub fn readv(f: c_int, iov: *const libc::iovec, count: c_int, offset: Option<i64>) -> Sqe {
    opcode::Readv::new(fd(f), iov, count as u32).offset(at(offset)).build()
}

pub fn writev(f: c_int, iov: *const libc::iovec, count: c_int, offset: Option<i64>) -> Sqe {
    opcode::Writev::new(fd(f), iov, count as u32).offset(at(offset)).build()
}

pub fn sendmsg(f: c_int, message: *const libc::msghdr, flags: c_int) -> Sqe {
    opcode::SendMsg::new(fd(f), message).flags(flags as u32).build()
}

pub const FALLOCATE: u8 = opcode::Fallocate::CODE;

pub fn fallocate(f: c_int, mode: c_int, offset: i64, len: i64) -> Sqe {
    opcode::Fallocate::new(fd(f), len as u64).offset(offset as u64).mode(mode).build()
}

/// Linux 6.9.
pub const FTRUNCATE: u8 = opcode::Ftruncate::CODE;

pub fn ftruncate(f: c_int, len: i64) -> Sqe {
    opcode::Ftruncate::new(fd(f), len as u64).build()
}

/// The ring does not hear a wake that is for POLLPRI alone (seen on Linux 6.18); a socket's for
/// urgent data is for POLLRDBAND too, which sockets do not report. See `op::poll_many` for others.
pub fn poll(f: c_int, events: c_short) -> Sqe {
    let band = if events & libc::POLLPRI == 0 { 0 } else { libc::POLLRDBAND };
    opcode::PollAdd::new(fd(f), (events | band) as u16 as u32).build()
}

/// One completion for each time that it becomes readable, until cancelled.
pub fn poll_always(f: c_int) -> Sqe {
    opcode::PollAdd::new(fd(f), libc::POLLIN as u32).multi(true).build()
}

/// The next entry begins when this one has wholly succeeded.
pub fn linked(entry: Sqe) -> Sqe {
    entry.flags(squeue::Flags::IO_LINK)
}

pub fn cancel(user_data: u64) -> Sqe {
    opcode::AsyncCancel::new(user_data).build()
}

pub fn nop() -> Sqe {
    opcode::Nop::new().build()
}

pub const STATX: u8 = opcode::Statx::CODE;

pub fn statx(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mask: u32,
    out: *mut libc::statx,
) -> Sqe {
    opcode::Statx::new(fd(dir), path, out.cast()).flags(flags).mask(mask).build()
}

/// Linux 5.11, as the rename's.
pub const UNLINK: u8 = opcode::UnlinkAt::CODE;

pub fn unlink(dir: c_int, path: *const c_char, flags: c_int) -> Sqe {
    opcode::UnlinkAt::new(fd(dir), path).flags(flags).build()
}

pub const RENAME: u8 = opcode::RenameAt::CODE;

pub fn rename(dirs: [c_int; 2], paths: [*const c_char; 2], flags: u32) -> Sqe {
    opcode::RenameAt::new(fd(dirs[0]), paths[0], fd(dirs[1]), paths[1]).flags(flags).build()
}

/// Linux 5.15, as the links'.
pub const MKDIR: u8 = opcode::MkDirAt::CODE;

pub fn mkdir(dir: c_int, path: *const c_char, mode: u32) -> Sqe {
    opcode::MkDirAt::new(fd(dir), path).mode(mode).build()
}

pub const LINK: u8 = opcode::LinkAt::CODE;

pub fn link(dirs: [c_int; 2], paths: [*const c_char; 2], flags: c_int) -> Sqe {
    opcode::LinkAt::new(fd(dirs[0]), paths[0], fd(dirs[1]), paths[1]).flags(flags).build()
}

pub const SYMLINK: u8 = opcode::SymlinkAt::CODE;

pub fn symlink(target: *const c_char, dir: c_int, path: *const c_char) -> Sqe {
    opcode::SymlinkAt::new(fd(dir), target, path).build()
}

/// Came with Linux 5.19, as did accepting again and again.
pub const SINCE_5_19: u8 = opcode::Socket::CODE;
/// Came with Linux 6.0, as did receiving again and again.
pub const SINCE_6_0: u8 = opcode::SendZc::CODE;

/// The operations that an engine needs of the kernel.
pub const NEEDED: [u8; 15] = [
    opcode::Read::CODE,
    opcode::Write::CODE,
    opcode::Readv::CODE,
    opcode::Writev::CODE,
    opcode::SendMsg::CODE,
    opcode::Recv::CODE,
    opcode::Send::CODE,
    opcode::Accept::CODE,
    opcode::Connect::CODE,
    opcode::OpenAt::CODE,
    opcode::Close::CODE,
    opcode::Fsync::CODE,
    opcode::PollAdd::CODE,
    opcode::AsyncCancel::CODE,
    opcode::Nop::CODE,
];
