//! L5: I/O that blocks the coroutine and never the vCPU.
//!
//! ```text
//!   batch/    several operations at once, and chains of them
//!   op/       one operation, one file: what it is on each engine
//!   engine/   what carries it out: uring, ready, offload, plain threads, a pool of threads
//!   table     what the process knows of a descriptor: who uses it, whether it is being closed
//!   buffer    buffers that the runtime owns and hands out
//!   net/      names, addresses, connections: what every network program would write
//!   process/  children and signals
//!   stream/   what takes several calls: exactly so much, lines, copies
//!   sys       system calls, the forms that don't block beside those that do
//! ```
//!
//! A call's way: `engine::run` makes a deadline of the timeout, looks for a cancel or an
//! interrupt, enters its vCPU's bit in the table, and has the engine try or wait, as often as it
//! takes. Three things hold for every call, whatever ends it:
//!
//! - When it returns, nobody holds its buffer: the kernel has completed the operation, or was never
//!   given it.
//! - What was transferred is reported: a cancel that comes too late does not lose data, and an
//!   interrupt that comes too late stays pending.
//! - On a descriptor being closed it ends with EBADF, and the close waits for it; see `table`.
//!
//! Rejected: an operation that outlives its coroutine's call (a heap record and a buffer owned by
//! the runtime for each call); a close that only cancels (the number would be given away while the
//! kernel still writes to old buffers).
// What only the ring, which Linux has, makes use of.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

use crate::err::Errno;
use crate::sched::driver::Driver;

mod batch;
pub mod buffer;
mod engine;
mod entry;
mod lent;
mod net;
mod op;
mod process;
mod stream;
mod sys;
mod table;
#[cfg(test)]
mod tests;

pub use batch::{Operation, batch};
pub use engine::EngineKind;
pub use net::addr::Addr;
pub use net::dial::{tcp_connect, udp_connect, unix_connect};
pub use net::listen::{tcp_listen, tcp_listen_on, udp_bind, unix_listen};
pub use net::names::{Service, getaddrinfo, getnameinfo};
pub use op::accept::accept;
pub use op::close::close;
pub use op::connect::connect;
pub use op::copy::copy_file_range;
pub use op::fallocate::fallocate;
pub use op::fsync::{fdatasync, fsync};
pub use op::ftruncate::ftruncate;
pub use op::msg::{recvmsg, sendmsg};
pub use op::name::{linkat, mkdirat, renameat, symlinkat, unlinkat};
pub use op::open::{open, openat};
pub use op::pipe::pipe;
pub use op::poll::poll;
pub use op::poll_many::poll_many;
pub use op::read::{pread, read};
pub use op::readdir::{Dirent, readdir};
pub use op::readlink::readlinkat;
pub use op::recv::{recv, recvfrom};
pub use op::recv_buf::recv_buf;
pub use op::send::{send, sendto};
pub use op::sendfile::sendfile;
pub use op::socket::{
    bind, getpeername, getsockname, getsockopt, listen, setsockopt, shutdown, socket, socketpair,
};
pub use op::splice::splice;
pub use op::stat::{Stat, Time, statx};
pub use op::vector::{readv, writev};
pub use op::write::{pwrite, write};
pub use process::child::wait as process_wait;
pub use process::signal::{
    release as signal_release, subscribe as signal_subscribe, wait as signal_wait,
};
pub use stream::copy::copy;
pub use stream::reader::{Line, Reader};
pub use stream::{pread_full, pwrite_all, read_full, write_all};
pub use sys::memory;
pub use sys::{Found, Hints};

/// An engine for a vCPU, to be created on that vCPU's thread, or, for the vCPU of an external group
/// (`external`), on any. ENOSYS where the kernel does not have it; EMFILE, ENOMEM and the like.
pub fn driver(kind: EngineKind, external: bool) -> Result<Box<dyn Driver>, Errno> {
    Ok(Box::new(engine::Engine::new(kind, external)?))
}

/// The same, of a kind that may not work here: only a vCPU of the calling thread's can have it. Of
/// io_uring, a ring is set up, and a real operation goes through it. ENOSYS, EPERM, EMFILE, ENOMEM...
pub fn proven_driver(kind: EngineKind) -> Result<Box<dyn Driver>, Errno> {
    let mut engine = engine::Engine::new(kind, false)?;
    engine.prove()?;
    Ok(Box::new(engine))
}
